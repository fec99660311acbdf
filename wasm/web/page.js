// The page: what the person reads and presses. It refuses before it does anything else: no start but by a
// trusted tap, none by the address, none in a frame, none while hidden, none beside another tab that mines.
// Hashing happens in workers that this file makes after the tap and ends with Stop.
import {Pan} from "./pan.js";

const $ = (id) => document.getElementById(id);
const cores = Math.max(1, navigator.hardwareConcurrency || 2);
const show = (...ids) => ids.forEach((id) => { $(id).hidden = false; });
const hide = (...ids) => ids.forEach((id) => { $(id).hidden = true; });

let info = null;     // who is paid, from the server
let mining = null;   // the workers at work, or null
let pan = null;
let before = nothing(); // the totals of earlier stretches on this page: another number of cores begins a new one
let latest = nothing();

function nothing() {
  return {hashes: 0, accepted: 0, rejected: 0, stale: 0, best: 0, seconds: 0};
}

function framed() {
  return window.top !== window;
}

function hidden() {
  return document.visibilityState === "hidden";
}

// ---- The workers ----------------------------------------------------------------------------------------

// Mining is one stretch of work: a control worker and its lanes, made after a tap and ended for good by end.
class Mining {
  #control; #lanes = []; #hear; #ended = false;
  startedAt = performance.now();

  constructor(module, lanes, hear) {
    this.#hear = hear;
    const ports = [];
    this.#control = new Worker("control.js");
    this.#control.onmessage = (event) => this.#pass(event.data);
    this.#control.onerror = () => this.#fail();
    for (let i = 0; i < lanes; i++) {
      const lane = new Worker("lane.js");
      const {port1, port2} = new MessageChannel();
      lane.onerror = () => this.#fail();
      lane.postMessage({type: "lane", port: port1, module, algorithm: info.algorithm}, [port1]);
      this.#lanes.push(lane);
      ports.push(port2);
    }
    this.#control.postMessage({
      type: "start", module, ports,
      pool: location.origin.replace(/^http/, "ws") + "/stratum",
      user: info.payout, algorithm: info.algorithm,
    }, ports);
    if (hidden()) this.pause(true);
  }

  pause(on) {
    this.#control.postMessage({type: on ? "pause" : "resume"});
  }

  // end stops the hashing now. The control worker gets a moment to say goodbye to the pool.
  end() {
    if (this.#ended) return;
    this.#ended = true;
    for (const lane of this.#lanes) lane.terminate();
    const control = this.#control;
    control.onmessage = control.onerror = null;
    control.postMessage({type: "stop"});
    setTimeout(() => control.terminate(), 300);
  }

  #pass(message) {
    if (!this.#ended) this.#hear(message);
  }

  #fail() {
    this.#pass({type: "ended", reason: "a part of this page did not load. A content blocker may have stopped it: if you want to mine, allow this page there, then load it again"});
  }
}

let module = null; // the compiled program, kept for the next start

async function program() {
  if (!module) module = WebAssembly.compileStreaming(fetch("goldpan.wasm"));
  try {
    return await module;
  } catch (e) {
    module = null;
    throw e;
  }
}

// ---- One tab at a time ----------------------------------------------------------------------------------

const name = crypto.getRandomValues(new Uint32Array(2)).join("-");
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("goldpan") : null;
let claim = "none"; // "asking" while other tabs may still object, "held" from then on until Stop
let objected = null;

if (tabs) {
  tabs.onmessage = ({data}) => {
    // Of two tabs that ask in the same moment, the one with the smaller name goes on.
    if (data.type === "claim" && (claim === "held" || (claim === "asking" && name < data.from))) {
      tabs.postMessage({type: "taken", to: data.from});
    }
    if (data.type === "taken" && data.to === name && objected) objected();
  };
}

// alone asks the other tabs, and is true if none of them mines. Stop gives the claim back.
function alone() {
  claim = tabs ? "asking" : "held";
  if (!tabs) return Promise.resolve(true);
  return new Promise((resolve) => {
    const answer = (free) => {
      objected = null;
      if (claim === "asking") claim = free ? "held" : "none";
      resolve(free);
    };
    const timer = setTimeout(answer, 250, true);
    objected = () => {
      clearTimeout(timer); // or it would answer for a later start
      answer(false);
    };
    tabs.postMessage({type: "claim", from: name});
  });
}

// ---- Start, stop, pause ---------------------------------------------------------------------------------

let starting = 0; // counts starts and stops, so that a Stop during a start wins

async function start() {
  if (mining || !info) return;
  const turn = ++starting;
  hide("start", "before", "facts");
  show("stop", "mining", "work");
  $("stop").focus({preventScroll: true});
  window.scrollTo(0, 0);
  state("connecting", "Getting ready", "");
  try {
    const [free, compiled, now] = await Promise.all([alone(), program(), whoIsPaid()]);
    if (turn !== starting) return;
    if (framed()) return refuseFrame();
    if (JSON.stringify(now) !== JSON.stringify(info)) { // what was agreed to is no longer so
      info = now;
      tell();
      stop("stopped", "Please look again", "What is mined, or who is paid, has changed. Read it below, then press Start.");
      return;
    }
    if (!free) {
      stop("stopped", "Stopped", "Goldpan already mines in another tab or window of this browser. Stop it there first.");
      return;
    }
    mining = new Mining(compiled, Number($("lanes").value), hear);
    stayAwake();
  } catch (e) {
    if (turn === starting) {
      stop("failed", "It did not start", "The program could not be loaded. Is the computer that serves this page still on and in the same network? Press Start to try again.");
    }
  }
}

function stop(name, title, reason) {
  starting++;
  claim = "none";
  if (mining) mining.end();
  mining = null;
  latest.seconds = seconds();
  before = {...latest};
  stretch = null;
  if (pan) pan.run(false);
  letSleep();
  hide("stop");
  show("start", "facts");
  $("start").textContent = "Start again";
  $("start").focus({preventScroll: true});
  state(name, title, reason);
  speed(0, false);
}

// restart begins a new stretch with another number of cores. The person has consented, and moved the slider.
function restart() {
  mining.end();
  latest.seconds = seconds();
  before = {...latest};
  stretch = null;
  const turn = ++starting;
  state("connecting", "Changing the cores", "");
  program().then((compiled) => {
    if (turn === starting && !framed()) mining = new Mining(compiled, Number($("lanes").value), hear);
  }).catch(() => {
    if (turn === starting) stop("failed", "Stopped", "The program could not be fetched again. Is the computer that serves this page still on?");
  });
}

function refuseFrame() {
  if (mining) stop("failed", "Stopped", "");
  starting++;
  hide("before", "mining", "effort", "paid", "facts", "work", "dock");
  refuse("Goldpan does not run inside another page",
    "Someone has put this page into a frame of their own. Open it by its own address instead, so that you see what it does and can stop it.");
}

function refuse(title, text) {
  document.body.dataset.state = "refused";
  $("refused-title").textContent = title;
  $("refused-text").textContent = text;
  show("refused");
}

let resumed = -Infinity; // when the person came back to this page; it is said for a while
let lock = null;         // keeps the screen on

async function stayAwake() {
  if (!navigator.wakeLock || hidden()) return;
  try {
    const got = await navigator.wakeLock.request("screen");
    if (mining && !lock) lock = got; else got.release();
  } catch { /* the system said no, on a low battery for one: mining pauses with the screen */ }
}

function letSleep() {
  if (lock) lock.release();
  lock = null;
}

document.addEventListener("visibilitychange", () => {
  if (!mining) return;
  mining.pause(hidden());
  if (hidden()) {
    lock = null; // the browser has let it go
    if (pan) pan.run(false);
    state("paused", "Paused", "This page is hidden. Mining goes on when you come back.");
  } else {
    stayAwake();
    resumed = performance.now();
    state("connecting", "Starting again", "It was paused while this page was hidden.");
  }
});

// A page that is left is over, also if the browser keeps it for the Back button.
window.addEventListener("pagehide", () => {
  if (mining) stop("stopped", "Stopped", "You left this page.");
});

// ---- What the control worker tells ----------------------------------------------------------------------

let asked = 0;      // the difficulty that shares must reach
let stretch = null; // when the first snapshot of this stretch came: {seconds, hashes}

function seconds() {
  return stretch ? before.seconds + stretch.seconds : before.seconds;
}

function hear(message) {
  if (framed()) return refuseFrame();
  switch (message.type) {
  case "snapshot": return snapshot(message);
  case "share": return share(message);
  case "ended": return stop("failed", "It stopped", sentence(message.reason));
  }
}

const titles = {connecting: "Connecting", mining: "Mining", paused: "Paused", down: "No connection"};

function snapshot(s) {
  asked = s.difficulty;
  const passed = stretch ? s.seconds - stretch.seconds : 0;
  const done = before.hashes + s.hashes - latest.hashes;
  stretch = {seconds: s.seconds};
  latest = {
    hashes: before.hashes + s.hashes,
    accepted: before.accepted + s.accepted,
    rejected: before.rejected + s.rejected,
    stale: before.stale + s.stale,
    best: Math.max(before.best, s.best),
    seconds: before.seconds + s.seconds,
  };
  if (!hidden()) {
    let reason = sentence(s.reason);
    if (s.state === "mining") reason = plural(s.lanes, "core", "cores") + " at work.";
    if (s.state === "mining" && s.kernel === "generic") reason += " The fast method does not work in this browser, so a slower one is used.";
    if (s.state === "mining" && performance.now() - resumed < 20_000) reason += " It was paused while this page was hidden.";
    state(s.state, titles[s.state] || s.state, reason);
  }
  if (pan) {
    pan.run(s.state === "mining" && !hidden());
    pan.hashes(done, passed);
  }
  speed(s.hashrate, s.state === "mining");
  figure("accepted", latest.accepted.toLocaleString());
  figure("rejected", latest.rejected.toLocaleString() + (latest.stale > 0 ? " (" + latest.stale + " late)" : ""));
  figure("best", latest.best > 0 ? number(latest.best) : "none yet");
  figure("difficulty", s.difficulty > 0 ? number(s.difficulty) : "–");
  figure("hashes", words(latest.hashes).join(" ").trim());
  $("hashes").dataset.count = latest.hashes;
  figure("uptime", time(latest.seconds));
  $("header").textContent = s.header;
  $("nonce").textContent = s.header ? s.nonce.toLocaleString() : "";
  $("hash").textContent = s.hash;
  $("kernel").textContent = s.kernel ? s.algorithm + ", " + s.kernel + " code" : s.algorithm;
}

function share(s) {
  if (s.result !== "accepted") return;
  if (pan) pan.share(asked > 0 ? s.difficulty / asked : 1);
  $("accepted").parentElement.classList.add("fresh");
  setTimeout(() => $("accepted").parentElement.classList.remove("fresh"), 1500);
}

// ---- Words ----------------------------------------------------------------------------------------------

let said = "", saidShares = 0;

// state shows how things stand. A screen reader hears of it when it changes, and of shares now and then.
function state(name, title, reason) {
  document.body.dataset.state = name;
  $("state").textContent = title;
  $("reason").textContent = reason;
  document.title = (name === "ready" ? "" : title + " · ") + "Goldpan";
  if (title !== said) {
    said = title;
    saidShares = performance.now();
    $("said").textContent = [title, reason].filter(Boolean).join(". ");
  } else if (name === "mining" && performance.now() - saidShares > 60_000) {
    saidShares = performance.now();
    $("said").textContent = plural(latest.accepted, "share", "shares") + " accepted.";
  }
}

// speed shows the hash rate. The first seconds have none yet: that is said, rather than nought.
function speed(rate, working) {
  const [value, unit] = words(rate);
  $("hashrate").textContent = working && rate === 0 ? "…" : value;
  $("hashrate-unit").textContent = working && rate === 0 ? "measuring the speed" : unit + "hashes a second";
}

function figure(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function plural(n, one, many) {
  return n.toLocaleString() + " " + (n === 1 ? one : many);
}

function sentence(text) {
  if (!text) return "";
  const t = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(t) ? t : t + ".";
}

// words gives a count with three figures and the scale in words: ["412", "thousand "].
function words(n) {
  for (const [size, name] of [[1e12, "trillion "], [1e9, "billion "], [1e6, "million "], [1e4, "thousand "]]) {
    if (n >= size) {
      const v = n / (size === 1e4 ? 1e3 : size);
      return [v.toLocaleString(undefined, {maximumFractionDigits: v < 10 ? 2 : v < 100 ? 1 : 0}), name];
    }
  }
  return [Math.round(n).toLocaleString(), ""];
}

function number(n) {
  return n.toLocaleString(undefined, {maximumSignificantDigits: 3});
}

function time(s) {
  s = Math.floor(s);
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + two(s % 60) + " s";
  return Math.floor(s / 3600) + " h " + two(Math.floor(s / 60) % 60) + " min";
}

// ---- The first screen -----------------------------------------------------------------------------------

function slider() {
  const n = Number($("lanes").value);
  const text = n + " of " + cores;
  $("lanes-text").textContent = text;
  $("lanes").setAttribute("aria-valuetext", text + " cores");
  $("facts-lanes").textContent = n === cores
    ? (cores === 1 ? "its only core" : "all of its " + cores + " cores")
    : n + " of its " + cores + " cores";
}

async function whoIsPaid() {
  const answer = await fetch("info.json", {cache: "no-store"});
  if (!answer.ok) throw new Error("info.json: " + answer.status);
  return answer.json();
}

// tell shows what is mined and who is paid.
function tell() {
  $("payee").textContent = info.payee_name.charAt(0).toUpperCase() + info.payee_name.slice(1);
  $("payout").textContent = info.payout;
  $("coin").textContent = info.worthless ? "practice coins, worth nothing," : info.coin + ",";
  $("worth").hidden = $("worth-text").hidden = !info.worthless;
}

function ready() {
  tell();
  if (navigator.wakeLock) $("facts-awake").textContent = "It keeps the screen on while it mines.";
  $("lanes").max = cores;
  $("lanes").value = Math.max(1, Math.floor(cores / 2));
  slider();
  show("before", "effort", "paid", "facts", "dock");
  hide("refused");
  pan = new Pan($("pan"));
  state("ready", "Ready", "");
}

async function open() {
  if (framed()) return refuseFrame();
  if (typeof WebAssembly !== "object" || !WebAssembly.compileStreaming || typeof Worker !== "function") {
    return refuse("This browser is too old for Goldpan", "Update it, or open this page in a newer one: Chrome 91, Firefox 89 and Safari 16.4 or later can mine.");
  }
  try {
    info = await whoIsPaid();
  } catch {
    return refuse("There is nothing to mine yet", "The computer that serves this page does not answer. Start mining on it, see that both are in the same network, and load this page again.");
  }
  ready();
}

// Only a real tap, click or key press of the person counts. A script's click is not one.
$("start").addEventListener("click", (event) => {
  if (event.isTrusted) start();
});
$("stop").addEventListener("click", () => stop("stopped", "Stopped", "Nothing runs any more."));
$("lanes").addEventListener("input", slider);
$("lanes").addEventListener("change", (event) => {
  if (event.isTrusted && mining) restart();
});

open();
