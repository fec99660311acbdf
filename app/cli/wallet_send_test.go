package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
	"goldpan/wallet/label"
)

// practiceAddress is one of other words than any wallet here has.
func practiceAddress(t *testing.T) string {
	t.Helper()
	p, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	a, err := hd.NewAccount(bytes.Repeat([]byte{3}, 32), p, 84, 0)
	if err != nil {
		t.Fatal(err)
	}
	address, err := a.Address(hd.Receive, 0)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// payPractice pays with the practice coins that were mined in dir: signed while nothing runs, sent and mined when the
// network runs again.
func payPractice(t *testing.T, dir string, had line) {
	t.Helper()
	to := practiceAddress(t)
	args := func(more ...string) []string {
		return append([]string{"wallet", "send", "--network", "practice", "--data", dir, "--to", to}, more...)
	}
	plan := last(t, run(t, 0, "", args("--amount", "1.5", "--dry-run")...), "payment")
	if !plan.DryRun || plan.Amount != "1.50000000" || plan.To != to || plan.Fee == "" || plan.Leaves <= plan.Amount {
		t.Errorf("%+v", plan)
	}
	if b := last(t, run(t, 0, "", "wallet", "balance", "--network", "practice", "--data", dir), "balance"); b.Confirmed != had.Confirmed || b.Unconfirmed != had.Unconfirmed {
		t.Errorf("a dry run spent something: %+v, before %+v", b, had)
	}
	sent := last(t, run(t, 0, "", args("--amount", "1.5", "--yes")...), "sent")
	if sent.State != "waiting" || len(sent.TxID) != 64 {
		t.Fatalf("%+v", sent)
	}
	run(t, 0, "", "practice", "--blocks", "2", "--threads", "1", "--limit", "25", "--data", dir)
	for _, l := range run(t, 0, "", "wallet", "history", "--network", "practice", "--data", dir) {
		if l.TxID == sent.TxID {
			if l.State != "confirmed" || l.To != to || l.Amount != "-"+plan.Leaves {
				t.Errorf("%+v", l)
			}
			return
		}
	}
	t.Error("the payment is not in the history")
}

func TestSendUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, 0, "", "wallet", "create", "--network", "practice", "--data", dir)
	to := practiceAddress(t)
	link := coin.ForPractice(hasher.SHA256d).ID + ":" + to + "?amount=0.5"
	for name, c := range map[string]struct {
		code  int
		words string
		args  []string
	}{
		"nobody":        {2, "--to", []string{"--amount", "1", "--yes"}},
		"nothing":       {2, "--amount", []string{"--to", to, "--yes"}},
		"both":          {2, "--all", []string{"--to", to, "--all", "--amount", "1", "--yes"}},
		"two fees":      {2, "not both", []string{"--to", to, "--all", "--fee-rate", "2", "--fee-blocks", "3", "--yes"}},
		"too fine":      {2, "at most 8 digits", []string{"--to", to, "--amount", "1.123456789", "--yes"}},
		"no number":     {2, "--amount", []string{"--to", to, "--amount", "1e5", "--yes"}},
		"unclear":       {2, "1,000 could be 1 or 1000", []string{"--to", to, "--amount", "1,000", "--yes"}},
		"a fee of none": {2, "--fee-rate", []string{"--to", to, "--all", "--fee-rate", "0.0001", "--yes"}},
		"no fee":        {2, "--fee-rate", []string{"--to", to, "--all", "--fee-rate", "NaN", "--yes"}},
		"a fee below":   {2, "--fee-rate", []string{"--to", to, "--all", "--fee-rate", "-1", "--yes"}},
		"give up, pay":  {2, "--give-up", []string{"--give-up", strings.Repeat("0", 64), "--to", to, "--all", "--yes"}},
		"unasked":       {2, "--yes", []string{"--to", to, "--amount", "1"}},
		"differs":       {2, "asks for 0.50000000 practice BTC, and --amount says 0.70000000. Leave --amount out", []string{"--to", link, "--amount", "0.7", "--yes"}},
		"link and all":  {2, "Leave --all out", []string{"--to", link, "--all", "--yes"}},
		"link agrees":   {1, "not enough", []string{"--to", link, "--amount", "0,50", "--yes"}},
		"poor":          {1, "not enough", []string{"--to", to, "--amount", "1", "--yes"}},
		"another's":     {1, "belongs to Bitcoin", []string{"--to", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "--amount", "1", "--yes"}},
		"no such":       {1, "no such payment", []string{"--give-up", strings.Repeat("0", 63) + "1"}},
		"no id":         {2, "--give-up", []string{"--give-up", "1"}},
		"too much dust": {1, "too little", []string{"--to", to, "--amount", "0.00000001", "--yes"}},
	} {
		lines := run(t, c.code, "", append([]string{"wallet", "send", "--network", "practice", "--data", dir}, c.args...)...)
		if e := last(t, lines, "error"); !strings.Contains(e.Message, c.words) || e.Hint == "" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// minersWallet is a practice wallet kept in dir that has mined one block, six deep, and the server that it knows that from.
func minersWallet(t *testing.T, dir string) (w *wallet.Wallet, url string) {
	t.Helper()
	p, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	m, err := hd.ParseMnemonic(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	chain := electrumtest.NewChain(p, 1, 0x207fffff)
	server := electrumtest.NewServer(chain)
	t.Cleanup(server.Close)
	if w, err = wallet.Restore(wallet.Options{Dir: dir, Params: p, Dial: server.Dial}, m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	address, err := w.Address(0)
	if err != nil {
		t.Fatal(err)
	}
	script, err := p.Script(address)
	if err != nil {
		t.Fatal(err)
	}
	chain.Mine(script)
	chain.MineEmpty(5)
	url = "tcp://one:1"
	if err := w.Sync(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	return w, url
}

// A history is shown without its labels where their file is damaged; it says so, and the file stays as it is.
func TestHistoryWithoutLabels(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, _ := minersWallet(t, dir)
	if err := w.SetLabel(label.Tx, w.History()[0].TxID.String(), "first gold"); err != nil {
		t.Fatal(err)
	}
	show := func() (out, said string) {
		var o, e bytes.Buffer
		if err := (&terminal{out: &o, err: &e}).printHistories([]*wallet.Wallet{w, w}); err != nil {
			t.Fatal(err)
		}
		return o.String(), e.String()
	}
	if out, said := show(); strings.Count(out, "first gold") != 2 || strings.Contains(said, "damaged") {
		t.Errorf("whole: %q, %q", out, said)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.labels"))
	if more, _ := filepath.Glob(filepath.Join(dir, "*.labels")); err != nil || len(files)+len(more) != 1 {
		t.Fatal(files, more, err)
	} else {
		files = append(files, more...)
	}
	if err := os.WriteFile(files[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, said := show()
	if strings.Count(out, "6 blocks deep") != 2 || strings.Count(said, "The labels are missing here") != 1 || !strings.Contains(said, filepath.Base(files[0])) || !strings.Contains(said, "move the file away") {
		t.Errorf("damaged: %q, %q", out, said)
	}
	if b, err := os.ReadFile(files[0]); err != nil || string(b) != "damaged" {
		t.Errorf("the file has become %q, %v", b, err)
	}
}

// What a person sees, and that "n" sends nothing.
func TestLastScreen(t *testing.T) {
	t.Parallel()
	w, url := minersWallet(t, t.TempDir())
	plan, err := w.PlanPayment(practiceAddress(t), 20*coin.Unit, wallet.Fee{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		answer string
		sent   int
	}{{"\n", 0}, {"no\n", 0}, {"y\n", 1}} {
		in, answer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := answer.WriteString(c.answer); err != nil {
			t.Fatal(err)
		}
		var out, said bytes.Buffer
		if err := (&terminal{in: in, out: &out, err: &said}).pay(t.Context(), w, plan, []string{url}, false, false); err != nil {
			t.Fatal(err)
		}
		if n := len(w.Payments()); n != c.sent {
			t.Errorf("%q sends %d payments", c.answer, n)
		}
		for _, want := range []string{"20 practice BTC arrives at", "is the fee", "leaves your wallet", "nobody can take it back", "worth nothing", "Compare the address"} {
			if !strings.Contains(said.String(), want) {
				t.Errorf("%q is not said: %s", want, said.String())
			}
		}
		if c.sent > 0 && !strings.Contains(out.String(), "on its way") {
			t.Errorf("%s", out.String())
		}
		_, _ = in.Close(), answer.Close()
	}
	var out, said bytes.Buffer
	if n := (&terminal{out: &out, err: &said}).history(w, nil, false); n != 2 {
		t.Fatal(n)
	}
	for _, want := range []string{"on its way  ", "confirmed, 6 blocks deep  "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the history: %s", want, out.String())
		}
	}
	if !strings.Contains(said.String(), "practice coins, worth nothing") {
		t.Error("the history does not say what its coins are worth")
	}
}

// closer counts.
type closer chan bool

func (c closer) Close() error { c <- true; return nil }

// What cannot be cut short is left to itself when somebody stops the program, and closed when it comes late.
func TestPatiently(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	begun, release, closed := make(chan bool), make(chan bool), make(closer)
	ended := make(chan error)
	go func() {
		_, err := patiently(ctx, func() (closer, error) {
			close(begun)
			<-release
			return closed, nil
		})
		ended <- err
	}()
	<-begun
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	<-closed
	if c, err := patiently(t.Context(), func() (closer, error) { return closed, nil }); c != closed || err != nil {
		t.Error(err)
	}
}
