// The wallet: a sheet over the page, and the worker that keeps the keys. Mining goes on meanwhile, and Stop is on the
// sheet too. It keeps a wallet on a secure origin alone, never in a frame, and contacts no server that the person has
// not seen on the screen before. It locks itself when nobody has touched it for a while, and when the page was hidden.
import * as home from "./wallet-home.js";
import * as make from "./wallet-make.js";
import {button, el, load, notice, t} from "./wallet-ui.js";

const idle = 5 * 60_000;   // without a touch, then it locks
const away = 60_000;       // hidden, or closed

let worker = null;
let calls = new Map();
let last = 0;
let sheet = null;
let body = null;
let turn = 0;              // counts screens
let touched = 0;           // when the person last did something here
let left = 0;              // since when the wallet is out of sight; 0 while it is seen

// wallet is what its screens share.
export const wallet = {
  info: null,    // what the page mines
  offer: null,   // the wallet that was chosen: {coin, network, name, symbol, worthless, here, state}
  status: null,  // how it stands
  persistent: false,
  call, show, start, refresh, server, unlocked, lock,
};

function call(name, ask = {}) {
  return new Promise((resolve, reject) => {
    if (!worker) return reject({code: "ended"});
    calls.set(++last, {resolve, reject});
    worker.postMessage({id: last, name, ask});
  });
}

function begin() {
  worker = new Worker("wallet-worker.js");
  worker.onmessage = ({data}) => {
    if (data.changed) return refresh();
    if (data.fault) return ended();
    const waiting = calls.get(data.id);
    calls.delete(data.id);
    if (!waiting) return;
    if (data.error) waiting.reject(data.error); else waiting.resolve(data.ok);
  };
  worker.onerror = ended;
}

function ended() {
  if (worker) worker.terminate();
  worker = null;
  for (const {reject} of calls.values()) reject({code: "ended"});
  calls = new Map();
  wallet.status = null;
  if (sheet && sheet.open) show("wallet.title", notice("wallet.error.ended", {}, true), button("wallet.again", start, "gold"));
}

// ---- The sheet ------------------------------------------------------------------------------------------

function build() {
  const style = el("link", {rel: "stylesheet", href: "wallet.css"});
  const ready = new Promise((resolve) => { style.onload = style.onerror = resolve; });
  document.head.append(style);
  body = el("div.wallet-body#wallet-body");
  const close = button("wallet.close", () => sheet.close(), "plain", "wallet-close");
  const stop = button("wallet.stop", () => document.getElementById("stop").click(), "plain", "wallet-stop");
  const dock = el("div.wallet-dock#wallet-dock", {hidden: true}, el("p", {}, t("wallet.mining")), stop);
  sheet = el("dialog.wallet#wallet", {"aria-labelledby": "wallet-title"},
    el("header.wallet-bar", {}, el("h1#wallet-title", {tabIndex: -1}, t("wallet.title")),
      button("wallet.lock", lock, "plain", "wallet-lock"), close),
    body, dock);
  sheet.addEventListener("close", () => { left = Date.now(); body.replaceChildren(); });
  document.body.append(sheet);
  const mining = () => {
    dock.hidden = document.getElementById("stop").hidden || document.getElementById("dock").hidden;
  };
  new MutationObserver(mining).observe(document.getElementById("stop"), {attributes: true});
  new MutationObserver(mining).observe(document.body, {attributes: true});
  mining();
  for (const what of ["pointerdown", "keydown", "input"]) sheet.addEventListener(what, () => { touched = Date.now(); }, {passive: true});
  document.addEventListener("visibilitychange", watch);
  setInterval(watch, 5000);
  return ready;
}

// watch locks the wallet when nobody looks at it any more.
function watch() {
  const seen = sheet.open && document.visibilityState === "visible";
  if (seen) {
    const gone = left ? Date.now() - left : 0;
    left = 0;
    if (gone > away) return lock();
  } else {
    left ||= Date.now();
    if (Date.now() - left > away) return lock();
  }
  if (unlocked() && Date.now() - touched > idle) lock();
}

// open shows the sheet. It fails where a part of it does not come.
export async function open() {
  if (window.top !== window) return;
  const known = document.documentElement.lang;
  await load();
  if (sheet && sheet.lang !== known) {
    sheet.remove();
    sheet = null;
  }
  if (!sheet) await build();
  sheet.lang = known;
  touched = Date.now();
  left = 0;
  if (!sheet.open) sheet.showModal();
  await start();
}

// show puts a screen on the sheet, and returns a function that tells whether it is still there.
function show(title, ...children) {
  const mine = ++turn;
  document.getElementById("wallet-title").textContent = t(title, wallet.offer || {});
  document.getElementById("wallet-lock").hidden = !unlocked();
  sheet.dataset.screen = title;
  body.replaceChildren(...children.flat(Infinity).filter(Boolean));
  body.scrollTop = 0;
  document.getElementById("wallet-title").focus();
  return () => mine === turn && sheet.open;
}

function unlocked() {
  return Boolean(wallet.status && wallet.status.open && !wallet.status.locked);
}

// ---- What can be kept here ------------------------------------------------------------------------------

const apple = () => /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);

// start shows the first screen: that which fits how things stand.
async function start() {
  if (!window.isSecureContext) {
    show("wallet.title", notice("wallet.insecure", {}, true), el("p", {}, t("wallet.insecure.why")),
      el("h2", {}, t("wallet.insecure.do")), el("ul", {}, el("li", {}, t("wallet.insecure.computer")), el("li", {}, t("wallet.insecure.https"))));
    return;
  }
  if (apple() && !navigator.standalone) {
    show("wallet.title", notice("wallet.apple", {}, true), el("p", {}, t("wallet.apple.why")),
      el("ol", {}, ["share", "add", "open"].map((step) => el("li", {}, t("wallet.apple." + step)))));
    return;
  }
  if (unlocked()) return home.show();
  if (wallet.status && wallet.status.open) return make.unlock();
  show("wallet.title", el("p", {role: "status"}, t("wallet.loading")));
  if (!worker) begin();
  try {
    const answer = await fetch("info.json", {cache: "no-store"});
    wallet.info = answer.ok ? await answer.json() : {};
    await call("able");
    wallet.persistent = Boolean(navigator.storage && navigator.storage.persisted && await navigator.storage.persisted());
    const {network = "", coin = "", algorithm = ""} = wallet.info;
    make.choose(await call("offers", {network, coin, algorithm}));
  } catch (e) {
    const {fault} = await import("./wallet-ui.js");
    show("wallet.title", el("p.wallet-note.bad", {role: "alert"}, fault(e)), button("wallet.again", () => { ended(); start(); }, "gold"));
  }
}

// lock forgets the key of the words, and all that the screen shows.
async function lock() {
  if (!unlocked()) return;
  wallet.status.locked = true;
  if (sheet.open) make.unlock(true); else body.replaceChildren();
  try { await call("lock"); } catch { /* it has ended: nothing is open */ }
}

let asking = false;
let again = false;

// refresh asks how the wallet stands, and shows it.
async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    do {
      again = false;
      const was = unlocked();
      const status = await call("status");
      if (!status.open) continue;
      wallet.status = status;
      if (was && status.locked && sheet.open) make.unlock(true);
      else if (!status.locked && sheet.open) home.update();
    } while (again);
  } catch { /* it has ended, which is shown */ } finally {
    asking = false;
  }
}

// ---- The server -----------------------------------------------------------------------------------------

const place = () => "goldpan.wallet.server." + wallet.offer.network + "." + wallet.offer.coin;

// server is the one that the wallet asks, or is to ask: {url, relay}; url "" for none. A text given is kept.
function server(text) {
  const relay = wallet.offer.here && wallet.info.relay ? location.origin.replace(/^http/, "ws") + "/electrum" : "";
  try {
    if (text !== undefined) {
      if (text && text !== relay) localStorage.setItem(place(), text); else localStorage.removeItem(place());
    }
    const kept = localStorage.getItem(place());
    if (kept) return {url: kept, relay: false};
  } catch {
    if (text) return {url: text, relay: text === relay};
  }
  return {url: relay, relay: relay !== ""};
}
