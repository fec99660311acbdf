// The screen: all that is shown, and nothing else. It decides nothing and starts nothing. It becomes, and the page's
// other modules may be written to it (page.js follows in the same commit that brings it):
//
//   open()                    a promise, awaited before anything else is called: the language's texts are there; never rejects
//   controls                  the elements to listen to: start, stop, again (of a refusal: load once more), join (a form:
//                             "submit"), link (its text field), leave (pressed after the person was asked), awake (a checkbox)
//   tell(info)                what is mined and who is paid: {payee_name, payout, coin, worthless}
//   invite(code)              needs an invitation; code "" at first, "removed", "link" (is none), "origin" (for another address),
//                             or the number that a gateway refused by
//   joining()                 the invitation is being shown to the gateway
//   ready(joined)             everything is said, nothing runs; joined: there is a credential, which Leave forgets
//   started()                 after the tap
//   stand(phase, code, args)  how it stands; phase: connecting, mining, paused, waiting, down; code: a key reason.CODE of
//                             the translations or "" (starting, cores, back, hidden, battery, unplugged, hot, schedule, asleep,
//                             unreachable, timeout, closed, silent, unanswered, slow, moved, rejected, unauthorized, protocol, broken)
//   halt(phase, code, args)   nothing runs any more; phase: stopped, failed, expired; code: ended, stopped, left, payee, tab,
//                             load, part, expired, or one of the above; args.text is shown where there is no text for the code
//   refuse(code)              nothing can run here: frame, old, unserved
//   snapshot(s, totals, done, passed, {seen, back, slowed})  a control worker's snapshot: s.code beside s.reason, s.target in hex beside
//                             s.hash; totals of this page; hashes done and seconds passed since the last; seen: the page is
//                             not hidden; back: it was a moment ago; slowed: percent of the speed left, because it is warm
//   share(s)                  a share's fate
//   battery(level, charging)  0 to 1, or null where the browser does not tell
//   today(totals)             what today.js's add({hashes, accepted, seconds}) gave back
//   film(on)                  plays or ends the silent film that keeps a screen on without a wake lock; a promise of true or false
//   awakeWanted()             shows the switch for it, on a page without wake lock
//
// settings.js: settings() is {lanes, power, plugged, floor, awake} as the person set them (power in percent, floor in percent
// of the battery, 0 for none); changed(listener) hears {name, trusted} of each change that is made to stay.
import {Pan} from "./pan.js";
import {number, plural, sentence, time, words} from "./words.js";

const $ = (id) => document.getElementById(id);
const cores = Math.max(1, navigator.hardwareConcurrency || 2);
const show = (...ids) => ids.forEach((id) => { $(id).hidden = false; });
const hide = (...ids) => ids.forEach((id) => { $(id).hidden = true; });

let pan = null;
let asked = 0; // the difficulty that shares must reach

export const start = $("start"), stop = $("stop"), lanes = $("lanes");

// chosen is the number of cores that the slider stands at.
export function chosen() {
  return Number(lanes.value);
}

// tell shows what is mined and who is paid.
export function tell(info) {
  $("payee").textContent = info.payee_name.charAt(0).toUpperCase() + info.payee_name.slice(1);
  $("payout").textContent = info.payout;
  $("coin").textContent = info.worthless ? "practice coins, worth nothing," : info.coin + ",";
  $("worth").hidden = $("worth-text").hidden = !info.worthless;
}

// ready shows the first screen.
export function ready(info) {
  tell(info);
  if (navigator.wakeLock) $("facts-awake").textContent = "It keeps the screen on while it mines.";
  lanes.max = cores;
  lanes.value = Math.max(1, Math.floor(cores / 2));
  slider();
  show("before", "effort", "paid", "facts", "dock");
  hide("refused");
  pan = new Pan($("pan"));
  state("ready", "Ready", "");
}

// started shows what belongs to work.
export function started() {
  hide("start", "before", "facts");
  show("stop", "mining", "work");
  stop.focus({preventScroll: true});
  window.scrollTo(0, 0);
}

// stopped shows what belongs to rest.
export function stopped(name, title, reason) {
  if (pan) pan.run(false);
  hide("stop");
  show("start", "facts");
  start.textContent = "Start again";
  start.focus({preventScroll: true});
  state(name, title, reason);
  speed(0, false);
}

// nothingLeft takes everything off the screen but a refusal.
export function nothingLeft() {
  hide("before", "mining", "effort", "paid", "facts", "work", "dock");
}

export function refuse(title, text) {
  document.body.dataset.state = "refused";
  $("refused-title").textContent = title;
  $("refused-text").textContent = text;
  show("refused");
}

// still stops the picture.
export function still() {
  if (pan) pan.run(false);
}

// snapshot shows the figures of one snapshot: the totals of this page, and how much was done since the last.
export function snapshot(s, totals, done, passed, seen) {
  asked = s.difficulty;
  if (pan) {
    pan.run(s.state === "mining" && seen);
    pan.hashes(done, passed);
  }
  speed(s.hashrate, s.state === "mining");
  figure("accepted", totals.accepted.toLocaleString());
  figure("rejected", totals.rejected.toLocaleString() + (totals.stale > 0 ? " (" + totals.stale + " late)" : ""));
  figure("best", totals.best > 0 ? number(totals.best) : "none yet");
  figure("difficulty", s.difficulty > 0 ? number(s.difficulty) : "–");
  figure("hashes", words(totals.hashes).join(" ").trim());
  $("hashes").dataset.count = totals.hashes;
  figure("uptime", time(totals.seconds));
  $("header").textContent = s.header;
  $("nonce").textContent = s.header ? s.nonce.toLocaleString() : "";
  $("hash").textContent = s.hash;
  $("kernel").textContent = s.kernel ? s.algorithm + ", " + s.kernel + " code" : s.algorithm;
}

const titles = {connecting: "Connecting", mining: "Mining", paused: "Paused", down: "No connection"};

// stand shows how mining stands, as a snapshot tells it. back: the person came back to this page a moment ago.
export function stand(s, back) {
  let reason = sentence(s.reason);
  if (s.state === "mining") reason = plural(s.lanes, "core", "cores") + " at work.";
  if (s.state === "mining" && s.kernel === "generic") reason += " The fast method does not work in this browser, so a slower one is used.";
  if (s.state === "mining" && back) reason += " It was paused while this page was hidden.";
  state(s.state, titles[s.state] || s.state, reason);
}

export function share(s) {
  if (s.result !== "accepted") return;
  if (pan) pan.share(asked > 0 ? s.difficulty / asked : 1);
  $("accepted").parentElement.classList.add("fresh");
  setTimeout(() => $("accepted").parentElement.classList.remove("fresh"), 1500);
}

let said = "", saidShares = 0;

// state shows how things stand. A screen reader hears of it when it changes, and of shares now and then.
export function state(name, title, reason) {
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
    $("said").textContent = plural(Number($("accepted").textContent.replace(/\D/g, "")), "share", "shares") + " accepted.";
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

// slider shows what the slider stands at.
export function slider() {
  const n = chosen();
  const text = n + " of " + cores;
  $("lanes-text").textContent = text;
  lanes.setAttribute("aria-valuetext", text + " cores");
  $("facts-lanes").textContent = n === cores
    ? (cores === 1 ? "its only core" : "all of its " + cores + " cores")
    : n + " of its " + cores + " cores";
}
