// Joining: what the page knows of the gateway that invited this device. An invitation is a link of this page's own
// address whose fragment holds a secret; the credential that comes of it is kept in this browser, for this address, and
// can mine and nothing else. The program in the control worker does the proving.

const kept = "goldpan.device";
let memory = ""; // where the browser keeps nothing, for this visit

// fromAddress takes the invitation that the page was opened with, as a link; "" without one. It is out of the address
// bar and of the tab's history before anything else happens.
export function fromAddress() {
  const found = location.hash.startsWith("#join=") ? location.origin + "/" + location.hash : "";
  if (found) history.replaceState(null, "", location.pathname + location.search);
  return found;
}

// toAddress puts an invitation back there, for a page that is about to be loaded once more.
export function toAddress(link) {
  if (link) history.replaceState(null, "", link.slice(link.indexOf("#")));
}

const code = /^(?:.*?(https?:\/\/[^/?#\s@]+)\/?)?#join=([A-Za-z0-9_-]{40})(?![A-Za-z0-9_-])/i;

// read takes a pasted link apart: {link, origin, here}, or {wrong}: "link" if it is none, "typo" if a part of it is missing
// or too much. here: it is for this page's address. Words around it, broken lines, and signs that some program has written
// as %23 and %3D do no harm; without an address it is for this page's.
export function read(text) {
  const whole = text.replace(/(?:#|%23)join(?:=|%3D)/i, "#join=").replace(/[\u00ad\u200b-\u200d\u2060]/g, "");
  const joined = whole.replace(/\s+/g, "");
  if (!/#join=/i.test(joined)) return {wrong: "link"};
  const found = code.exec(whole.replace(/\s+/g, " ")) ?? code.exec(joined);
  if (!found) return {wrong: "typo"};
  let origin = location.origin;
  try {
    if (found[1]) origin = new URL(found[1]).origin;
  } catch {
    return {wrong: "link"};
  }
  return {link: origin + "/#join=" + found[2], origin, here: origin === location.origin};
}

// credential is what was kept; "" before this device joined.
export function credential() {
  let found = memory;
  try { found = localStorage.getItem(kept) || memory; } catch { /* this visit only */ }
  return /^[A-Za-z0-9_-]{62}$/.test(found) ? found : "";
}

// keeps tells whether this browser keeps anything beyond this visit. That of a private window may say so, and forget all
// the same when it is closed.
export function keeps() {
  try {
    localStorage.setItem(kept + ".try", "1");
    localStorage.removeItem(kept + ".try");
    return true;
  } catch {
    return false;
  }
}

// keep keeps a credential. It is true once that is done. One of before makes room for it, or it would be taken for it.
export function keep(text) {
  memory = text;
  try { localStorage.setItem(kept, text); } catch {
    try { localStorage.removeItem(kept); localStorage.setItem(kept, text); } catch { /* this visit only */ }
  }
  return credential() === text;
}

// elsewhere calls gone() when another tab has left the gateway.
export function elsewhere(gone) {
  window.addEventListener("storage", ({key, newValue}) => {
    if (key !== null && key !== kept) return;
    memory = newValue ?? "";
    if (!memory) gone();
  });
}

// forget leaves the gateway.
export function forget() {
  memory = "";
  try { localStorage.removeItem(kept); } catch { /* there was nothing */ }
}
