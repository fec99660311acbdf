//go:build !js

package web

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"goldpan/core/jsonrpc"
	"goldpan/core/practice"
)

// away has the page believe that it is hidden, or seen, and that so many milliseconds have passed.
func away(t *testing.T, tab context.Context, state string, passed int) {
	t.Helper()
	evaluate[bool](t, tab, fmt.Sprintf(`((now) => {
		Object.defineProperty(document, "visibilityState", {get: () => %q, configurable: true});
		Date.now = () => now() + %d;
		document.dispatchEvent(new Event("visibilitychange"));
		return true;
	})(Date.now.bind(Date))`, state, passed))
}

func unlock(t *testing.T, tab context.Context) {
	t.Helper()
	await(t, tab, onScreen("wallet.unlock.title"))
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	press(t, tab, ".wallet-form .gold")
}

// receiving is the address that a proven wallet gives.
func receiving(t *testing.T, tab context.Context) string {
	t.Helper()
	press(t, tab, "#wallet-receive")
	await(t, tab, "document.getElementById('wallet-address')")
	return strings.ReplaceAll(evaluate[string](t, tab, "document.getElementById('wallet-address').textContent"), " ", "")
}

// inside is all that the wallet's sheet holds: its elements, and what is typed into its fields.
const inside = `document.getElementById("wallet").outerHTML + Array.from(document.querySelectorAll("#wallet input"), (e) => " " + e.value).join("")`

// keeping is all that the page's origin keeps, as text.
const keeping = `(async () => {
	let all = JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + JSON.stringify(history.state) + location.href + document.cookie;
	for (const {name} of await indexedDB.databases()) {
		const db = await new Promise((ok, no) => { const r = indexedDB.open(name); r.onsuccess = () => ok(r.result); r.onerror = no; });
		for (const table of db.objectStoreNames) {
			const rows = await new Promise((ok, no) => { const r = db.transaction(table).objectStore(table).getAll(); r.onsuccess = () => ok(r.result); r.onerror = no; });
			const names = await new Promise((ok, no) => { const r = db.transaction(table).objectStore(table).getAllKeys(); r.onsuccess = () => ok(r.result); r.onerror = no; });
			all += names.join(" ") + rows.map((row) => new TextDecoder("latin1").decode(row)).join(" ");
		}
		db.close();
	}
	return all;
})()`

// TestWalletGuards: words leave the screen, nothing is kept in clear, the wallet locks when nobody looks and then nothing
// of it runs, one tab has it at a time, a practice chain begun anew is said, and words and a file bring it back elsewhere.
func TestWalletGuards(t *testing.T) {
	t.Parallel()
	first, second := newBank(t), newBank(t)
	var network atomic.Pointer[practice.Network]
	network.Store(first.network)
	o := first.pool.options()
	o.Electrum = func(ctx context.Context, conn jsonrpc.Conn) error { return network.Load().ElectrumConn(ctx, conn) }
	address, _ := serve(t, newServer(builtPage(t), o))
	tab := chrome(t)

	openWallet(t, tab, address)
	makeWallet(t, tab)
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	press(t, tab, ".wallet-form .gold")
	await(t, tab, "document.getElementById('wallet-words')")
	away(t, tab, "hidden", 0)
	if evaluate[bool](t, tab, "Boolean(document.getElementById('wallet-words'))") {
		t.Error("the words stay in a page that is hidden")
	}
	away(t, tab, "visible", 1000)
	await(t, tab, onScreen("wallet.words.title"))
	words := prove(t, tab)
	press(t, tab, "#wallet-go")
	all, screen := evaluate[string](t, tab, keeping), evaluate[string](t, tab, inside)
	for _, packed := range regexp.MustCompile(`[A-Za-z0-9+/]{16,}`).FindAllString(all, -1) {
		if plain, err := base64.RawStdEncoding.DecodeString(packed); err == nil {
			all += " " + string(plain)
		}
	}
	if !strings.Contains(all, "age-encryption.org") {
		t.Errorf("%d bytes are kept, and no wallet among them", len(all))
	}
	for what, secret := range map[string]string{"the passphrase": walletPassphrase, "the words": strings.Join(words[:3], " "), "a key": "practice.key"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is kept in clear", what)
		}
		if strings.Contains(screen, secret) {
			t.Errorf("%s is on the screen still", what)
		}
	}

	// A backup file goes to the downloads, and its passphrase out of the screen.
	mine := receiving(t, tab)
	evaluate[bool](t, tab, `((make) => { URL.createObjectURL = (blob) => { window.saved = blob; return make(blob); }; return true; })(URL.createObjectURL)`)
	press(t, tab, "#wallet-body > button:last-of-type")
	press(t, tab, "#wallet-more")
	press(t, tab, "#wallet-backup")
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	press(t, tab, ".wallet-form .gold")
	await(t, tab, "window.saved")
	file := evaluate[string](t, tab, `window.saved.arrayBuffer().then((b) => btoa(String.fromCharCode(...new Uint8Array(b))))`)
	if evaluate[bool](t, tab, "("+inside+").includes("+quote(walletPassphrase)+")") {
		t.Error("the passphrase of the file stays on the screen")
	}

	// Hidden for more than a minute it locks, and the program that had the keys has ended.
	away(t, tab, "hidden", 0)
	if n := workers(t, tab); n != 1 {
		t.Errorf("%d workers while it is open", n)
	}
	away(t, tab, "hidden", 61_000)
	await(t, tab, onScreen("wallet.unlock.title"))
	eventually(t, patience, "no worker is left", func() bool { return workers(t, tab) == 0 })
	away(t, tab, "visible", 0)
	unlock(t, tab)
	await(t, tab, onScreen("wallet.home"))

	// Another tab cannot have it meanwhile. A clock that is put back locks it, and then the other tab can.
	beside, shut := chromedp.NewContext(tab)
	t.Cleanup(shut)
	if err := chromedp.Do(beside); err != nil { // the tab lives as long as the context of its first use
		t.Fatal(err)
	}
	openWallet(t, beside, address)
	press(t, beside, ".wallet-offer")
	unlock(t, beside)
	await(t, beside, "document.querySelector('.wallet-form .problem:not([hidden])')?.textContent.includes('another tab')")
	away(t, tab, "visible", -3_600_000)
	await(t, tab, onScreen("wallet.unlock.title"))
	network.Store(second.network)
	unlock(t, beside)
	await(t, beside, onScreen("wallet.home"))

	// The practice chain was begun anew: that is said in words, and gone on from there.
	await(t, beside, "document.getElementById('wallet-renew')")
	if text := evaluate[string](t, beside, "document.getElementById('wallet-body').innerText"); !strings.Contains(text, "begun anew") || !strings.Contains(text, "worth nothing") {
		t.Errorf("of a new practice chain it says:\n%s", text)
	}
	press(t, beside, "#wallet-renew")
	await(t, beside, "document.querySelector('.wallet-standing')?.textContent.includes('Up to date') && !document.getElementById('wallet-renew')")
	if again := receiving(t, beside); again != mine {
		t.Errorf("the address is %s, and was %s", again, mine)
	}

	t.Run("words", func(t *testing.T) {
		t.Parallel()
		tab := chrome(t)
		openWallet(t, tab, address)
		press(t, tab, ".wallet-offer")
		press(t, tab, "#wallet-restore")
		await(t, tab, "document.getElementById('wallet-word-1')")
		typeInto(t, tab, "#wallet-word-1", words[0][:3])
		await(t, tab, "Array.from(document.querySelectorAll('.wallet-near button'), (b) => b.textContent).includes("+quote(words[0])+")")
		mistaken := append([]string(nil), words...)
		mistaken[3] += "x"
		typeInto(t, tab, "#wallet-word-1", strings.Join(mistaken, " "))
		typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
		press(t, tab, ".wallet-form > .gold")
		await(t, tab, "document.querySelector('.wallet-form > .problem:not([hidden])')?.textContent.includes("+quote("Word 4, "+mistaken[3])+")")
		if text := evaluate[string](t, tab, "document.querySelector('.wallet-form > .problem').textContent"); !strings.Contains(text, "Perhaps ") {
			t.Errorf("no near word: %s", text)
		}
		press(t, tab, ".wallet-words.small li:nth-child(4) button")
		typeInto(t, tab, "#wallet-word-4", strings.Join(words[3:], " "))
		press(t, tab, ".wallet-form > .gold")
		await(t, tab, onScreen("wallet.home"))
		if again := receiving(t, tab); again != mine {
			t.Errorf("the words bring back %s, not %s", again, mine)
		}
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		tab := chrome(t)
		openWallet(t, tab, address)
		press(t, tab, ".wallet-offer")
		press(t, tab, "#wallet-restorefile")
		await(t, tab, "document.getElementById('wallet-file')")
		evaluate[bool](t, tab, `(() => {
			const all = new DataTransfer();
			all.items.add(new File([Uint8Array.from(atob(`+quote(file)+`), (c) => c.charCodeAt(0))], "backup.age"));
			document.getElementById("wallet-file").files = all.files;
			return true;
		})()`)
		typeInto(t, tab, "#wallet-opens", walletPassphrase)
		typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
		press(t, tab, ".wallet-form > .gold")
		await(t, tab, onScreen("wallet.home"))
		if again := receiving(t, tab); again != mine {
			t.Errorf("the file brings back %s, not %s", again, mine)
		}
	})
}

// TestWalletReads: an amount that could be read in two ways is not taken, who serves the page is told apart from this
// computer, what was typed and left is cleared away, and a sheet that is built anew leaves nothing of the one before.
func TestWalletReads(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	tab := chrome(t)
	openWallet(t, tab, b.byNumber)
	await(t, tab, "document.querySelector('.wallet-offer')")
	read := func(language string) string {
		return evaluate[string](t, tab, `(async () => {
			const words = await import("./words.js"), ui = await import("./wallet-ui.js");
			await words.choose("`+language+`");
			await ui.load();
			return ["1.5", "1,5", "1.000", "1,000", "0.001", "0,001", "1 000", "12,345.6", "", ".", "-1", "1e3"].map((s) => {
				try { return ui.decimal(s); } catch (e) { return e.code; }
			}).join(" ");
		})()`)
	}
	if got, want := read("de"), "1.5 1.5 amount 1.000 0.001 0.001 1000 amount  amount amount amount"; got != want {
		t.Errorf("in German amounts are read as %s, want %s", got, want)
	}
	if got, want := read("en"), "1.5 1.5 1.000 amount 0.001 0.001 1000 amount  amount amount amount"; got != want {
		t.Errorf("in English amounts are read as %s, want %s", got, want)
	}
	got := evaluate[string](t, tab, `import("./wallet-make.js").then(({foreign}) =>
		["localhost", "127.0.0.1", "[::1]", "192.168.1.7", "phone.test", "127.0.0.1.evil.test", "localhost.evil.test"].map(foreign).join(" "))`)
	if got != "false false false true true true true" {
		t.Errorf("computers that are another: %s", got)
	}

	press(t, tab, ".wallet-offer")
	press(t, tab, "#wallet-create")
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	away(t, tab, "hidden", 0)
	away(t, tab, "hidden", 61_000)
	await(t, tab, "document.querySelector('.wallet-offer')")
	if evaluate[bool](t, tab, "("+inside+").includes("+quote(walletPassphrase)+")") {
		t.Error("what was typed and left is there still")
	}
	away(t, tab, "visible", 0)

	press(t, tab, "#wallet-close")
	evaluate[bool](t, tab, `((set) => { window.timers = 0; window.setInterval = (...all) => { window.timers++; return set(...all); }; return true; })(window.setInterval.bind(window))`)
	for _, language := range []string{"de", "ja", "en"} {
		evaluate[bool](t, tab, `import("./words.js").then((words) => words.choose("`+language+`")).then(() => true)`)
		press(t, tab, "#wallet-open")
		await(t, tab, "document.getElementById('wallet')?.open && document.getElementById('wallet').lang === "+quote(language)+" && document.querySelector('.wallet-offer')")
		press(t, tab, "#wallet-close")
	}
	if n := evaluate[int](t, tab, "window.timers * 100 + document.querySelectorAll('dialog.wallet, link[href=\"wallet.css\"]').length"); n != 2 {
		t.Errorf("after three languages: %d (timers and sheets)", n)
	}
}
