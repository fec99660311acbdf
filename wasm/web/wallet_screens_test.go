//go:build !js

package web

import (
	"os"
	"testing"
)

// pretend puts a program of ready answers in the place of the wallet's own, so that every screen is there at once.
const pretend = `(async () => {
	const {wallet} = await import("./wallet.js");
	const make = await import("./wallet-make.js"), home = await import("./wallet-home.js"), send = await import("./wallet-send.js");
	const now = 1_800_000_000, id = "ab".repeat(32);
	const to = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr";
	const groups = to.match(/.{1,4}/g);
	const server = {url: "wss://wallet.example:50004/electrum", connected: true, synced: true, height: 900123, announced: 900123, code: ""};
	const unproven = {open: true, locked: false, proven: false, words: 0, file: 0, symbol: "BTC", worthless: false, maturity: 100, more: 1234,
		balance: {confirmed: "12345.67890123", unconfirmed: "0.00100000", immature: "3.12500000", dust: "0.00000294", total: "1"}, server,
		history: [
			{id, time: now, height: 900120, confirmations: 37, amount: "3.12500000", reward: true, matures: 100, mature: false, label: ""},
			{id, time: now - 90000, height: 0, confirmations: 0, amount: "-0.01234567", reward: false, label: "A cake for the whole of the neighbourhood"},
			{id, time: now - 190000, height: 890000, confirmations: 10000, amount: "12345.67890123", reward: false, label: ""}],
		payments: ["waiting", "refused", "sent", "replaced"].map((state) => ({id, to, amount: "0.01234567", fee: "0.00001", made: now, state}))};
	const proven = {...unproven, proven: true, words: now, file: now};
	const answers = {
		choose: {}, strength: {bits: 30, enough: false, least: 50}, suggest: {passphrase: "teal walrus hums under copper moons"}, complete: ["abandon", "ability", "able", "about"],
		words: () => ({words: Array.from({length: 24}, (_, i) => i % 2 ? "abandon" : "mushroom"), extra: true}), challenge: {positions: [3, 11, 17, 24]}, answer: {wrong: [3, 24]},
		receive: {address: to, groups, index: 41, path: "m/86'/0'/0'/0/41", link: "bitcoin:" + to + "?amount=1.5", qr: Array.from({length: 41}, (_, y) => Array.from({length: 41}, (_, x) => (x * y + x) % 3 ? "0" : "1").join(""))},
		mine: {mine: false}, plan: {plan: 1, to, groups, label: "Bakery at the old bridge, order 4711", amount: "0.00012345", fee: "0.00004321", share: 0.35, leaves: "0.00016666", remains: "12345.67873457", change: "1", blocks: 6, guessed: true, all: false},
		pay: {id, state: "kept"}, follow: {}, unfollow: {}, close: {}, verify: {},
	};
	let fault = null;
	wallet.call = async (name) => {
		if (fault) throw fault;
		if (name === "status") return {...wallet.status};
		const answer = answers[name];
		return typeof answer === "function" ? answer() : answer;
	};
	wallet.ready = async () => {};
	const main = {coin: "bitcoin", network: "main", name: "Bitcoin", symbol: "BTC", worthless: false, here: false, state: "none"};
	const offers = [{...main, network: "practice", symbol: "PAN", worthless: true, here: true, state: "kept"}, main, {...main, coin: "litecoin", name: "Litecoin", symbol: "LTC", state: "damaged"}];
	const q = (s) => document.querySelector("#wallet " + s);
	const until = async (ok) => { while (!ok()) await new Promise((done) => requestAnimationFrame(done)); };
	const fill = (s, value) => { const e = q(s); e.value = value; e.dispatchEvent(new Event("input", {bubbles: true})); };
	const put = async (status) => { wallet.offer = main; wallet.status = status; wallet.info ||= {}; };
	const first = async () => { await put(null); make.choose(offers); q(".wallet-offer:nth-child(2)").click(); await until(() => q("#wallet-create")); };
	const turned = async (click) => { const before = document.getElementById("wallet-body").firstElementChild; click(); await until(() => document.getElementById("wallet-body").firstElementChild !== before); };
	const failed = async () => { q("form").requestSubmit(); await until(() => q("form > .problem:not([hidden])")); fault = null; };
	const screens = {
		choose: async () => { await put(null); make.choose(offers); },
		first,
		damaged: async () => { await put(null); make.choose(offers); await turned(() => q(".wallet-offer:nth-child(3)").click()); },
		create: async () => { await first(); await turned(() => q("#wallet-create").click()); fill("#wallet-passphrase", "short"); await until(() => q("meter").value > 0); document.querySelectorAll("#wallet details").forEach((e) => { e.open = true; }); fault = {code: "weak"}; await failed(); },
		restore: async () => { await first(); await turned(() => q("#wallet-restore").click()); fill("#wallet-word-1", "ab"); await until(() => q(".wallet-near button")); q(".wallet-near button").click();
			fill("#wallet-word-2", "ab"); await until(() => q(".wallet-near button")); fault = {code: "word", position: 2, word: "abilitty", near: "ability"}; await failed(); },
		restorefile: async () => { await first(); await turned(() => q("#wallet-restorefile").click()); },
		unlock: async () => { await put({open: true, locked: true}); make.unlock(true); fault = {code: "passphrase"}; await failed(); },
		reveal: async () => { await put(unproven); make.reveal(true); },
		written: async () => { await put(unproven); make.reveal(); q("form").requestSubmit(); await until(() => q("#wallet-words")); },
		ask: async () => { await put(unproven); await make.ask(); await failed().catch(() => {}); },
		unproven: async () => { await put(unproven); home.show(); },
		renewed: async () => { await put({...proven, worthless: true, server: {...server, synced: false, code: "genesis"}}); home.show(); },
		blocked: async () => { await put(unproven); home.show(); await turned(() => q("#wallet-receive").click()); },
		home: async () => { await put(proven); home.show(); },
		receive: async () => { await put(proven); home.show(); await turned(() => q("#wallet-receive").click()); document.querySelectorAll("#wallet details").forEach((e) => { e.open = true; }); },
		send: async () => { await put(proven); send.show(); fault = {code: "funds"}; fill("#wallet-much", "1"); await failed(); },
		last: async () => { await put(proven); send.show(); await turned(() => q("form").requestSubmit()); },
		kept: async () => { await screens.last(); await turned(() => q("form").requestSubmit()); },
		more: async () => { await put(proven); home.show(); await turned(() => q("#wallet-more").click()); },
		backup: async () => { await put(proven); home.backup(); },
		verify: async () => { await screens.more(); await turned(() => document.querySelectorAll("#wallet .card .plain")[2].click()); },
	};
	window.walletScreen = async (name) => { fault = null; await screens[name](); };
	return Object.keys(screens);
})()`

// TestWalletScreens holds every screen of the wallet, in languages of long words and of none, to what look does.
func TestWalletScreens(t *testing.T) {
	b := newBank(t)
	script := axe(t)
	languages := []string{"de", "ja"} // TestWallet looks at the English ones
	if os.Getenv("GOLDPAN_SCREENS") != "" {
		languages = append(languages, "en")
	}
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			tab := chrome(t)
			visit(t, tab, b.byNumber+"/")
			await(t, tab, "document.body.dataset.state === 'ready'")
			evaluate[bool](t, tab, `import("./words.js").then((words) => words.choose("`+language+`")).then(() => true)`)
			press(t, tab, "#wallet-open")
			await(t, tab, "document.querySelector('.wallet-offer')")
			for _, name := range evaluate[[]string](t, tab, pretend) {
				evaluate[bool](t, tab, "walletScreen("+quote(name)+").then(() => true)")
				look(t, tab, script, language+"-"+name)
			}
		})
	}
}
