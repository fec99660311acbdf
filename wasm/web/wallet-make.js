// Making, restoring and opening the wallet, and proving that its words are written down.
import * as home from "./wallet-home.js";
import {wallet} from "./wallet.js";
import {button, day, el, fault, field, file, form, notice, secret, t} from "./wallet-ui.js";

// named is a wallet's name for people.
const named = (o) => t(o.worthless ? "wallet.named.practice" : "wallet.named", o);

// choose shows the wallets that may be kept here.
export function choose(offers) {
  const entry = (o) => el("button.wallet-offer", {type: "button", onclick: () => chosen(o)},
    el("strong", {}, named(o)),
    el("span.quiet", {}, t("wallet.state." + o.state) + (o.here ? " " + t("wallet.here") : "")));
  wallet.offer = null;
  wallet.show("wallet.title", el("p.lead", {}, t("wallet.choose")), el("div.wallet-offers", {}, offers.map(entry)), whose(), notice("wallet.hot"));
}

// foreign tells whether the page comes from another computer than the one that shows it.
export const foreign = (host) => !/^(localhost|[\w-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(host);

// whose says in whose hands a wallet on this page is: whoever serves the page can change it.
const whose = () => foreign(location.hostname) ? notice("wallet.page", {host: location.host}) : null;

async function chosen(offer) {
  wallet.offer = offer;
  try {
    await wallet.call("choose", {coin: offer.coin, network: offer.network});
  } catch (e) {
    return wallet.show("wallet.title", el("p.wallet-note.bad", {role: "alert"}, fault(e)), button("wallet.back", wallet.start));
  }
  if (offer.state === "kept") return unlock();
  first(offer.state === "damaged");
}

// warnings say what such a wallet is.
function warnings() {
  return [notice(wallet.offer.worthless ? "wallet.worthless" : "wallet.unaudited"), whose(), notice("wallet.hot")];
}

// whom names the server that the wallet will ask, and lets another be typed.
function whom() {
  const now = el("p.wallet-server", {});
  const tell = () => {
    const {url, relay} = wallet.server();
    now.replaceChildren(t(url ? (relay ? "wallet.server.relay" : "wallet.server.own") : "wallet.server.none"), " ",
      url ? el("code.address", {dir: "ltr"}, url) : "");
  };
  tell();
  const input = el("input", {type: "url", inputMode: "url", autocomplete: "off", autocapitalize: "off", spellcheck: false, dir: "ltr",
    placeholder: "wss://…", maxLength: 300});
  const why = el("p.problem", {role: "alert", hidden: true});
  const other = el("details", {}, el("summary", {}, t("wallet.server.other")),
    field("wallet.server.url", input, t("wallet.server.help")), why,
    button("wallet.server.use", () => {
      const text = input.value.trim();
      const good = text === "" || /^wss:\/\/[^\s/@?#]+(\/\S*)?$/.test(text) || /^ws:\/\/(localhost|127\.[\d.]+|\[::1\])(:\d+)?(\/|$)/.test(text);
      why.hidden = good;
      if (!good) {
        why.textContent = t("wallet.error.server");
        return;
      }
      wallet.server(text);
      tell();
      other.open = false;
    }));
  return el("section.card", {}, el("h2", {}, t("wallet.server.title")), now, other);
}

function first(damaged) {
  wallet.show("wallet.title", el("h2", {}, named(wallet.offer)),
    damaged ? notice("wallet.error.damaged", {}, true) : el("p.lead", {}, t("wallet.first")),
    damaged ? null : button("wallet.create", create, "gold", "wallet-create"),
    damaged ? null : button("wallet.restore", restore, "plain", "wallet-restore"),
    damaged ? null : button("wallet.restorefile", restoreFile, "plain", "wallet-restorefile"),
    warnings(), button("wallet.back", wallet.start));
}

// ---- A passphrase that is not soon guessed --------------------------------------------------------------

function fresh() {
  const {box, input} = secret("wallet.passphrase.new", "wallet-passphrase", {fresh: true, help: t("wallet.passphrase.help")});
  const bar = el("meter", {min: 0, max: 1, low: 0.999, optimum: 1, value: 0, "aria-label": t("wallet.strength")});
  const said = el("p.quiet", {role: "status"}, t("wallet.strength.none"));
  input.addEventListener("input", async () => {
    const value = input.value;
    try {
      const {bits, enough, least} = await wallet.call("strength", {passphrase: value});
      if (value !== input.value) return;
      bar.value = Math.min(1, bits / least);
      said.textContent = t(value === "" ? "wallet.strength.none" : enough ? "wallet.strength.enough" : "wallet.strength.weak");
    } catch { /* creating says so */ }
  });
  const suggest = button("wallet.suggest", async () => {
    try {
      input.value = (await wallet.call("suggest")).passphrase;
      input.type = "text";
      box.querySelector(".wallet-look").setAttribute("aria-pressed", "true");
      input.dispatchEvent(new Event("input"));
    } catch (e) {
      said.textContent = fault(e);
    }
  }, "plain", "wallet-suggest");
  return {box: el("div.wallet-field", {}, box, bar, said, suggest), input};
}

// keep asks the browser not to throw the wallet away. It is the person's tap that asks; some browsers ask the person in
// turn, and what they answer may come at any time.
function keep() {
  if (!navigator.storage || !navigator.storage.persist) return;
  navigator.storage.persist().then((promised) => {
    wallet.persistent = promised;
    home.update();
  }).catch(() => { /* it has promised nothing */ });
}

function create() {
  const passphrase = fresh();
  const length = el("select", {}, el("option", {value: "12"}, t("wallet.length", {n: 12})), el("option", {value: "24"}, t("wallet.length", {n: 24})));
  wallet.show("wallet.create.title",
    el("p", {}, t("wallet.create.text")),
    form("wallet.create.do", async () => {
      keep();
      wallet.status = await wallet.call("create", {passphrase: passphrase.input.value, length: Number(length.value)});
      passphrase.input.value = "";
      wallet.offer.state = "kept";
      follow();
      reveal(true);
    }, passphrase.box, el("details", {}, el("summary", {}, t("wallet.choices")), field("wallet.length.label", length, t("wallet.length.help")))),
    whom(), button("wallet.back", () => first()));
}

// ---- Restoring ------------------------------------------------------------------------------------------

// entry is a field for one word, that completes what is typed.
function entry(label, before, on = () => {}) {
  const input = el("input", {type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: false, maxLength: 64,
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false"});
  const list = el("div.wallet-near", {role: "listbox", "aria-label": t("wallet.near")});
  input.id = "wallet-word-" + label;
  list.id = input.id + "-near";
  input.setAttribute("aria-controls", list.id);
  const offer = async () => {
    const typed = input.value.trim();
    let found = [];
    try {
      if (typed.length >= 2) found = await wallet.call("complete", {typed, words: before()});
    } catch { /* it can be typed in full */ }
    if (typed !== input.value.trim()) return;
    const done = found.length === 1 && found[0] === typed;
    list.replaceChildren(...(done ? [] : found.slice(0, 4).map((word) => el("button.plain", {type: "button", role: "option", "aria-selected": "false",
      tabIndex: -1, onclick: () => take(word)}, word))));
    input.setAttribute("aria-expanded", String(!done && found.length > 0));
  };
  const take = (word) => {
    input.value = word;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    on(word, input);
  };
  input.addEventListener("input", offer);
  input.addEventListener("keydown", (event) => {
    const only = list.querySelectorAll("button");
    if ((event.key === "Enter" || event.key === " ") && only.length > 0 && input.value.trim() !== "") {
      event.preventDefault();
      take(only[0].textContent);
    } else if (event.key === " " && input.value.trim() !== "") {
      event.preventDefault();
      take(input.value.trim());
    }
  });
  return {input, box: el("div.wallet-field", {}, el("label", {for: input.id}, t("wallet.word", {n: label})), input, list)};
}

function restore() {
  const words = [];
  const counted = el("p.quiet", {role: "status"});
  const so = el("ol.wallet-words.small", {"aria-label": t("wallet.words.sofar")});
  const place = el("div");
  let typing = null;
  const draw = () => {
    so.replaceChildren(...words.map((w, i) => el("li", {}, el("button.plain", {type: "button", dir: "auto", "aria-label": t("wallet.word.change", {n: i + 1, word: w}), onclick: () => {
      words.splice(i);
      draw();
    }}, w))));
    counted.textContent = t("wallet.words.count", {n: words.length});
    if (words.length >= 24) {
      typing = null;
      return place.replaceChildren();
    }
    typing = entry(words.length + 1, () => words, add);
    place.replaceChildren(typing.box);
    typing.input.focus();
  };
  const add = (text) => {
    words.push(...text.split(/\s+/).filter(Boolean).slice(0, 24 - words.length)); // several were pasted
    draw();
  };
  const passphrase = fresh();
  // A password that the browser knows would silently open another wallet: as a new one it is filled in by nobody.
  const extra = secret("wallet.extra", "wallet-extra", {fresh: true, optional: true, help: t("wallet.extra.help")});
  const f = form("wallet.restore.do", async () => {
    if (typing && typing.input.value.trim()) add(typing.input.value);
    const all = words.join(" ");
    await wallet.call("check", {words: all});
    keep();
    wallet.status = await wallet.call("restore", {words: all, extra: extra.input.value, passphrase: passphrase.input.value});
    words.length = 0;
    passphrase.input.value = extra.input.value = "";
    wallet.offer.state = "kept";
    follow();
    home.show();
  }, so, counted, place, el("details", {}, el("summary", {}, t("wallet.choices")), extra.box), passphrase.box);
  wallet.show("wallet.restore.title", el("p", {}, t("wallet.restore.text")), f, whom(), button("wallet.back", () => first()));
  draw();
}

function restoreFile() {
  const input = el("input#wallet-file", {type: "file", accept: ".age"});
  const opens = secret("wallet.opens", "wallet-opens");
  const passphrase = fresh();
  wallet.show("wallet.restorefile.title", el("p", {}, t("wallet.restorefile.text")),
    form("wallet.restore.do", async () => {
      const bytes = await file(input);
      keep();
      wallet.status = await wallet.call("restorefile", {file: bytes, opens: opens.input.value, passphrase: passphrase.input.value});
      opens.input.value = passphrase.input.value = "";
      wallet.offer.state = "kept";
      follow();
      home.show();
    }, field("wallet.file", input), opens.box, passphrase.box),
    whom(), button("wallet.back", () => first()));
}

// ---- Unlocking ------------------------------------------------------------------------------------------

// follow asks the server from now on; the person has seen which.
export async function follow() {
  const {url} = wallet.server();
  try {
    await wallet.call(url ? "follow" : "unfollow", url ? {url} : {});
  } catch { /* how it stands is shown */ }
  wallet.refresh();
}

export function unlock(locked) {
  const passphrase = secret("wallet.passphrase", "wallet-passphrase");
  const stays = wallet.show("wallet.unlock.title", el("h2", {}, named(wallet.offer)),
    locked ? el("p", {role: "status"}, t("wallet.locked")) : null,
    form("wallet.unlock.do", async () => {
      const value = passphrase.input.value;
      passphrase.input.value = "";
      await wallet.ready();
      wallet.status = await wallet.call("open", {passphrase: value});
      follow();
      if (stays()) home.show();
    }, passphrase.box),
    el("p.quiet", {}, t("wallet.forgot")),
    whom(), button("wallet.others", others));
  passphrase.input.focus();
}

// others closes this wallet, and goes to the choice of wallets.
export function others() {
  wallet.lock();
  wallet.status = null;
  wallet.start();
}

// ---- The words ------------------------------------------------------------------------------------------

// reveal shows the words against the passphrase.
export function reveal(made) {
  const passphrase = secret("wallet.passphrase", "wallet-passphrase");
  const stays = wallet.show("wallet.words.title",
    made ? el("p.lead", {}, t("wallet.made")) : null,
    el("p", {}, t("wallet.words.why")),
    el("ul", {}, ["paper", "photo", "anybody"].map((k) => el("li", {}, t("wallet.words." + k)))),
    form("wallet.words.show", async () => {
      const value = passphrase.input.value;
      passphrase.input.value = "";
      const shown = await wallet.call("words", {passphrase: value});
      if (stays()) written(shown);
    }, passphrase.box),
    button("wallet.later", home.show, "plain", "wallet-later"));
}

function written({words, extra}) {
  const list = el("ol.wallet-words#wallet-words", {}, words.map((w) => el("li", {}, el("span", {dir: "auto", translate: false}, w))));
  words.length = 0;
  wallet.show("wallet.words.title", el("p", {}, t("wallet.words.write")), list,
    extra ? notice("wallet.words.extra") : null,
    button("wallet.words.done", ask, "gold", "wallet-written"),
    button("wallet.later", home.show, "plain", "wallet-later"));
  wallet.secretive(() => reveal());
  if (document.visibilityState !== "visible") reveal();
}

// ask asks some of the words back.
export async function ask() {
  let positions;
  try {
    ({positions} = await wallet.call("challenge"));
  } catch (e) {
    if (!wallet.unlocked()) return wallet.start();
    return wallet.show("wallet.words.title", el("p.wallet-note.bad", {role: "alert"}, fault(e)), button("wallet.back", home.show));
  }
  const entries = positions.map((n) => entry(n, () => []));
  const wrong = el("p.problem", {role: "alert", hidden: true});
  wallet.show("wallet.ask.title", el("p", {}, t("wallet.ask.text")),
    form("wallet.ask.do", async () => {
      wrong.hidden = true;
      const answer = await wallet.call("answer", {positions, words: entries.map((e) => e.input.value)});
      entries.forEach(({input}, i) => {
        if (answer.wrong.includes(positions[i])) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
      });
      if (answer.wrong.length) {
        wrong.textContent = t("wallet.ask.wrong", {n: answer.wrong.length, which: answer.wrong.join(", ")});
        wrong.hidden = false;
        return;
      }
      wallet.status = await wallet.call("status");
      proven();
    }, entries.map((e) => e.box), wrong),
    button("wallet.ask.again", () => reveal(), "plain", "wallet-again"), button("wallet.later", home.show, "plain", "wallet-later"));
  entries[0].input.focus();
}

function proven() {
  wallet.show("wallet.proven.title", el("p.lead", {}, t("wallet.proven")), button("wallet.go", home.show, "gold", "wallet-go"),
    button("wallet.backup", home.backup));
}

// proofs says when the wallet was proven to be backed up.
export function proofs() {
  const {words, file: kept} = wallet.status;
  return el("ul", {}, el("li", {}, words ? t("wallet.proof.words", {day: day(words)}) : t("wallet.proof.words.never")),
    el("li", {}, kept ? t("wallet.proof.file", {day: day(kept)}) : t("wallet.proof.file.never")));
}
