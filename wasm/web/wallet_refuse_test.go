//go:build !js

package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"goldpan/wasm/web/browsertest"
)

// mostWallet bounds what the wallet adds over https, in bytes, with one language.
const mostWallet = 2_200_000

// TestWalletSize tells what a wallet costs over the wire.
func TestWalletSize(t *testing.T) {
	builtPage(t)
	entries, err := os.ReadDir(pageDir)
	if err != nil {
		t.Fatal(err)
	}
	var gzip, brotli int64
	for _, e := range entries {
		name := e.Name()
		if !strings.Contains(name, "wallet") || strings.HasPrefix(name, "wallet.") && strings.Contains(name, ".json") && !strings.HasPrefix(name, "wallet.en.") {
			continue
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(name, ".gz"):
			gzip += info.Size()
		case strings.HasSuffix(name, ".br"):
			brotli += info.Size()
		}
	}
	t.Logf("the wallet: %d bytes with gzip, %d with brotli", gzip, brotli)
	if brotli > mostWallet || brotli < 100_000 {
		t.Errorf("%d bytes with brotli, at most %d", brotli, mostWallet)
	}
}

// Over plain http no wallet is offered: the page says why and what to do, and fetches no program.
func TestWalletNeedsASecureOrigin(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	tab := chrome(t)
	openWallet(t, tab, b.byName)
	await(t, tab, "document.querySelector('.wallet-note.bad')")
	text := evaluate[string](t, tab, "document.getElementById('wallet').innerText")
	for _, want := range []string{"No wallet is kept on this page", "without encryption", "http://localhost", "https"} {
		if !strings.Contains(text, want) {
			t.Errorf("over plain http the wallet does not say %q:\n%s", want, text)
		}
	}
	fetched := evaluate[[]string](t, tab, "performance.getEntriesByType('resource').map((e) => e.name.split('/').pop()).filter((n) => n.includes('.wasm'))")
	for _, name := range fetched {
		if strings.Contains(name, "wallet") {
			t.Errorf("over plain http the page fetched %s", name)
		}
	}
	if n := workers(t, tab); n != 0 {
		t.Errorf("%d workers run", n)
	}
}

// Nothing of the wallet is fetched before it is opened.
func TestWalletLoadsWhenOpened(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	tab := chrome(t)
	visit(t, tab, b.byNumber+"/")
	await(t, tab, "document.body.dataset.state === 'ready' && document.getElementById('wallet-open').getClientRects().length > 0")
	if fetched := evaluate[[]string](t, tab, "performance.getEntriesByType('resource').map((e) => e.name.split('/').pop()).filter((n) => n.includes('wallet'))"); len(fetched) > 0 {
		t.Errorf("before the wallet is opened the page fetched %q", fetched)
	}
}

// altered is the page with something put before the wallet's worker.
func altered(t *testing.T, b *bank, before string) (address string) {
	t.Helper()
	o := b.pool.options()
	o.Electrum = b.network.ElectrumConn
	page := newServer(builtPage(t), o)
	address, _ = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != walletWorker {
			page.ServeHTTP(w, r)
			return
		}
		r.Header.Del("Accept-Encoding")
		r.Header.Del("If-None-Match")
		record := httptest.NewRecorder()
		page.ServeHTTP(record, r)
		for k, v := range record.Header() {
			w.Header()[k] = v
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, before+record.Body.String())
	}))
	return address
}

// Where the browser keeps nothing, or has no room, it is said, and no wallet is shown as if it were kept.
func TestWalletWithoutRoom(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	const why = "This browser does not keep what it is given"
	t.Run("forbidden", func(t *testing.T) {
		tab := chrome(t)
		openWallet(t, tab, altered(t, b, `IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError"); };`))
		await(t, tab, "document.getElementById('wallet').innerText.includes("+quote(why)+")")
	})
	t.Run("full", func(t *testing.T) {
		tab := chrome(t)
		openWallet(t, tab, altered(t, b, `IDBObjectStore.prototype.put = () => { throw new DOMException("no", "QuotaExceededError"); };`))
		press(t, tab, ".wallet-offer")
		press(t, tab, "#wallet-create")
		typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
		press(t, tab, ".wallet-form .gold")
		await(t, tab, "document.querySelector('.wallet-form .problem:not([hidden])')?.textContent.includes("+quote(why)+")")
	})
}

// A page that is loaded again in the middle of a write has the wallet, or none: never half of one.
func TestWalletReloadedWhileItWrites(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	for k := 1; k <= 3; k++ {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			tab := chrome(t)
			address := altered(t, b, fmt.Sprintf(`{
				const put = IDBObjectStore.prototype.put, told = new BroadcastChannel("test");
				let n = 0;
				IDBObjectStore.prototype.put = function(...all) {
					if (++n === %d) told.postMessage("now");
					return put.apply(this, all);
				};
			}`, k))
			openWallet(t, tab, address)
			press(t, tab, ".wallet-offer")
			press(t, tab, "#wallet-create")
			typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
			evaluate[bool](t, tab, `(window.firstVisit = new BroadcastChannel("test"), window.firstVisit.onmessage = () => location.reload(), true)`)
			press(t, tab, ".wallet-form .gold")
			eventually(t, 4*patience, "the page is loaded again", func() bool { // the key derivation comes first
				return evaluate[bool](t, tab, "!window.firstVisit && document.body?.dataset.state === 'ready'")
			})
			press(t, tab, "#wallet-open")
			press(t, tab, ".wallet-offer")
			await(t, tab, "document.getElementById('wallet-create') || "+onScreen("wallet.unlock.title"))
			if evaluate[bool](t, tab, "Boolean(document.getElementById('wallet-create'))") {
				press(t, tab, "#wallet-create")
				typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
				press(t, tab, ".wallet-form .gold")
				await(t, tab, onScreen("wallet.words.title"))
				return
			}
			typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
			press(t, tab, ".wallet-form .gold")
			await(t, tab, onScreen("wallet.home"))
		})
	}
}

// The other browsers go a shorter way: a wallet is made there, its words are shown, and its balance is read.
func TestWalletInOtherBrowsers(t *testing.T) {
	b := newBank(t)
	for _, name := range []browsertest.Name{browsertest.Firefox, browsertest.WebKit} {
		t.Run(string(name), func(t *testing.T) {
			p := inBrowser(t, name)
			press := func(selector string) {
				t.Helper()
				p.Await("document.querySelector(" + quote(selector) + ")?.getClientRects().length > 0 && !document.querySelector(" + quote(selector) + ").disabled")
				p.Click(selector)
			}
			fill := func(selector, text string) {
				t.Helper()
				var ok bool
				p.Eval(`((e) => { e.value = `+quote(text)+`; e.dispatchEvent(new Event("input", {bubbles: true})); return true; })(document.querySelector(`+quote(selector)+`))`, &ok)
			}
			p.Navigate(b.byNumber + "/")
			p.Await("document.body.dataset.state === 'ready'")
			press("#wallet-open")
			press(".wallet-offer")
			press("#wallet-create")
			fill("#wallet-passphrase", walletPassphrase)
			press(".wallet-form .gold")
			p.Await(onScreen("wallet.words.title"))
			fill("#wallet-passphrase", walletPassphrase)
			press(".wallet-form .gold")
			p.Await("document.querySelectorAll('#wallet-words li').length === 12")
			press("#wallet-later")
			p.Await("document.querySelector('.wallet-standing')?.textContent.includes('Up to date')")
			if text := p.Text("document.getElementById('wallet').innerText"); !strings.Contains(text, "not proven to be written down") {
				t.Errorf("an unproven wallet says:\n%s", text)
			}
		})
	}
}

// Only the wallet's worker may connect elsewhere, and encrypted: to the server that the person typed.
func TestOnlyTheWalletConnectsElsewhere(t *testing.T) {
	h := newServer(testFiles(t), Options{})
	for path, elsewhere := range map[string]bool{walletWorker: true, "/": false, "/page.js": false, "/wallet.js": false, "/control.js": false, "/info.json": false} {
		policy := get(t, h, path, nil).Header.Get("Content-Security-Policy")
		if got := strings.Contains(policy, " wss:;"); got != elsewhere {
			t.Errorf("%s: %s", path, policy)
		}
	}
}
