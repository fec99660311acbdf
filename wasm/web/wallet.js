// The wallet: a sheet over the page, and the worker that keeps the keys. Mining goes on meanwhile, and Stop is on the
// sheet too. It keeps a wallet on a secure origin alone, never in a frame, and contacts no server that the person has
// not seen on the screen before. It locks itself when nobody has touched it for a while, and when the page was hidden;
// with the lock the worker ends, and what it held is gone. Words leave the screen as soon as the page is hidden.
import * as home from "./wallet-home.js";
import * as make from "./wallet-make.js";
import {button, el, load, notice, t} from "./wallet-ui.js";

const idle = 5 * 60_000;   // without a touch, then it locks
const away = 60_000;       // hidden, or closed
const parting = 40_000;    // for the worker to keep what it knows; a payment may be going out

let worker = null;
let calls = new Map();
let last = 0;
let sheet = null;
let body = null;
let turn = 0;              // counts screens
let touched = 0;           // when the person last did something here
let left = 0;              // since when the wallet is out of sight; 0 while it is seen
let bare = null;           // what to show instead of the present screen once the page is hidden
let over = Promise.resolve(); // the worker before has ended

// wallet is what its screens share.
export const wallet = {
  info: null,    // what the page mines
  offer: null,   // the wallet that was chosen: {coin, network, name, symbol, worthless, here, state}
  status: null,  // how it stands
  persistent: false,
  call, ready, show, secretive, start, refresh, server, unlocked, lock,
};

function call(name, ask = {}) {
  return new Promise((resolve, reject) => {
    if (!worker) return reject({code: "ended"});
    calls.set(++last, {resolve, reject});
    worker.postMessage({id: last, name, ask});
  });
}

function begin() {
  const mine = new Worker("wallet-worker.js");
  const own = new Map();
  worker = mine;
  calls = own;
  mine.onmessage = ({data}) => {
    if (data.changed) return mine === worker ? refresh() : undefined;
    if (data.fault) return fell();
    const waiting = own.get(data.id);
    own.delete(data.id);
    if (!waiting) return;
    if (data.error) waiting.reject(data.error); else waiting.resolve(data.ok);
  };
  const fell = () => {
    if (mine === worker) return ended();
    for (const {reject} of own.values()) reject({code: "ended"});
  };
  mine.onerror = fell;
}

function ended() {
  if (worker) worker.terminate();
  worker = null;
  for (const {reject} of calls.values()) reject({code: "ended"});
  calls = new Map();
  wallet.status = null;
  if (sheet && sheet.open) show("wallet.title", notice("wallet.error.ended", {}, true), button("wallet.again", start, "gold"));
}

// part ends the worker once it has kept what it knows. What it was asked before fails.
function part() {
  const old = worker;
  if (!old) return;
  const kept = call("close").catch(() => { /* it has ended by itself */ });
  for (const [id, {reject}] of calls) {
    if (id === last) continue;
    calls.delete(id); // what is answered now must not be shown
    reject({code: "locked"});
  }
  worker = null;
  calls = new Map();
  let timer = 0;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, parting); });
  over = Promise.race([kept, late]).then(() => {
    clearTimeout(timer);
    old.terminate();
  });
}

// ready has a worker that knows which wallet was chosen.
async function ready() {
  if (worker) return;
  await over;
  if (!worker) begin();
  const {coin, network} = wallet.offer;
  await call("choose", {coin, network});
}

// ---- The sheet ------------------------------------------------------------------------------------------

function build() {
  document.getElementById("wallet-style")?.remove();
  const style = el("link#wallet-style", {rel: "stylesheet", href: "wallet.css"});
  const loaded = new Promise((resolve) => { style.onload = style.onerror = resolve; });
  document.head.append(style);
  body = el("div.wallet-body#wallet-body");
  const close = button("wallet.close", () => sheet.close(), "plain", "wallet-close");
  const stop = button("wallet.stop", () => document.getElementById("stop").click(), "plain", "wallet-stop");
  const dock = el("div.wallet-dock#wallet-dock", {hidden: true}, el("p", {}, t("wallet.mining")), stop);
  sheet = el("dialog.wallet#wallet", {"aria-labelledby": "wallet-title"},
    el("header.wallet-bar", {}, el("h1#wallet-title", {tabIndex: -1}, t("wallet.title")),
      button("wallet.lock", lock, "plain", "wallet-lock"), close),
    body, dock);
  sheet.addEventListener("close", () => {
    left = Date.now();
    turn++;
    bare = null;
    body.replaceChildren();
  });
  document.body.append(sheet);
  mining();
  for (const what of ["pointerdown", "keydown", "input"]) sheet.addEventListener(what, touch, {capture: true});
  return loaded;
}

// mining shows Stop as long as the page mines.
function mining() {
  document.getElementById("wallet-dock").hidden = document.getElementById("stop").hidden || document.getElementById("dock").hidden;
}

// guard watches as long as the page is there, whatever sheet is over it.
function guard() {
  const observer = new MutationObserver(mining);
  observer.observe(document.getElementById("stop"), {attributes: true});
  observer.observe(document.body, {attributes: true});
  document.addEventListener("visibilitychange", watch);
  setInterval(watch, 5000);
}

// since is how long ago a time was. A clock that was put back says nothing of it: long.
function since(time) {
  const passed = Date.now() - time;
  return passed < -2000 ? Infinity : passed;
}

// touch notes that the person did something here. The first touch after a sleep comes before any timer.
function touch(event) {
  if (watch()) {
    event.preventDefault();
    event.stopPropagation();
  }
  touched = Date.now();
}

// watch locks the wallet when nobody looks at it any more, and clears away what was typed. It tells whether it did.
function watch() {
  const hidden = document.visibilityState !== "visible";
  const gone = left ? since(left) : 0;
  if (!sheet.open || hidden) left ||= Date.now(); else left = 0;
  sheet.classList.toggle("unseen", hidden); // whoever looks through the open windows sees pictures of them
  if (hidden && bare) bare();
  if (gone <= away && since(touched) <= idle) return false;
  if (unlocked()) lock();
  else if (sheet.open && (sheet.querySelector(".wallet-words li") || Array.from(sheet.querySelectorAll("input")).some((e) => e.value))) start();
  else return false;
  return true;
}

// open shows the sheet. It fails where a part of it does not come.
export async function open() {
  if (window.top !== window) return;
  const known = document.documentElement.lang;
  await load();
  const first = !sheet;
  if (sheet && sheet.lang !== known) {
    sheet.remove();
    sheet = null;
  }
  if (!sheet) await build();
  if (first) guard();
  sheet.lang = known;
  watch();
  touched = Date.now();
  left = 0;
  if (!sheet.open) sheet.showModal();
  await start();
}

// show puts a screen on the sheet, and returns a function that tells whether it is still there. While the sheet is
// closed there is no screen.
function show(title, ...children) {
  const mine = ++turn;
  bare = null;
  if (!sheet.open) {
    body.replaceChildren();
    return () => false;
  }
  document.getElementById("wallet-title").textContent = t(title, wallet.offer || {});
  document.getElementById("wallet-lock").hidden = !unlocked();
  sheet.dataset.screen = title;
  body.replaceChildren(...children.flat(Infinity).filter(Boolean));
  body.scrollTop = 0;
  document.getElementById("wallet-title").focus();
  return () => mine === turn && sheet.open;
}

// secretive has something else shown in place of the present screen as soon as the page is hidden.
function secretive(instead) {
  bare = instead;
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
  await over;
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

// lock forgets the key of the words, all that the screen shows, and the worker with all that it holds.
function lock() {
  if (!unlocked()) return;
  wallet.status = {open: true, locked: true};
  if (sheet.open) make.unlock(true); else body.replaceChildren();
  part();
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
      const of = worker;
      const status = await call("status");
      if (!status.open || of !== worker) continue;
      if (status.locked) lock();
      else {
        wallet.status = status;
        if (sheet.open) home.update();
      }
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
