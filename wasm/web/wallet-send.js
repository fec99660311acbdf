// Paying: what goes where, a last screen in words, and what became of it. Nothing is signed before the last button.
import * as home from "./wallet-home.js";
import * as make from "./wallet-make.js";
import {wallet} from "./wallet.js";
import {amount, button, decimal, el, fault, field, form, notice, percent, t, when} from "./wallet-ui.js";

const text = (id, more = {}) => el("input#" + id, {type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: false, ...more});

// show asks where the payment goes, and how much.
export function show(before = {}) {
  const to = text("wallet-to", {dir: "ltr", maxLength: 2048, value: before.to || ""});
  const much = text("wallet-much", {inputMode: "decimal", maxLength: 24, value: before.amount || ""});
  const all = el("input#wallet-all", {type: "checkbox", role: "switch", onchange: () => { much.disabled = all.checked; }});
  const soon = el("select", {}, [[1, "next"], [6, "hour"], [24, "day"]].map(([blocks, key]) =>
    el("option", {value: String(blocks), selected: blocks === 6}, t("wallet.soon." + key))));
  const {confirmed} = wallet.status.balance;
  const stays = wallet.show("wallet.send.title",
    el("p", {}, t("wallet.send.have", {amount: amount(confirmed) + " " + wallet.status.symbol})),
    form("wallet.send.look", async () => {
      const ask = {to: to.value, amount: all.checked ? "" : decimal(much.value), all: all.checked, blocks: Number(soon.value)};
      const plan = await wallet.call("plan", ask);
      if (stays()) last(plan, ask, much.value);
    }, field("wallet.send.to", to, t("wallet.send.to.help")), field("wallet.send.amount", much, wallet.status.symbol),
    el("label.switch", {}, all, el("span", {}, t("wallet.send.all"))), field("wallet.send.soon", soon, t("wallet.send.soon.help"))),
    button("wallet.back", home.show));
  to.focus();
}

// last is the last screen before a payment: what leaves and what arrives, in words.
function last(p, ask, much) {
  const unit = " " + wallet.status.symbol;
  const end = p.groups.length - 1;
  const row = (key, value) => el("div", {}, el("dt", {}, t(key)), el("dd", {}, amount(value) + unit));
  const go = form("wallet.send.do", async () => {
    try {
      done(await wallet.call("pay", {plan: p.plan}));
    } catch (e) {
      if (e.code === "locked") return make.unlock(true);
      throw e;
    }
  });
  wallet.show("wallet.send.last",
    el("p.lead", {}, t("wallet.send.says", {amount: amount(p.amount) + unit})),
    el("p.wallet-address#wallet-address", {dir: "ltr", translate: false},
      p.groups.map((g, i) => [el(i < 2 || i >= end - 1 ? "strong" : "span", {}, g), " "])),
    p.label ? el("p.quiet", {}, t("wallet.send.label", {label: p.label})) : null,
    el("section.card", {}, el("dl.wallet-rest", {}, row("wallet.send.arrives", p.amount), row("wallet.send.fee", p.fee), row("wallet.send.leaves", p.leaves), row("wallet.send.remains", p.remains)),
      el("p.quiet", {}, t("wallet.send.share", {share: percent(p.share)}), " ", t(p.guessed ? "wallet.send.guessed" : "wallet.send.within", {n: p.blocks}))),
    p.share > 0.1 ? notice("wallet.send.dear", {}, true) : null,
    notice(wallet.status.worthless ? "wallet.worthless" : "wallet.unaudited"),
    el("p", {}, el("strong", {}, t("wallet.send.final"))),
    go, button("wallet.send.change", () => show({...ask, amount: much})));
}

async function done({state}) {
  try { wallet.status = await wallet.call("status"); } catch { /* shown on the next screen */ }
  wallet.show("wallet.send.done", el("p.lead", {role: "status"}, t("wallet.send." + state)), button("wallet.go", home.show, "gold", "wallet-go"));
}

// underWay lists the payments that are in no block yet.
export function underWay(s) {
  if (!s.payments.length) return [];
  const item = (p) => {
    const why = el("p.problem", {role: "alert", hidden: true});
    const free = p.state === "waiting" || p.state === "refused";
    return el("li.wallet-entry", {},
      el("p.line", {}, el("span", {}, t("wallet.payment." + p.state)), el("strong", {}, amount(p.amount) + " " + s.symbol)),
      el("p.quiet", {}, when(p.made), " ", el("code", {dir: "ltr"}, p.to)),
      free ? button("wallet.giveup", async () => {
        try {
          await wallet.call("giveup", {id: p.id});
          wallet.refresh();
        } catch (e) {
          why.textContent = fault(e);
          why.hidden = false;
        }
      }) : null, why);
  };
  return [el("h2", {}, t("wallet.payments")), el("ol.wallet-history#wallet-payments", {}, s.payments.map(item))];
}
