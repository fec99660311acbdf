//go:build !js

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/practice"
)

// bank is a page with a wallet on the practice network, which pays whom the test says.
type bank struct {
	network          *practice.Network
	byNumber, byName string
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
	b := &bank{network: network, pool: &pool{info: practiceInfo, serve: network.StratumConn}}
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

// TestWallet goes the whole way in Chromium: make, prove, be paid, see it mature, lock, load again, unlock.
func TestWallet(t *testing.T) {
	b := newBank(t)
	tab := chrome(t)
	openWallet(t, tab, b.byNumber)
	makeWallet(t, tab)

	// Unproven: it says so beside the balance, and gives no address.
	press(t, tab, "#wallet-later")
	await(t, tab, onScreen("wallet.home"))
	await(t, tab, "document.querySelector('.wallet-standing')?.textContent.includes('Up to date')")
	if text := evaluate[string](t, tab, "document.getElementById('wallet').innerText"); !strings.Contains(text, "not proven to be written down") || !strings.Contains(text, "worth nothing") {
		t.Errorf("an unproven wallet says:\n%s", text)
	}
	press(t, tab, "#wallet-receive")
	await(t, tab, onScreen("wallet.receive.title"))
	if evaluate[bool](t, tab, "document.getElementById('wallet').innerText.includes('pan1')") {
		t.Error("an address before the words were proven")
	}
	press(t, tab, "#wallet-prove")
	await(t, tab, onScreen("wallet.words.title"))
	words := prove(t, tab)
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
	press(t, tab, "#wallet-stop")
	await(t, tab, "document.body.dataset.state === 'stopped' && document.getElementById('wallet-dock').hidden")

	// Locked, nothing is shown any more; unlocked, all is there.
	press(t, tab, "#wallet-lock")
	await(t, tab, onScreen("wallet.unlock.title"))
	if text := evaluate[string](t, tab, "document.getElementById('wallet').innerText"); strings.Contains(text, "Mined") {
		t.Errorf("a locked wallet shows:\n%s", text)
	}
	typeInto(t, tab, "#wallet-passphrase", walletPassphrase)
	press(t, tab, ".wallet-form .gold")
	await(t, tab, "document.getElementById('wallet-history')?.textContent.includes('Mined')")
}
