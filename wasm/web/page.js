// The page: what the person presses, and what follows. It refuses before it does anything else: no start but by a
// trusted tap, none by the address, none in a frame, none while hidden, none beside another tab that mines.
// Hashing happens in workers (mining.js) that this file makes after the tap and ends with Stop.
import * as join from "./join.js";
import * as manners from "./manners.js";
import {Mining, program} from "./mining.js";
import * as screen from "./screen.js";
import {changed, settings} from "./settings.js";
import {alone, release} from "./tabs.js";
import * as day from "./today.js";

let invitation = join.fromAddress(); // a link, until it is used
let info = null;     // what is mined and who is paid, from the server
let proved = null;   // who is paid, as the gateway proved it: {payee_name, payout}
let mining = null;   // the workers at work, or null
let consent = null;  // the person's yes, since the tap
let before = nothing(); // the totals of earlier stretches on this page: another number of cores begins a new one
let latest = nothing();

function nothing() {
  return {hashes: 0, accepted: 0, rejected: 0, stale: 0, best: 0, seconds: 0};
}

function framed() {
  return window.top !== window;
}

const working = () => mining !== null;

// ---- Start, stop, pause ---------------------------------------------------------------------------------

let starting = 0; // counts starts and stops, so that a Stop during a start wins

async function start() {
  if (mining || !info || manners.hidden()) return;
  if (framed()) return refuseFrame();
  const turn = ++starting;
  performance.mark("goldpan-tap");
  consent = new manners.Consent();
  screen.started();
  screen.awake(!navigator.wakeLock);
  screen.stand("connecting", "starting");
  try {
    const [free, compiled, now] = await Promise.all([alone(), program(), whoIsPaid()]);
    if (turn !== starting) return;
    if (framed()) return refuseFrame();
    if (JSON.stringify(now) !== JSON.stringify(info)) { // what was agreed to is no longer so
      info = now;
      screen.tell(info);
      return stop("stopped", "payee");
    }
    if (!free) return stop("stopped", "tab");
    begin(compiled);
    manners.stayAwake(working);
  } catch {
    if (turn === starting) stop("failed", "load");
  }
}

// begin makes the workers: everything that was to be asked has been asked.
function begin(module) {
  const {lanes, power} = settings();
  const device = info.join ? {invitation, credential: join.credential()} : {invitation: "", credential: ""};
  mining = new Mining({module, info, device, lanes, percent: power, paused: manners.pause(settings()), hear});
}

function stop(phase, code, args) {
  starting++;
  release();
  if (mining) mining.end();
  mining = consent = null;
  endStretch();
  manners.letSleep();
  screen.film(false);
  screen.halt(phase, code, args);
}

// restart begins a new stretch with another number of cores. The person has consented, and moved the slider.
function restart() {
  mining.end();
  endStretch();
  const turn = ++starting;
  screen.stand("connecting", "cores");
  program().then((compiled) => {
    if (turn === starting && !framed()) begin(compiled);
  }).catch(() => {
    if (turn === starting) stop("failed", "load");
  });
}

function refuseFrame() {
  if (mining) stop("failed");
  starting++;
  screen.refuse("frame");
}

let resumed = -Infinity; // when the person came back to this page; it is said for a while
let slept = -Infinity;   // when the device woke

// rest lets the lanes rest as long as there is a reason to, and says so.
function rest() {
  if (!mining) return;
  const why = manners.pause(settings());
  mining.pause(why);
  if (why) screen.stand("paused", why);
}

document.addEventListener("visibilitychange", () => {
  if (!mining) return;
  if (!manners.hidden()) {
    manners.stayAwake(working);
    resumed = performance.now();
    screen.stand("connecting", "back");
  }
  rest();
});

manners.beats(() => {
  if (mining && framed()) return refuseFrame();
  if (consent && consent.over()) stop("expired", "expired");
}, (asleep) => {
  if (!mining) return;
  if (asleep) slept = performance.now();
  mining.wake();
  manners.stayAwake(working);
});

// A page that is left is over, also if the browser keeps it for the Back button.
window.addEventListener("pagehide", () => {
  if (mining) stop("stopped", "left");
});

// ---- What the control worker tells ----------------------------------------------------------------------

let stretch = null; // the seconds of this stretch at its latest snapshot; null before the first

function endStretch() {
  latest.seconds = stretch ? before.seconds + stretch.seconds : before.seconds;
  before = {...latest};
  stretch = null;
}

function hear(message) {
  if (framed()) return refuseFrame();
  switch (message.type) {
  case "snapshot": return snapshot(message);
  case "share": return screen.share(message);
  case "credential": return mining.kept(join.keep(message.credential));
  case "welcome": return welcome(message);
  case "refused": return refused(message);
  case "ended": return stop(message.code === "expired" ? "expired" : "failed", message.code, {text: message.reason});
  }
}

function snapshot(s) {
  const passed = stretch ? s.seconds - stretch.seconds : 0;
  const done = before.hashes + s.hashes - latest.hashes;
  const was = latest;
  if (s.header && latest.hashes === 0) performance.mark("goldpan-hash");
  stretch = {seconds: s.seconds};
  latest = {
    hashes: before.hashes + s.hashes,
    accepted: before.accepted + s.accepted,
    rejected: before.rejected + s.rejected,
    stale: before.stale + s.stale,
    best: Math.max(before.best, s.best),
    seconds: before.seconds + s.seconds,
  };
  const recently = (at) => performance.now() - at < 20_000;
  if (s.state === "mining" && !s.code && recently(slept)) s.code = "asleep";
  document.body.dataset.percent = s.percent; // of each lane's time, in force
  screen.snapshot(s, latest, done, passed, {seen: !manners.hidden(), back: recently(resumed), slowed: s.slowed});
  screen.today(day.add({hashes: done, accepted: latest.accepted - was.accepted, seconds: passed}));
}

// welcome: the gateway takes this device, and has proved who is paid. If that is not what was agreed to, the control
// worker says so next, and nothing is hashed.
function welcome({payee, address}) {
  invitation = ""; // it is spent
  proved = {payee_name: payee, payout: address, payee: payee === info.payee_name ? info.payee : ""};
  info = {...info, ...proved};
  screen.tell(info);
}

// refused: the gateway does not take this device. What it says before it has proved itself may be anybody's word, so
// the credential stays until the person leaves, or a new invitation brings another.
function refused({code, reason, login, proven}) {
  if (code === "payee") return stop("stopped", "payee");
  if (login && proven && code === "removed") join.forget();
  if (!login) invitation = "";
  stop("failed", code, {text: reason});
  screen.invite(code);
}

// ---- The first screen -----------------------------------------------------------------------------------

async function whoIsPaid() {
  const answer = await fetch("info.json", {cache: "no-store"});
  if (!answer.ok) throw new Error("info.json: " + answer.status);
  return {...await answer.json(), ...proved};
}

async function open() {
  await screen.open();
  if (framed()) return refuseFrame();
  if (typeof WebAssembly !== "object" || !WebAssembly.compileStreaming || typeof Worker !== "function") {
    return screen.refuse("old");
  }
  try {
    info = await whoIsPaid();
  } catch {
    return screen.refuse("unserved");
  }
  await manners.battery((level, charging) => {
    screen.battery(level, charging);
    rest();
  });
  screen.visit(!join.keeps());
  screen.tell(info);
  screen.today(day.read());
  first("");
}

// first shows the first screen: what will happen, or that an invitation is needed.
function first(code) {
  if (info.join && !invitation && !join.credential()) return screen.invite(code);
  screen.ready(info.join && join.credential() !== "");
  performance.mark("goldpan-ready");
  program().catch(() => {}); // it is there by the time of the tap; if it does not come, Start says so
}

// invited takes a link that the person pasted, or opened while this page was open.
function invited(text) {
  const found = join.read(text);
  if (!found) return screen.invite("link");
  if (!found.here) return screen.invite("origin", found);
  invitation = found.link;
  first("");
}

screen.controls.join.addEventListener("submit", (event) => {
  event.preventDefault();
  const {value} = screen.controls.link;
  screen.controls.link.value = ""; // a secret is not left lying about
  invited(value);
});
window.addEventListener("hashchange", () => {
  const link = join.fromAddress();
  if (link && info && info.join && !mining && !framed()) invited(link);
});
screen.controls.leave.addEventListener("click", (event) => {
  if (!event.isTrusted) return;
  if (mining) stop("stopped", "stopped");
  join.forget();
  invitation = "";
  proved = null;
  screen.ready(false);
  if (info.join) screen.invite("left");
});

// Only a real tap, click or key press of the person counts. A script's click is not one.
screen.controls.start.addEventListener("click", (event) => {
  if (event.isTrusted) start();
});
screen.controls.stop.addEventListener("click", () => stop("stopped", "stopped"));
screen.controls.again.addEventListener("click", () => location.reload());
changed(async ({name, trusted}) => {
  if (!trusted || !mining) return;
  switch (name) {
  case "lanes": return restart();
  case "power": return mining.power(settings().power);
  case "plugged":
  case "floor": return rest();
  case "awake": if (!await screen.film(settings().awake) && settings().awake) document.getElementById("awake").checked = false;
  }
});

open();
