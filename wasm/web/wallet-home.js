// The open wallet: what it owns, how to be paid, what has happened, and its backups.
import * as make from "./wallet-make.js";
import * as send from "./wallet-send.js";
import {wallet} from "./wallet.js";
import {amount, button, decimal, el, fault, field, file, form, notice, picture, save, secret, t, when} from "./wallet-ui.js";
import {text} from "./words.js";

let parts = null; // of the first screen, while it is shown

// warnings stand on every screen with a balance.
function warnings() {
  const {proven, worthless} = wallet.status;
  return [
    wallet.status.worthless && wallet.status.server.code === "genesis" ? renewed() : null,
    proven ? null : el("div.wallet-note.bad", {role: "note"}, el("p", {}, t("wallet.unproven")), button("wallet.prove", () => make.reveal(), "gold", "wallet-prove")),
    wallet.persistent ? null : notice("wallet.fleeting"),
    notice(worthless ? "wallet.worthless" : "wallet.unaudited"),
    notice("wallet.hot"),
  ];
}

// renewed says that the practice chain was begun anew, and goes on with the new one.
function renewed() {
  const why = el("p.problem", {role: "alert", hidden: true});
  return el("div.wallet-note.bad", {role: "note"}, el("p", {}, t("wallet.renewed")), button("wallet.renew", async () => {
    try {
      await wallet.call("renew");
      wallet.refresh();
    } catch (e) {
      why.textContent = fault(e);
      why.hidden = false;
    }
  }, "gold", "wallet-renew"), why);
}

// show is the wallet's first screen.
export function show() {
  if (!wallet.unlocked()) return wallet.start();
  const of = {notes: el("div.wallet-notes"), balance: el("section.card", {"aria-labelledby": "wallet-balance-title"}),
    server: el("p.quiet.wallet-standing", {role: "status"}), history: el("section.card", {"aria-labelledby": "wallet-history-title"})};
  parts = null;
  of.stays = wallet.show("wallet.home", of.balance,
    el("div.wallet-actions", {}, button("wallet.receive", receive, "gold", "wallet-receive"), button("wallet.send", () => send.show(), "plain", "wallet-send"), button("wallet.more", more, "plain", "wallet-more")),
    of.server, of.notes, of.history);
  parts = of;
  update();
}

// update shows how the wallet stands now, if its first screen is there.
export function update() {
  if (!parts || !parts.stays() || !wallet.unlocked()) return;
  const s = wallet.status;
  const unit = " " + s.symbol;
  const row = (key, value, places = {}) => /[1-9]/.test(value) ? el("div", {}, el("dt", {}, t(key, places)), el("dd", {}, amount(value) + unit)) : null;
  parts.balance.replaceChildren(
    el("h2.quiet#wallet-balance-title", {}, t("wallet.balance")),
    el("p.hero" + (s.balance.confirmed.replace(/0+$/, "").length > 8 ? ".long" : "") + "#wallet-confirmed", {}, el("span", {}, amount(s.balance.confirmed)), " ", el("span.unit", {}, s.symbol)),
    s.worthless ? el("p.quiet", {}, text("page.worthless")) : "",
    el("dl.wallet-rest", {}, [
      row("wallet.unconfirmed", s.balance.unconfirmed),
      row("wallet.immature", s.balance.immature, {n: s.maturity}),
      row("wallet.dust", s.balance.dust)].filter(Boolean)));
  const notes = String([s.proven, wallet.persistent, s.server.code === "genesis"]);
  if (parts.notes.dataset.of !== notes) {
    parts.notes.dataset.of = notes;
    parts.notes.replaceChildren(...warnings().filter(Boolean));
  }
  standing(s.server);
  const open = document.activeElement && parts.history.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
  if (!open) history(s); // a label that is being written is not taken away
}

function standing({url, synced, connected, height, announced, code}) {
  let said;
  if (code === "genesis" && wallet.status.worthless) said = ""; // a note says it
  else if (!url) said = t("wallet.standing.none");
  else if (code) said = t("wallet.standing.fault", {why: fault({code})});
  else if (synced) said = t("wallet.standing.synced", {n: height});
  else if (connected && announced > height && announced > 0) said = t("wallet.standing.reading", {n: Math.max(0, height), all: announced});
  else said = t("wallet.standing.connecting");
  if (parts.server.dataset.said === said) return;
  parts.server.dataset.said = said;
  parts.server.replaceChildren(said, " ", said && url ? el("code", {dir: "ltr"}, url) : "");
}

function history(s) {
  const item = (e) => {
    const what = e.reward ? t(e.mature ? "wallet.entry.reward" : "wallet.entry.immature", {n: Math.max(0, e.confirmations), all: e.matures})
      : e.height === 0 ? t("wallet.entry.waiting") : t(e.amount.startsWith("-") ? "wallet.entry.sent" : "wallet.entry.received");
    const label = el("input", {type: "text", value: e.label, maxLength: 255, placeholder: t("wallet.label"), "aria-label": t("wallet.label.of", {when: when(e.time)}), onchange: async () => {
      try { await wallet.call("label", {id: e.id, label: label.value}); } catch { label.value = e.label; }
    }});
    return el("li.wallet-entry", {},
      el("p.line", {}, el("span", {}, what), el("strong", {}, amount(e.amount) + " " + s.symbol)),
      el("p.quiet", {}, when(e.time)), label);
  };
  parts.history.replaceChildren(...send.underWay(s), el("h2#wallet-history-title", {}, t("wallet.history")),
    s.history.length ? el("ol.wallet-history#wallet-history", {}, s.history.map(item)) : el("p.quiet", {}, t("wallet.history.none")),
    s.more ? el("p.quiet", {}, t("wallet.history.more", {n: s.more})) : "");
}

// ---- Being paid -----------------------------------------------------------------------------------------

// receive shows an address, once the words are proven.
async function receive() {
  if (!wallet.status.proven) {
    return wallet.show("wallet.receive.title", el("div.wallet-note.bad", {}, el("p", {}, t("wallet.receive.unproven"))),
      button("wallet.prove", () => make.reveal(), "gold", "wallet-prove"), button("wallet.back", show));
  }
  await address(false, "");
}

async function address(next, asks, typed = "") {
  let r;
  try {
    r = await wallet.call("receive", {next, amount: asks});
  } catch (e) {
    if (e.code === "locked") return make.unlock(true);
    return wallet.show("wallet.receive.title", el("p.wallet-note.bad", {role: "alert"}, fault(e)), button("wallet.back", show));
  }
  const said = el("p.quiet", {role: "status"});
  const copy = (text) => async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = t("wallet.copied");
    } catch {
      said.textContent = t("wallet.copy.not");
    }
  };
  const last = r.groups.length - 1;
  const groups = el("p.wallet-address#wallet-address", {dir: "ltr", translate: false},
    r.groups.map((g, i) => [el(i < 2 || i >= last - 1 ? "strong" : "span", {}, g), " "]));
  const wanted = el("input", {type: "text", inputMode: "decimal", autocomplete: "off", maxLength: 20, value: typed});
  const mine = el("input#wallet-mine", {type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: false, dir: "ltr", maxLength: 2000});
  const is = el("p", {role: "status"});
  wallet.show("wallet.receive.title", wallet.status.worthless ? notice("wallet.worthless") : null,
    el("div.wallet-paper", {}, picture(r.qr, t("wallet.qr"))), groups,
    el("p.quiet", {}, t("wallet.receive.compare")),
    el("div.wallet-actions", {}, button("wallet.copy", copy(r.address), "gold", "wallet-copy"), button("wallet.copy.link", copy(r.link))), said,
    el("p.quiet", {}, t("wallet.receive.fresh", {n: r.index + 1})),
    button("wallet.receive.next", () => address(true, "")),
    el("details", {}, el("summary", {}, t("wallet.receive.amount")),
      form("wallet.receive.ask", () => address(false, decimal(wanted.value), wanted.value), field("wallet.receive.how", wanted, wallet.status.symbol)),
      el("p", {}, el("code.address", {dir: "ltr"}, r.link))),
    el("details", {}, el("summary", {}, t("wallet.mine")),
      form("wallet.mine.do", async () => {
        is.textContent = "";
        const found = await wallet.call("mine", {address: mine.value});
        is.textContent = t(found.mine ? "wallet.mine.yes" : "wallet.mine.no");
      }, field("wallet.mine.address", mine)), is),
    button("wallet.back", show));
}

// ---- Backups and files ----------------------------------------------------------------------------------

function more() {
  const said = el("p.problem", {role: "alert", hidden: true});
  const give = (what) => async () => {
    try {
      save(await wallet.call("export", {what}));
    } catch (e) {
      said.textContent = fault(e);
      said.hidden = false;
    }
  };
  wallet.show("wallet.more", el("section.card", {}, el("h2", {}, t("wallet.backups")), make.proofs(),
    button("wallet.words.see", () => make.reveal()), button("wallet.backup", backup, "plain", "wallet-backup"), button("wallet.verify", verify)),
  el("section.card", {}, el("h2", {}, t("wallet.files")), el("p.quiet", {}, t("wallet.files.text")),
    button("wallet.export.history", give("history")), button("wallet.export.labels", give("labels"))), said,
  button("wallet.others", make.others), button("wallet.back", show));
}

// backup writes a sealed file, which the person keeps elsewhere.
export function backup() {
  const passphrase = secret("wallet.backup.passphrase", "wallet-passphrase", {fresh: true, help: t("wallet.backup.help")});
  const said = el("p", {role: "status"});
  wallet.show("wallet.backup.title", el("p", {}, t("wallet.backup.text")),
    form("wallet.backup.do", async () => {
      const sealed = await wallet.call("backup", {passphrase: passphrase.input.value});
      passphrase.input.value = "";
      save(sealed);
      said.textContent = t("wallet.backup.done");
    }, passphrase.box), said, button("wallet.verify", verify), button("wallet.back", show));
}

function verify() {
  const input = el("input#wallet-file", {type: "file", accept: ".age"});
  const opens = secret("wallet.opens", "wallet-opens");
  const said = el("p", {role: "status"});
  wallet.show("wallet.verify", el("p", {}, t("wallet.verify.text")),
    form("wallet.verify.do", async () => {
      said.textContent = "";
      await wallet.call("verify", {file: await file(input), opens: opens.input.value});
      opens.input.value = "";
      wallet.status = await wallet.call("status");
      said.textContent = t("wallet.verify.good");
    }, field("wallet.file", input), opens.box), said, button("wallet.back", show));
}
