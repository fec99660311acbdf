// The purse: the one button of the wallet. All that a wallet needs comes when it is pressed, from files that carry
// wallet in their names; until then nothing of it is loaded, and mining goes on meanwhile.
import {text} from "./words.js";

const button = document.getElementById("wallet-open");
const said = document.createElement("p"); // that it did not come
said.className = "problem";
said.setAttribute("role", "alert");

if (window.top === window) {
  button.hidden = false;
  button.addEventListener("click", async (event) => {
    if (!event.isTrusted) return;
    button.disabled = true;
    said.remove();
    try {
      await (await import("./wallet.js")).open();
    } catch {
      said.textContent = text("reason.part");
      button.after(said);
    } finally {
      button.disabled = false;
    }
  });
}
