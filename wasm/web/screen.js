// The screen: all that is shown, and nothing else. It decides nothing and starts nothing. What the page's other
// modules ask of it:
//
//   open()                    a promise, awaited before anything else is called: the language's texts are there; never rejects,
//                             and never ends where no text can be had
//   controls                  the elements to listen to: start, stop, again (of a refusal: load once more), join (a form:
//                             "submit"), link (its text field), leave (pressed after the person was asked)
//   tell(info)                what is mined and who is paid: {payee_name, payout, coin, worthless, payee, join}
//   invite(code, way)         needs an invitation; code "" at first, else a key invite.CODE: removed, left, link, origin, …;
//                             way: {link, origin} of the address that an invitation is for, if it is another
//   visit(on)                 this browser keeps nothing: a device that joins stays joined for this visit
//   ready(joined)             everything is said, nothing runs; joined: there is a credential, which Leave forgets
//   started()                 after the tap
//   stand(phase, code, args)  how it stands; phase: connecting, mining, paused, waiting, down; code: a key reason.CODE, or
//                             "". args.text is a reason in English, shown where there is no text for the code
//   halt(phase, code, args)   nothing runs any more; phase: stopped, failed, expired; code and args as above
//   refuse(code)              nothing can run here: a key refuse.CODE: frame, old, unserved
//   snapshot(s, totals, done, passed, {seen, back, slowed})  a control worker's snapshot: s.code (see stand) beside
//                             s.reason, s.target in hex beside s.hash; totals of this page; hashes done and seconds passed
//                             since the last; seen: the page is not hidden; back: it came back a moment ago; slowed: the
//                             part of its speed, 0 to 1, that it works at because it is warm
//   share(s)                  a share's fate
//   still()                   the picture rests
//   battery(level, charging)  0 to 1, or null where the browser does not tell; call it once before ready
//   today(totals)             what today.js's read() or add() gave back
//   awake(wanted)             shows the switch that keeps the screen on on a page without a wake lock
//   film(on)                  plays or ends the silent film that this switch is for; a promise of whether it plays
//
// settings.js has what the person set.
import * as figures from "./figures.js";
import * as settings from "./settings.js";
import {choose, has, load, percent, sentence, text, together} from "./words.js";

const $ = (id) => document.getElementById(id);
const show = (...ids) => ids.forEach((id) => { $(id).hidden = false; });
const hide = (...ids) => ids.forEach((id) => { $(id).hidden = true; });

export {film} from "./film.js";
export {still} from "./figures.js";

export const controls = {start: $("start"), stop: $("stop"), again: $("again"), join: $("join"), link: $("link"), leave: $("leave")};

// What is shown now, to show it again when the language changes.
let now = () => {};
let terms = null; // {info, joined}
let day = null;
let power = null; // the battery: {level, charging}

// sections lists what belongs to each of the page's faces.
const sections = {
  refused: ["refused"],
  invite: ["invite"],
  ready: ["before", "paid", "facts", "effort", "dock", "start"],
  work: ["mining", "work", "paid", "effort", "dock", "stop"],
  rest: ["mining", "paid", "facts", "effort", "dock", "start"],
};

function face(name) {
  hide("loading", "broken");
  hide(...Object.values(sections).flat().filter((id) => !sections[name].includes(id)));
  show(...sections[name]);
}

export async function open() {
  if (!await load()) {
    hide("loading");
    show("broken");
    document.body.dataset.state = "refused";
    await new Promise(() => {}); // without words nothing is explained, so nothing is offered
  }
  settings.open();
  $("language").addEventListener("change", async (event) => {
    await choose(event.target.value);
    if (terms) tell(terms.info);
    if (day) today(day);
    if (power) battery(power.level, power.charging);
    figures.again();
    sliders();
    now();
  });
  for (const id of ["lanes", "power", "floor"]) $(id).addEventListener("input", sliders);
  sliders();
}

// ---- Before ---------------------------------------------------------------------------------------------

export function tell(info) {
  terms = {...terms, info};
  const name = info.payee && has("payee." + info.payee) ? text("payee." + info.payee) : info.payee_name;
  $("payee").textContent = name.charAt(0).toUpperCase() + name.slice(1);
  $("payout").textContent = info.payout;
  work();
  $("worth").hidden = $("worth-text").hidden = !info.worthless;
  $("little").hidden = info.worthless;
  $("facts-awake").textContent = text(navigator.wakeLock ? "facts.awake" : "facts.asleep");
  $("facts-secret").textContent = secrets(info);
}

// work says what will be done, with how many cores.
function work() {
  if (!terms?.info) return;
  const {worthless, coin} = terms.info;
  const cores = text("facts.cores", {n: settings.settings().lanes, all: settings.cores});
  $("coin").textContent = together(worthless ? text("facts.worthless") : text("facts.coin", {coin}), settings.cores > 1 ? cores : "");
}

// secrets says what is kept here: nothing, or a device's key.
function secrets(info) {
  if (!info.join && !terms.joined) return text("facts.secret");
  return together(text("facts.key"), forgets ? text("join.visit") : "");
}

let forgets = false; // this browser keeps nothing

export function visit(on) {
  forgets = on;
}

const pasted = ["link", "typo", "origin"]; // what is wrong with the text in the field, and said beside it

export function invite(code, way = null) {
  now = () => invite(code, way);
  face("invite");
  document.body.dataset.state = "invite";
  document.title = "Goldpan";
  said = $("said").textContent = ""; // the problem is read by itself
  const problem = code ? text("invite." + code) : "";
  const about = pasted.includes(code);
  if (about) $("join").prepend($("invite-problem"));
  else $("invite-title").after($("invite-problem"));
  $("invite-why").textContent = problem;
  $("invite-problem").hidden = !problem;
  $("invite-problem").dataset.code = code;
  $("invite-way").hidden = !way;
  $("invite-way").href = way?.link ?? "";
  $("invite-way").textContent = way?.origin ?? "";
  $("join-visit").hidden = !forgets;
  $("link").toggleAttribute("aria-invalid", about);
  $("link").setAttribute("aria-describedby", (about ? ["invite-problem", "join-once"] : ["join-once"]).join(" "));
  if (about) $("link").focus();
}

export function ready(joined = false) {
  terms = {...terms, joined};
  now = () => ready(joined);
  if (terms.info) tell(terms.info);
  $("device").hidden = !joined;
  asked(false);
  face("ready");
  figures.calm();
  document.body.dataset.state = "ready";
  document.title = "Goldpan";
  $("start").textContent = text("page.start");
}

// asked shows the question before the device is forgotten, or takes it away.
function asked(on) {
  $("leave-sure").hidden = !on;
  $("leave-ask").hidden = on;
  $("leave-ask").setAttribute("aria-expanded", String(on));
}

$("leave-ask").addEventListener("click", () => { asked(true); $("leave-no").focus(); });
$("leave-no").addEventListener("click", () => { asked(false); $("leave-ask").focus(); });

export function refuse(code) {
  now = () => refuse(code);
  face("refused");
  figures.still();
  document.body.dataset.state = "refused";
  document.title = "Goldpan";
  $("refused-title").textContent = text("refuse." + code);
  $("refused-text").textContent = text("refuse." + code + ".text");
  $("refused-sign").setAttribute("href", "#i-" + code);
  $("refused-badge").classList.toggle("bad", code === "frame");
  $("again").hidden = code !== "unserved";
  $("own-text").hidden = code !== "frame";
  $("own").href = $("own").textContent = location.origin + "/";
}

// ---- Mining ---------------------------------------------------------------------------------------------

export function started() {
  asked(false);
  figures.open();
  $("mining").classList.remove("empty");
  face("work");
  $("work").hidden = $("header").textContent === ""; // until there is a header to show
  figures.again();
  controls.stop.focus({preventScroll: true});
  window.scrollTo(0, 0);
}

export function stand(phase, code = "", args = {}) {
  now = () => stand(phase, code, args);
  figures.quiet();
  say(phase, title(phase, code), reason(code, args));
}

export function halt(phase, code = "", args = {}) {
  now = () => {
    $("start").textContent = text("page.restart");
    say(phase, title(phase, code), reason(code, args));
  };
  figures.clear();
  figures.open();
  face("rest");
  controls.start.focus({preventScroll: true});
  if (code !== "stopped") window.scrollTo(0, 0); // nobody asked for it: why stands at the top
  awake(false);
  now();
}

export function snapshot(s, totals, done, passed, {seen = true, back = false, slowed = 1} = {}) {
  figures.snapshot(s, totals, done, passed, seen);
  document.body.toggleAttribute("data-slowed", slowed < 1);
  if (!seen) return;
  const notes = [];
  if (s.state === "mining") {
    notes.push(["cores.work", {n: s.lanes}]);
    if (s.kernel === "generic") notes.push(["reason.generic"]);
    if (slowed < 1) notes.push(["reason.slowed", {percent: slowed}]);
    if (s.code) notes.push(["reason." + s.code]);
    if (back) notes.push(["reason.back"]);
  }
  now = () => {
    const written = notes.map(([key, {n, percent: part} = {}]) => text(key, {n, percent: part && percent(part)}));
    say(s.state, title(s.state, ""), s.state === "mining" ? together(...written) : reason(s.code, {text: s.reason}));
  };
  now();
}

export function share(s) {
  if (s.result === "accepted") figures.share(s);
}

export function today(totals) {
  day = totals;
  figures.today(totals);
}

export function battery(level, charging) {
  power = {level, charging};
  figures.battery(level, charging);
  $("battery-settings").hidden = level === null;
  $("no-battery").hidden = level !== null;
}

export function awake(wanted) {
  $("awake-row").hidden = !wanted;
  if (!wanted) $("awake").checked = false;
}

const title = (phase, code) => text(code && has("title." + code) ? "title." + code : "phase." + phase);

const reason = (code, args) => (code && has("reason." + code) ? text("reason." + code, args) : sentence(args.text));

let said = "", saidShares = 0;

// say shows how things stand. A screen reader hears of it when it changes, and of shares now and then.
function say(phase, title, reason) {
  document.body.dataset.state = phase;
  $("state").textContent = title;
  if ($("reason").textContent !== reason) $("reason").textContent = reason;
  document.title = text("page.title", {state: title}) || "Goldpan";
  if (title !== said) {
    said = title;
    saidShares = performance.now();
    $("said").textContent = [title, reason].filter(Boolean).join(". ");
  } else if (phase === "mining" && performance.now() - saidShares > 60_000) {
    saidShares = performance.now();
    $("said").textContent = text("said.shares", {n: figures.accepted()});
  }
}

// ---- Settings -------------------------------------------------------------------------------------------

// sliders shows what the sliders stand at.
function sliders() {
  const {lanes, power, floor} = settings.settings();
  const all = settings.cores;
  value("lanes", text("settings.lanes.of", {n: lanes, all}));
  value("power", percent(power / 100));
  value("floor", floor > 0 ? percent(floor / 100) : text("settings.floor.off"));
  work();
}

function value(id, text) {
  $(id + "-text").textContent = text;
  $(id).setAttribute("aria-valuetext", text);
}
