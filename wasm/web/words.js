// Words: the texts of the chosen language, and numbers as that language writes them. The texts are
// assets/translations, which say how they are written; only the file of the chosen language is fetched.
// A text stands in the page as <p data-text="KEY">, as data-label="KEY" for its accessible name, or as data-alt="KEY" for a picture.

const kept = "goldpan.language";
let texts = {};
let tag = "en";
let plurals = new Intl.PluralRules(tag);
let formats = new Map();
let turns = 0; // counts the choices of a language

// offered lists the languages of the page, as the build wrote them into the chooser.
const offered = () => Array.from(document.getElementById("language").options, (o) => o.value);

// language is the tag of the language in use.
export const language = () => tag;

// load fetches the texts of the language that the person chose, or that the browser asks for, or the English ones. It
// is false if none came; the build wrote into the page what is said then.
export async function load() {
  const known = offered();
  const wanted = [remembered(), ...(navigator.languages || [])].map((l) => (l || "").toLowerCase());
  for (const want of wanted) {
    const found = known.find((l) => l === want) || known.find((l) => l === want.split("-")[0]);
    if (found && await use(found)) return true;
  }
  return use("en");
}

// choose changes the language and remembers it.
export function choose(language) {
  try { localStorage.setItem(kept, language); } catch { /* it lasts for this visit then */ }
  return use(language);
}

function remembered() {
  try { return localStorage.getItem(kept); } catch { return null; }
}

// use changes to a language once its texts are there, unless another one was chosen meanwhile.
async function use(language) {
  const turn = ++turns;
  let came;
  try {
    const answer = await fetch("text." + language + ".json");
    if (!answer.ok) return false;
    came = await answer.json();
  } catch {
    return false;
  }
  if (turn !== turns) return true;
  texts = came;
  tag = language;
  plurals = new Intl.PluralRules(tag);
  formats = new Map();
  document.documentElement.lang = tag;
  document.documentElement.dir = texts.direction;
  document.getElementById("language").value = tag;
  for (const e of document.querySelectorAll("[data-text]")) e.textContent = text(e.dataset.text);
  for (const e of document.querySelectorAll("[data-alt]")) e.alt = text(e.dataset.alt);
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", text(e.dataset.label));
  return true;
}

// has tells whether there is a text for a key.
export const has = (key) => key in texts;

// text is the text of a key with its {places} filled. Numbers are written as the language writes them, and choose
// between plural forms by the place n.
export function text(key, places = {}) {
  let found = texts[key];
  if (found === undefined) return "";
  if (typeof found === "object") found = found[plurals.select(places.n)] ?? found.other;
  return found.replace(/\{(\w+)\}/g, (_, name) => {
    const value = places[name];
    return typeof value === "number" ? number(value) : String(value ?? "");
  });
}

function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(tag, options));
  return formats.get(key);
}

// number writes a count in full.
export const number = (n) => format({maximumFractionDigits: 0}).format(n);

// short writes a number with three figures.
export const short = (n) => (n < 1e6 ? format({maximumSignificantDigits: 3}).format(n) : count(n));

// together puts sentences side by side, with a space between them where the language has one.
export const together = (...sentences) => sentences.filter(Boolean).join(tag === "ja" || tag === "zh" ? "" : " ");

// percent writes a share of 1.
export const percent = (n) => format({style: "percent", maximumFractionDigits: 0}).format(n);

// scaled parts a count into its first three figures and the word for the rest: ["412", "thousand"]. Languages that say
// "millions of hashes" need another text from a million on: large.
export function scaled(n) {
  if (n < 1e4) return {value: number(n), scale: "", large: false};
  const style = {notation: "compact", compactDisplay: "long", minimumSignificantDigits: 3, maximumSignificantDigits: 3}; // 4.90 beside 4.87: the figure does not jump
  const parts = format(style).formatToParts(n);
  const scale = parts.filter((p) => p.type === "compact").map((p) => p.value).join("");
  const value = parts.filter((p) => p.type !== "compact").map((p) => p.value).join("").trim();
  return {value, scale, large: n >= 1e6};
}

// count writes a count with three figures: "412 thousand".
export function count(n) {
  return n < 1e4 ? number(n) : format({notation: "compact", compactDisplay: "long", maximumSignificantDigits: 3}).format(n);
}

// time writes a length in seconds by its two largest units.
export function time(seconds) {
  const s = Math.floor(seconds);
  const unit = (n, name, digits) => format({style: "unit", unit: name, unitDisplay: "short", minimumIntegerDigits: digits}).format(n).replace(/ /g, "\u00a0"); // a line breaks between them
  if (s < 60) return unit(s, "second", 1);
  if (s < 3600) return unit(Math.floor(s / 60), "minute", 1) + " " + unit(s % 60, "second", 2);
  return unit(Math.floor(s / 3600), "hour", 1) + " " + unit(Math.floor(s / 60) % 60, "minute", 2);
}

// sentence makes a sentence of a reason in English that came from the program.
export function sentence(reason) {
  if (!reason) return "";
  const t = reason[0].toUpperCase() + reason.slice(1);
  return /[.!?]$/.test(t) ? t : t + ".";
}
