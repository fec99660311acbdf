package ui

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/wallet"
	"goldpan/wallet/electrum/electrumtest"
)

// payer is a practice wallet in a data directory, kept in step with a practice chain
// and shown in a window, as while the practice runs.
type payer struct {
	*purseWindow
	server *electrumtest.Server
	w      *wallet.Wallet
	end    func()
}

func practiceParams(t *testing.T) *coin.Params {
	t.Helper()
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	return params
}

// practise opens the window of a data directory, and its practice wallet or a new one.
func practise(t *testing.T, dir string, server *electrumtest.Server) *payer {
	t.Helper()
	p := &payer{purseWindow: openPurseWindow(t, dir, nil), server: server}
	o := wallet.Options{Dir: filepath.Join(dir, "wallets"), Params: practiceParams(t), Dial: server.Dial}
	open := wallet.Open
	if wallet.Exists(o) != nil {
		open = wallet.Create
	}
	w, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, "tcp://127.0.0.1:50001") }()
	p.w = w
	p.end = func() {
		p.wallet.practises(nil)
		p.purseWindow.close()
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	p.wallet.practises(w)
	return p
}

// mine appends blocks that pay the wallet, with what waits in the first.
func (p *payer) mine(t *testing.T, blocks int) {
	t.Helper()
	address, _, err := p.w.NextUnused()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := practiceParams(t).ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	p.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		for range blocks {
			c.Mine(parsed.Script, *mempool...)
			*mempool = nil
		}
		return c
	})
}

// A payment on a practice chain, from the empty form to a block: what the last screen
// says is what happens, it is known while it is on its way, and after a restart.
func TestPayment(t *testing.T) {
	chain := electrumtest.NewChain(practiceParams(t), 1, 0x207fffff)
	server := electrumtest.NewServer(chain)
	defer server.Close()
	dir := t.TempDir()
	p := practise(t, dir, server)

	p.press(t, p.wallet.content, "Send")
	if text := p.text(); !strings.Contains(text, "Receive something first.") || p.wallet.view.send.form.Visible() {
		t.Errorf("with nothing to spend it says %q", text)
	}
	p.mine(t, 1)
	p.until(t, "a reward", func() bool { return strings.Contains(p.text(), "must ripen first") })
	p.mine(t, coin.PracticeMaturity+1)
	p.until(t, "ripe coins", func() bool { return p.wallet.view.send.form.Visible() })
	before := p.w.Balance()

	// To whom: a wallet of other words, by a link with the amount in it.
	other, err := wallet.Create(wallet.Options{Storage: &wallet.MemoryStorage{}, Params: practiceParams(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	to, _, err := other.NextUnused()
	if err != nil {
		t.Fatal(err)
	}
	form := p.wallet.view.send
	form.to.SetText("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
	if text := p.text(); !strings.Contains(text, "belongs to") {
		t.Errorf("of another coin's address it says %q", text)
	}
	form.to.SetText(p.wallet.at.Link(to, 12_50000000) + "&label=Anna")
	if text := p.text(); !strings.Contains(text, "A good address.") || !strings.Contains(text, "Anna") || form.sum.Text != "12.50" {
		t.Fatalf("of a payment link it says %q, amount %q", text, form.sum.Text)
	}
	form.sum.SetText("1000000")
	test.Tap(form.next)
	if text := p.text(); p.win.Canvas().Overlays().Top() != nil || !strings.Contains(text, "not enough") {
		t.Errorf("of more than there is it says %q", text)
	}
	form.sum.SetText("12,5") // as many write it
	p.shot(t, "send")

	// The last screen, and that nothing happens by going back from it.
	test.Tap(form.next)
	plan, err := p.wallet.at.Plan(to, 12_50000000, speeds[1])
	if err != nil {
		t.Fatal(err)
	}
	text := allText(p.top(t))
	for _, want := range []string{
		"Pay 12.50 practice coins?", "12.50 practice coins\nArrives", amount(plan.Fee) + " practice coins\nFee for the miners\nLess than 0.01 %",
		amount(12_50000000+plan.Fee) + " practice coins\nLeaves your wallet", amount(before.Total()-12_50000000-plan.Fee) + " practice coins\nStays in it",
		"nobody can take it back", "worth nothing",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the last screen does not say %q, but %q", want, text)
		}
	}
	address := ""
	for _, o := range test.LaidOutObjects(p.top(t)) {
		if r, ok := o.(*widget.RichText); ok && len(r.Segments) > 1 {
			address = r.String()
		}
	}
	if strings.ReplaceAll(address, " ", "") != to {
		t.Errorf("the last screen shows the address %q, not %s", address, to)
	}
	p.shot(t, "last")
	p.press(t, p.top(t), "Not yet")
	if len(p.w.Payments()) != 0 || p.w.Balance() != before {
		t.Error("something was paid that nobody confirmed")
	}
	test.Tap(form.next)
	p.press(t, p.top(t), "Pay now")
	p.until(t, "the result", func() bool {
		o := p.win.Canvas().Overlays().Top()
		return o != nil && buttons(o)["Good"] != nil
	})
	made := p.w.Payments()
	if len(made) != 1 || made[0].To != to || made[0].Amount != 12_50000000 {
		t.Fatalf("made: %+v", made)
	}
	if text := allText(p.top(t)); !strings.Contains(text, "Sent") || !strings.Contains(text, made[0].TxID.String()) {
		t.Errorf("of the result it says %q", text)
	}
	p.shot(t, "paid")
	p.press(t, p.top(t), "Good")
	if form.to.Text != "" || form.sum.Text != "" {
		t.Error("the form still holds what was paid")
	}
	p.until(t, "it, on its way", func() bool { return strings.Contains(allText(form.content), "On its way, in no block yet.") })
	p.shot(t, "pending")

	// The program ends before it is in a block, and begins again.
	p.end()
	p = practise(t, dir, server)
	defer func() { p.end() }()
	p.press(t, p.wallet.content, "Send")
	form = p.wallet.view.send
	p.until(t, "it after a restart", func() bool { return strings.Contains(allText(form.content), "On its way, in no block yet.") })
	p.mine(t, 1)
	p.until(t, "a block", func() bool { return strings.Contains(allText(form.content), "Arrived in a block.") })
	p.press(t, p.wallet.content, "History")
	p.until(t, "the history", func() bool {
		return strings.Contains(p.text(), "Sent") && strings.Contains(p.text(), "confirmed by 1 block")
	})
	p.shot(t, "history")
	list, _ := p.wallet.at.History()
	i := 0
	for i < len(list) && list[i].TxID != made[0].TxID {
		i++
	}
	if i == len(list) || list[i].Amount != -(made[0].Amount+made[0].Fee) || list[i].Height == 0 {
		t.Errorf("in the history: %+v", list)
	}
	if again := p.w.Payments(); len(again) != 1 || again[0].TxID != made[0].TxID || again[0].State != wallet.PayConfirmed {
		t.Errorf("after a restart: %+v", again)
	}
}

// A watched wallet shows what comes in, and says why nothing can be spent.
func TestWatched(t *testing.T) {
	p := newPurseWindow(t)
	p.press(t, p.wallet.content, "Add a wallet")
	test.Tap(p.wallet.adding.next)
	pick(t, p.wallet.content, "Watch only")
	// BIP84's own test vector.
	typing(t, p.wallet.content, "xpub", "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs")
	p.shot(t, "watch-add")
	test.Tap(p.wallet.adding.next)
	typing(t, p.wallet.content, "several words", goodPassphrase)
	typing(t, p.wallet.content, "the same again", goodPassphrase)
	test.Tap(p.wallet.adding.next)
	p.until(t, "the wallet", func() bool { return p.wallet.adding == nil && p.wallet.view.last.Address != "" })
	p.press(t, p.top(t), "None for now")
	if s := p.wallet.view.last; s.State != purse.Open || !s.WatchOnly || s.Address != "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu" {
		t.Errorf("watched: %+v", s)
	}
	p.shot(t, "watched")
	p.press(t, p.wallet.content, "Send")
	if text := p.text(); !strings.Contains(text, "watches only") || p.wallet.view.send.form.Visible() {
		t.Errorf("to send from it, it says %q", text)
	}
}

// A server's key that nobody vouches for is shown before it is trusted; another key
// later is refused.
func TestServerKey(t *testing.T) {
	const host = "host.example:50002"
	dir := t.TempDir()
	keys := func() []desk.KnownServer {
		known, err := desk.OpenKnownServers(dir)
		if err != nil {
			t.Error(err)
			return nil
		}
		return known.List()
	}
	p := openPurseWindow(t, dir, func(context.Context, string, int) (jsonrpc.Conn, error) {
		if len(keys()) > 0 {
			other := strings.Replace(testFingerprint, "00", "ff", 1)
			return nil, &jsonrpc.CertificateError{Host: host, Fingerprint: other, Changed: true, Err: jsonrpc.ErrUnknownAuthority}
		}
		return nil, &jsonrpc.CertificateError{Host: host, Fingerprint: testFingerprint, Err: jsonrpc.ErrUnknownAuthority}
	})
	p.make(t, "Bitcoin")
	p.press(t, p.top(t), "Later")
	p.press(t, p.wallet.content, "Safety and servers")
	p.press(t, p.wallet.content, "Change the servers")
	if text := allText(p.top(t)); !strings.Contains(text, "You have none yet?") || !strings.Contains(text, "electrs") {
		t.Errorf("of wallet servers it says %q", text)
	}
	typing(t, p.top(t), "tls://", "tls://"+host)
	p.press(t, p.top(t), "Ask these")
	p.until(t, "the question", func() bool { return strings.Contains(p.text(), "Is this the right server?") })
	p.shot(t, "trust")
	if len(keys()) > 0 {
		t.Error("it is trusted before the answer")
	}
	p.press(t, p.top(t), "It is the same: trust it")
	p.until(t, "the key", func() bool { return len(keys()) == 1 })
	p.until(t, "the refusal", func() bool { return strings.Contains(p.text(), "another key than before") })
	if b := buttons(p.top(t)); len(b) != 1 || b["I understand"] == nil {
		t.Errorf("a changed key can be taken: %v", b)
	}
}
