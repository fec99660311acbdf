// The page: what the person presses, and what follows. It refuses before it does anything else: no start but by a
// trusted tap, none by the address, none in a frame, none while hidden, none beside another tab that mines.
// Hashing happens in workers (mining.js) that this file makes after the tap and ends with Stop.
import {hidden, letSleep, slept, stayAwake} from "./manners.js";
import {Mining, program} from "./mining.js";
import * as screen from "./screen.js";
import {alone, release} from "./tabs.js";
import {sentence} from "./words.js";

let info = null;     // who is paid, from the server
let mining = null;   // the workers at work, or null
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
  if (mining || !info) return;
  const turn = ++starting;
  screen.started();
  screen.state("connecting", "Getting ready", "");
  try {
    const [free, compiled, now] = await Promise.all([alone(), program(), whoIsPaid()]);
    if (turn !== starting) return;
    if (framed()) return refuseFrame();
    if (JSON.stringify(now) !== JSON.stringify(info)) { // what was agreed to is no longer so
      info = now;
      screen.tell(info);
      stop("stopped", "Please look again", "What is mined, or who is paid, has changed. Read it below, then press Start.");
      return;
    }
    if (!free) {
      stop("stopped", "Stopped", "Goldpan already mines in another tab or window of this browser. Stop it there first.");
      return;
    }
    mining = new Mining(compiled, screen.chosen(), info, hear);
    stayAwake(working);
  } catch (e) {
    if (turn === starting) {
      stop("failed", "It did not start", "The program could not be loaded. Is the computer that serves this page still on and in the same network? Press Start to try again.");
    }
  }
}

function stop(name, title, reason) {
  starting++;
  release();
  if (mining) mining.end();
  mining = null;
  endStretch();
  letSleep();
  screen.stopped(name, title, reason);
}

// restart begins a new stretch with another number of cores. The person has consented, and moved the slider.
function restart() {
  mining.end();
  endStretch();
  const turn = ++starting;
  screen.state("connecting", "Changing the cores", "");
  program().then((compiled) => {
    if (turn === starting && !framed()) mining = new Mining(compiled, screen.chosen(), info, hear);
  }).catch(() => {
    if (turn === starting) stop("failed", "Stopped", "The program could not be fetched again. Is the computer that serves this page still on?");
  });
}

function refuseFrame() {
  if (mining) stop("failed", "Stopped", "");
  starting++;
  screen.nothingLeft();
  screen.refuse("Goldpan does not run inside another page",
    "Someone has put this page into a frame of their own. Open it by its own address instead, so that you see what it does and can stop it.");
}

let resumed = -Infinity; // when the person came back to this page; it is said for a while

document.addEventListener("visibilitychange", () => {
  if (!mining) return;
  mining.pause(hidden());
  if (hidden()) {
    slept();
    screen.still();
    screen.state("paused", "Paused", "This page is hidden. Mining goes on when you come back.");
  } else {
    stayAwake(working);
    resumed = performance.now();
    screen.state("connecting", "Starting again", "It was paused while this page was hidden.");
  }
});

// A page that is left is over, also if the browser keeps it for the Back button.
window.addEventListener("pagehide", () => {
  if (mining) stop("stopped", "Stopped", "You left this page.");
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
  case "ended": return stop("failed", "It stopped", sentence(message.reason));
  }
}

function snapshot(s) {
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
  if (!hidden()) screen.stand(s, performance.now() - resumed < 20_000);
  screen.snapshot(s, latest, done, passed, !hidden());
}

// ---- The first screen -----------------------------------------------------------------------------------

async function whoIsPaid() {
  const answer = await fetch("info.json", {cache: "no-store"});
  if (!answer.ok) throw new Error("info.json: " + answer.status);
  return answer.json();
}

async function open() {
  if (framed()) return refuseFrame();
  if (typeof WebAssembly !== "object" || !WebAssembly.compileStreaming || typeof Worker !== "function") {
    return screen.refuse("This browser is too old for Goldpan", "Update it, or open this page in a newer one: Chrome 91, Firefox 89 and Safari 16.4 or later can mine.");
  }
  try {
    info = await whoIsPaid();
  } catch {
    return screen.refuse("There is nothing to mine yet", "The computer that serves this page does not answer. Start mining on it, see that both are in the same network, and load this page again.");
  }
  screen.ready(info);
}

// Only a real tap, click or key press of the person counts. A script's click is not one.
screen.start.addEventListener("click", (event) => {
  if (event.isTrusted) start();
});
screen.stop.addEventListener("click", () => stop("stopped", "Stopped", "Nothing runs any more."));
screen.lanes.addEventListener("input", screen.slider);
screen.lanes.addEventListener("change", (event) => {
  if (event.isTrusted && mining) restart();
});

open();
