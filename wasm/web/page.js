// The page: what the person presses, and what follows. It refuses before it does anything else: no start but by a
// trusted tap, none by the address, none in a frame, none while hidden, none beside another tab that mines.
// Hashing happens in workers (mining.js) that this file makes after the tap and ends with Stop.
import * as join from "./join.js";
import * as manners from "./manners.js";
import {Mining, abandon, program} from "./mining.js";
import * as screen from "./screen.js";
import {changed, cores, settings} from "./settings.js";
import {alone, release, remind} from "./tabs.js";
import * as day from "./today.js";

let invitation = join.fromAddress(); // a link, until it is used
let info = null;     // what is mined and who is paid, from the server
let said = "";       // who is paid, as the server said it last
let proved = null;   // who is paid, as the gateway proved it: {as: {payee_name, payout, payee}, said: what the server said then}
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

let resting = false; // the lanes rest, for the person's device or because nobody looks
let tapped = -Infinity; // when Start was pressed last
let ended = -Infinity;  // when Start came to stand where Stop was

const working = () => mining !== null && !resting;

// ---- Start, stop, pause ---------------------------------------------------------------------------------

let starting = 0; // counts starts and stops, so that a Stop during a start wins
let late = 0;     // the timer of a start that takes long; 0 once it has been said

const patience = 15_000; // ms until a start takes long

async function start() {
  if (consent || !info || manners.hidden()) return;
  if (framed()) return refuseFrame();
  if (uninvited()) return screen.invite("");
  const turn = ++starting;
  tapped = performance.now();
  performance.mark("goldpan-tap");
  consent = new manners.Consent();
  screen.started();
  screen.awake(!navigator.wakeLock);
  screen.stand("connecting", "starting");
  late = setTimeout(takesLong, patience);
  const asked = whoIsPaid();
  try {
    const [free, compiled, now] = await Promise.all([alone(() => stop("stopped", "tab")), program(), asked]);
    if (turn !== starting) return;
    if (framed()) return refuseFrame();
    if (now.page !== info.page) return reload(); // parts of two versions do not go together
    if (!same(now)) return changedPayee(now);
    if (!free) return stop("stopped", "tab");
    begin(compiled);
    lit();
  } catch {
    const answers = await asked.then(() => true, () => false); // then something stands between: a blocker, for one
    if (turn === starting) stop("failed", answers ? "part" : "load");
  }
}

// takesLong says so: browsers wait for a connection that has died without a word as long as for one that is slow. Stop
// gives up what does not come.
function takesLong() {
  late = mining && resting ? setTimeout(takesLong, patience) : 0;
  if (!late && !stretch) screen.stand("connecting", "late");
}

// same tells whether what the person agreed to is still so.
function same(now) {
  return JSON.stringify({...now, page: ""}) === JSON.stringify({...info, page: ""});
}

function changedPayee(now) {
  shows(now);
  stop("stopped", "payee");
}

// shows shows what the person is to agree to. This page stays the one that it is: Start compares it with the server's.
function shows(now) {
  info = {...now, page: info.page};
  screen.tell(info);
}

// begin makes the workers: everything that was to be asked has been asked.
function begin(module) {
  const {lanes, power} = settings();
  const device = info.join ? {invitation, credential: join.credential()} : {invitation: "", credential: ""};
  const paused = manners.pause(settings());
  resting = paused !== "";
  away = false;
  mining = new Mining({module, info, device, lanes, most: cores, percent: power, paused, hear});
}

function stop(phase, code, args) {
  starting++;
  ended = performance.now();
  if (late) clearTimeout(late); else abandon();
  release();
  if (mining) mining.end();
  mining = consent = null;
  resting = false;
  endStretch();
  manners.letSleep();
  screen.film(false);
  screen.halt(phase, code, args);
}

function refuseFrame() {
  if (consent) stop("failed");
  screen.refuse("frame");
}

let resumed = -Infinity; // when the person came back to this page; it is said for a while
let slept = -Infinity;   // when the device woke

// rest lets the lanes rest as long as there is a reason to, and says so. The screen need not stay on for that.
function rest() {
  if (!mining || over()) return;
  const why = manners.pause(settings());
  resting = why !== "";
  mining.pause(why);
  lit();
  if (resting) screen.stand("paused", why);
}

// lit keeps the screen on while the lanes work: by itself, or where the browser cannot by the film, if the person wants it.
async function lit() {
  const film = settings().awake && !resting;
  if (resting) manners.letSleep(); else manners.stayAwake(working);
  if (!await screen.film(film) && film && !resting) document.getElementById("awake").checked = false;
}

// over stops what the person's yes holds for no longer.
function over() {
  if (!consent || !consent.over()) return false;
  stop("expired", "expired");
  return true;
}

document.addEventListener("visibilitychange", () => {
  if (!mining || over()) return;
  if (!manners.hidden()) {
    remind();
    resumed = performance.now();
    screen.stand("connecting", "back");
  }
  rest();
});

manners.beats(() => {
  if (mining && framed()) return refuseFrame();
  if (!over()) remind();
  if (info && !consent) screen.today(day.read()); // midnight comes at rest too
}, (asleep) => {
  if (!mining || over()) return;
  if (asleep) slept = performance.now();
  mining.wake();
  lit();
});

// A page that is left is over, also if the browser keeps it for the Back button.
window.addEventListener("pagehide", () => {
  if (consent) stop("stopped", "left");
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
  if (over()) return;
  switch (message.type) {
  case "snapshot":
    look(message.state);
    return snapshot(message);
  case "share": return screen.share(message);
  case "credential": return mining.kept(join.keep(message.credential));
  case "welcome": return welcome(message);
  case "refused": return refused(message);
  case "ended": return stop(message.code === "expired" ? "expired" : "failed", message.code, {text: message.reason});
  }
}

let away = false; // there was no connection

// look asks once more who is paid when the other side is back: it may be another's by now.
async function look(state) {
  if (state === "down") away = true;
  if (state !== "mining" || !away) return;
  away = false;
  const turn = starting;
  try {
    const now = await whoIsPaid();
    if (turn !== starting) return;
    if (same(now)) mining.effort(settings(), true); // what was set meanwhile
    else changedPayee(now);
  } catch {
    away = turn === starting; // until it says so
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
  proved = {said, as: {payee_name: payee, payout: address, payee: payee === info.payee_name ? info.payee : ""}};
  info = {...info, ...proved.as};
  screen.tell(info);
}

// refused: the gateway does not take this device. What it says before it has proved itself may be anybody's word, so
// the credential stays until the person leaves, or a new invitation brings another.
function refused({code, reason, login, proven}) {
  if (code === "payee") {
    stop("stopped", "payee");
    return lookAgain();
  }
  if (login && proven && code === "removed") join.forget();
  if (!login) invitation = "";
  stop("failed", code, {text: reason});
  screen.invite(code === "link" ? "typo" : code); // what has not the form of a link was never taken for one
}

// ---- The first screen -----------------------------------------------------------------------------------

async function whoIsPaid() {
  const answer = await fetch("info.json", {cache: "no-store"});
  if (!answer.ok) throw new Error("info.json: " + answer.status);
  const now = await answer.json();
  said = JSON.stringify([now.payee_name, now.payout]);
  // What a gateway proved says nothing of who comes after it, nor of whom it names later.
  return now.join && proved?.said === said ? {...now, ...proved.as} : now;
}

// lookAgain asks for what else has changed with who is paid, or the person would be asked twice.
async function lookAgain() {
  try {
    const now = await whoIsPaid();
    if (!consent) shows(now);
  } catch { /* Start asks */ }
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
  const told = manners.battery((level, charging) => {
    screen.battery(level, charging);
    rest();
  });
  await Promise.race([told, new Promise((done) => setTimeout(done, 1000))]); // some browsers never answer
  screen.visit(!join.keeps());
  screen.tell(info);
  screen.today(day.read());
  if (info.join && invitation) invited(invitation); else first("");
}

// reload loads the page once more, with the invitation that it was opened with.
function reload() {
  join.toAddress(invitation);
  location.reload();
}

// first shows the first screen: what will happen, or that an invitation is needed.
function first(code) {
  if (uninvited()) return screen.invite(code);
  ended = -Infinity;
  screen.ready(info.join && join.credential() !== "");
  performance.mark("goldpan-ready");
  program().catch(() => {}); // it is there by the time of the tap; if it does not come, Start says so
}

const uninvited = () => info.join && !invitation && !join.credential();

// invited takes a link that the person pasted, or opened while this page was open.
function invited(text) {
  const found = join.read(text);
  if (found.wrong) return screen.invite(found.wrong);
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
  if (!link || consent || framed()) return;
  if (info && info.join) invited(link); else invitation = link; // the page is on its way
});

function left() {
  if (consent) stop("stopped", "stopped");
  invitation = "";
  proved = null;
  screen.ready(false);
  if (info.join) screen.invite("left");
}

screen.controls.leave.addEventListener("click", (event) => {
  if (!event.isTrusted) return;
  join.forget();
  left();
});
join.elsewhere(() => {
  if (info && info.join && !framed()) left();
});

// Only a real tap, click or key press of the person counts. A script's click is not one, and the second half of a double
// click is none either: Start and Stop stand in the same place. Nor is a press of Stop that comes as mining has just ended by
// itself.
const twice = 500; // ms

screen.controls.start.addEventListener("click", (event) => {
  if (event.isTrusted && event.detail < 2 && performance.now() - ended > twice) start();
});
screen.controls.stop.addEventListener("click", (event) => {
  if (event.detail > 1 && performance.now() - tapped < twice) return;
  stop("stopped", "stopped");
});
screen.controls.again.addEventListener("click", reload);
document.getElementById("reload").addEventListener("click", () => join.toAddress(invitation)); // watch.js loads it
// A key that is held is one wish too.
for (const button of [screen.controls.start, screen.controls.stop]) {
  button.addEventListener("keydown", (event) => { if (event.repeat && event.key === "Enter") event.preventDefault(); });
}
changed(({name, trusted}) => {
  if (!trusted || !consent) return;
  switch (name) {
  case "lanes":
  case "power": return mining?.effort(settings(), !away);
  case "plugged":
  case "floor": return rest();
  case "awake": return lit();
  }
});

open();
