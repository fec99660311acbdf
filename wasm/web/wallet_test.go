//go:build !js

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/chromedp/chromedp"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/practice"
)

// bank is a page with a wallet on the practice network, which pays whom the test says.
type bank struct {
	network          *practice.Network
	byNumber, byName string
	stranger         string // an address that is nobody's
	pool             *pool
}

const walletPassphrase = "teal walrus hums under copper moons"

func newBank(t *testing.T) *bank {
	t.Helper()
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	network, err := practice.Open(practice.Config{Dir: t.TempDir(), Algorithm: hasher.SHA256d, Hashrate: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- network.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ran, network.Close()); err != nil {
			t.Errorf("practice network: %v", err)
		}
	})
	stranger, err := address.NewAddressWitnessPubKeyHash(make([]byte, 20), params.Chain)
	if err != nil {
		t.Fatal(err)
	}
	b := &bank{network: network, stranger: stranger.String(), pool: &pool{info: practiceInfo, serve: network.StratumConn}}
	b.pool.info.Coin, b.pool.info.Payout = params.Coin.Name, "nobody"
	o := b.pool.options()
	o.Electrum = network.ElectrumConn
	b.byNumber, b.byName = serve(t, newServer(builtPage(t), o))
	return b
}

// The wallet's screens, by the key of their title.
func onScreen(title string) string {
	return fmt.Sprintf("document.getElementById('wallet')?.dataset.screen === %q", title)
}

// press presses a button of the wallet once it is there.
func press(t *testing.T, tab context.Context, selector string) {
	t.Helper()
	await(t, tab, "document.querySelector("+quote(selector)+")?.getClientRects().length > 0 && !document.querySelector("+quote(selector)+").disabled")
	do(t, tab, chromedp.Click(chromedp.CSS(selector)))
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// typeInto writes into a field of the wallet, as a person does.
func typeInto(t *testing.T, tab context.Context, selector, text string) {
	t.Helper()
	evaluate[bool](t, tab, `((e) => {
		e.value = `+quote(text)+`;
		e.dispatchEvent(new Event("input", {bubbles: true}));
		return true;
	})(document.querySelector(`+quote(selector)+`))`)
}

// openWallet opens the page, and its wallet.
func openWallet(t *testing.T, tab context.Context, address string) {
	t.Helper()
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	press(t, tab, "#wallet-open")
	await(t, tab, "document.getElementById('wallet')?.open")
}

// makeWallet makes a wallet, and goes as far as its first screen, without proving the words.
func makeWallet(t *testing.T, tab context.Context) {
	t.Helper()
	press(t, tab, ".wallet-offer")
	press(t, tab, "#wallet-create")
	await(t, tab, onScreen("wallet.create.title"))
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	press(t, tab, ".wallet-form .gold")
	await(t, tab, onScreen("wallet.words.title"))
}

// prove writes the words down and tells those that are asked.
func prove(t *testing.T, tab context.Context) []string {
	t.Helper()
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	press(t, tab, ".wallet-form .gold")
	await(t, tab, "document.querySelectorAll('#wallet-words li').length >= 12")
	words := evaluate[[]string](t, tab, "Array.from(document.querySelectorAll('#wallet-words span'), (e) => e.textContent)")
	press(t, tab, "#wallet-written")
	await(t, tab, onScreen("wallet.ask.title"))
	asked := evaluate[[]int](t, tab, "Array.from(document.querySelectorAll('.wallet-form input'), (e) => Number(e.id.split('-').pop()))")
	if len(asked) < 3 {
		t.Fatalf("only the words %v are asked back", asked)
	}
	for _, n := range asked {
		typeInto(t, tab, fmt.Sprintf("#wallet-word-%d", n), words[n-1])
	}
	press(t, tab, ".wallet-form .gold")
	await(t, tab, onScreen("wallet.proven.title"))
	return words
}

// look holds a screen of the wallet to what every face of the page is held to: nothing runs over an edge, narrow, wide
// or in large text, and axe-core finds nothing. It takes pictures into the folder that GOLDPAN_SCREENS names.
func look(t *testing.T, tab context.Context, script, what string) {
	t.Helper()
	const over = `(() => {
		const faults = [];
		const sheet = document.getElementById("wallet");
		for (const e of [sheet, ...sheet.querySelectorAll("*")]) {
			if (!e.getClientRects().length || e.closest("svg, select, input")) continue;
			if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline")
				faults.push((e.id || e.className || e.tagName) + " runs over its edge: " + e.textContent.trim().slice(0, 40));
		}
		return faults;
	})()`
	for _, size := range [][2]int64{{320, 568}, {1280, 800}, {390, 844}} {
		screen(t, tab, size[0], size[1], 1)
		for _, fault := range evaluate[[]string](t, tab, over) {
			t.Errorf("%s, %d wide: %s", what, size[0], fault)
		}
	}
	if !evaluate[bool](t, tab, "'axe' in window") {
		evaluate[bool](t, tab, script+"; true")
	}
	for scheme, rules := range map[string]string{"light": "", "dark": `, runOnly: ["color-contrast"]`} {
		prefer(t, tab, scheme)
		for _, fault := range evaluate[[]string](t, tab, `axe.run("#wallet", {resultTypes: ["violations"]`+rules+`}).then((found) => found.violations.map(
			(v) => v.id + " (" + v.impact + "): " + v.nodes.map((n) => n.html.slice(0, 120) + " " + n.failureSummary).join(" ")))`) {
			t.Errorf("%s, %s: %s", what, scheme, strings.ReplaceAll(fault, "\n", " "))
		}
	}
	folder := os.Getenv("GOLDPAN_SCREENS")
	for name, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 800}} {
		for _, scheme := range []string{"light", "dark"} {
			if folder == "" {
				continue
			}
			screen(t, tab, size[0], size[1], 1)
			prefer(t, tab, scheme)
			picture, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, strings.Join([]string{"wallet", what, name, scheme}, "-")+".png"), picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestWallet goes the whole way in Chromium: make, prove, be paid, see it mature, lock, load again, unlock.
func TestWallet(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	tab := chrome(t)
	script := axe(t)
	openWallet(t, tab, b.byNumber)
	await(t, tab, "document.querySelector('.wallet-offer')")
	look(t, tab, script, "choose")
	makeWallet(t, tab)
	look(t, tab, script, "words")

	// Unproven: it says so beside the balance, and gives no address.
	press(t, tab, "#wallet-later")
	await(t, tab, onScreen("wallet.home"))
	await(t, tab, "document.querySelector('.wallet-standing')?.textContent.includes('Up to date')")
	if text := evaluate[string](t, tab, "document.getElementById('wallet').innerText"); !strings.Contains(text, "not proven to be written down") || !strings.Contains(text, "worth nothing") {
		t.Errorf("an unproven wallet says:\n%s", text)
	}
	look(t, tab, script, "unproven")
	press(t, tab, "#wallet-receive")
	await(t, tab, onScreen("wallet.receive.title"))
	if evaluate[bool](t, tab, "document.getElementById('wallet').innerText.includes('pan1')") {
		t.Error("an address before the words were proven")
	}
	press(t, tab, "#wallet-prove")
	await(t, tab, onScreen("wallet.words.title"))
	words := prove(t, tab)
	look(t, tab, script, "proven")
	if len(words) != 12 {
		t.Errorf("%d words", len(words))
	}
	press(t, tab, "#wallet-go")
	press(t, tab, "#wallet-receive")
	await(t, tab, "document.getElementById('wallet-address')")
	address := strings.ReplaceAll(evaluate[string](t, tab, "document.getElementById('wallet-address').textContent"), " ", "")
	if !strings.HasPrefix(address, "pan1") {
		t.Fatalf("the address is %q", address)
	}
	look(t, tab, script, "receive")
	if drawn := evaluate[string](t, tab, "document.querySelector('.wallet-qr path').getAttribute('d')"); len(drawn) < 500 {
		t.Errorf("the QR code is drawn as %q", drawn)
	}

	// The page mines to it, and its coins appear immature while it mines. Stop is in reach.
	b.pool.count(func() { b.pool.info.Payout = address })
	visit(t, tab, b.byNumber+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "document.body.dataset.state === 'mining'")
	press(t, tab, "#wallet-open")
	press(t, tab, ".wallet-offer")
	await(t, tab, onScreen("wallet.unlock.title"))
	typeInto(t, tab, "#wallet-passphrase", "another passphrase")
	press(t, tab, ".wallet-form .gold")
	await(t, tab, "document.querySelector('.wallet-form .problem:not([hidden])')?.textContent.includes('does not open it')")
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	press(t, tab, ".wallet-form .gold")
	await(t, tab, onScreen("wallet.home"))
	await(t, tab, "/immature [1-4]\\/5/.test(document.getElementById('wallet-history')?.textContent)")
	await(t, tab, "document.querySelector('.wallet-rest')?.textContent.includes('Immature')")
	look(t, tab, script, "mining")
	eventually(t, 4*patience, "a reward is mature", func() bool {
		return evaluate[bool](t, tab, "/[1-9]/.test(document.querySelector('#wallet-confirmed span').textContent)")
	})

	// Paying: a last screen in words, and then it is on its way.
	press(t, tab, "#wallet-send")
	await(t, tab, onScreen("wallet.send.title"))
	look(t, tab, script, "send")
	typeInto(t, tab, "#wallet-to", address)
	typeInto(t, tab, "#wallet-much", "1.25")
	press(t, tab, ".wallet-form .gold")
	await(t, tab, "document.querySelector('.wallet-form .problem:not([hidden])')?.textContent.includes('own')")
	typeInto(t, tab, "#wallet-to", b.stranger)
	press(t, tab, ".wallet-form .gold")
	await(t, tab, onScreen("wallet.send.last"))
	look(t, tab, script, "last")
	if text := evaluate[string](t, tab, "document.getElementById('wallet-body').innerText"); !strings.Contains(text, "1.25 ") || !strings.Contains(text, "Leaves your wallet") || !strings.Contains(text, "nobody can take it back") {
		t.Errorf("the last screen says:\n%s", text)
	}
	press(t, tab, ".wallet-form .gold")
	await(t, tab, onScreen("wallet.send.done"))
	if text := evaluate[string](t, tab, "document.getElementById('wallet-body').innerText"); !strings.Contains(text, "on its way") {
		t.Errorf("after the payment it says:\n%s", text)
	}
	press(t, tab, "#wallet-go")
	await(t, tab, "document.querySelector('#wallet-payments, #wallet-history')?.textContent.match(/1\\.25/)")
	press(t, tab, "#wallet-stop")
	await(t, tab, "document.body.dataset.state === 'stopped' && document.getElementById('wallet-dock').hidden")

	// Locked, nothing is shown any more; unlocked, all is there.
	press(t, tab, "#wallet-lock")
	await(t, tab, onScreen("wallet.unlock.title"))
	if text := evaluate[string](t, tab, "document.getElementById('wallet').innerText"); strings.Contains(text, "Mined") {
		t.Errorf("a locked wallet shows:\n%s", text)
	}
	look(t, tab, script, "locked")
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	press(t, tab, ".wallet-form .gold")
	await(t, tab, "document.getElementById('wallet-history')?.textContent.includes('Mined')")
	press(t, tab, "#wallet-more")
	look(t, tab, script, "more")
	press(t, tab, "#wallet-backup")
	look(t, tab, script, "backup")
}
