package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

// TestWalletBackups: a wallet is made, its words and its backup file are proven,
// and each brings it back elsewhere, with its labels.
func TestWalletBackups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	in := func(data string, args ...string) []string {
		return append([]string{"wallet"}, append(args, "--network", "practice", "--data", file(data))...)
	}
	if err := os.WriteFile(file("pass"), []byte("of the backup file"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := last(t, run(t, 0, "", in("one", "create", "--words-file", file("words"))...), "wallet").Address

	run(t, 0, "", in("one", "verify", "--words-file", file("words"))...)
	other := strings.Repeat("abandon ", 11) + "about"
	if e := last(t, run(t, 1, other, in("one", "verify", "--words-file", "-")...), "error"); !strings.Contains(e.Message, "another wallet") {
		t.Errorf("%+v", e)
	}
	if l := last(t, run(t, 0, "", in("one", "label", first, "first  gold")...), "label"); l.Type != "label" {
		t.Errorf("%+v", l)
	}
	run(t, 2, "", in("one", "export")...)
	run(t, 0, "", in("one", "export", "--backup", file("backup"), "--backup-passphrase-file", file("pass"), "--labels", file("labels"), "--csv", file("csv"))...)
	run(t, 1, "", in("one", "export", "--labels", file("labels"))...) // it is there
	run(t, 0, "", in("one", "verify", "--backup-file", file("backup"), "--backup-passphrase-file", file("pass"))...)
	if b, err := os.ReadFile(file("labels")); err != nil || !bytes.Contains(b, []byte("first  gold")) {
		t.Errorf("%s %v", b, err)
	}
	if b, err := os.ReadFile(file("csv")); err != nil || !bytes.HasPrefix(b, []byte("time,")) {
		t.Errorf("%s %v", b, err)
	}

	if w := last(t, run(t, 0, "", in("two", "restore", "--backup-file", file("backup"), "--backup-passphrase-file", file("pass"))...), "wallet"); w.Address != first {
		t.Errorf("from the backup file: %+v", w)
	}
	if l := last(t, run(t, 0, "", in("two", "label")...), "label"); !strings.Contains(l.Label, "first") {
		t.Errorf("the labels: %+v", l)
	}
	if w := last(t, run(t, 0, "", in("three", "restore", "--words-file", file("words"))...), "wallet"); w.Address != first || w.Words != 12 {
		t.Errorf("from the words: %+v", w)
	}
	if l := last(t, run(t, 0, "", in("three", "label", "--import", file("labels"))...), "labels"); l.Taken != 1 {
		t.Errorf("%+v", l)
	}

	// A wallet beside it, which watches by the public key alone.
	public := last(t, run(t, 0, "", in("one", "export", "--public")...), "public")
	if err := os.WriteFile(file("key"), []byte(public.Descriptor), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := last(t, run(t, 0, "", in("three", "restore", "--wallet", "cold", "--watch-file", file("key"))...), "wallet"); w.Address != first {
		t.Errorf("watched: %+v", w)
	}
	if e := last(t, run(t, 1, "", in("three", "verify", "--wallet", "cold")...), "error"); !strings.Contains(e.Message, "watches only") {
		t.Errorf("%+v", e)
	}
	if e := last(t, run(t, 1, public.Extended, in("three", "restore", "--wallet", "more", "--watch-file", "-")...), "error"); !strings.Contains(e.Hint, "--kind") {
		t.Errorf("%+v", e)
	}

	// Addresses.
	second := last(t, run(t, 0, "", in("one", "address", "--new", "--amount", "0.5", "--label", "my claim")...), "address")
	if second.Address == first || !strings.HasSuffix(second.URI, "?amount=0.5&label=my%20claim") || strings.Join(second.Groups, "") != second.Address {
		t.Errorf("%+v", second)
	}
	if l := last(t, run(t, 0, "", in("one", "address", "--mine", second.Address)...), "mine"); !l.Mine || l.Path == "" {
		t.Errorf("%+v", l)
	}
	stranger := last(t, run(t, 0, "", in("four", "create", "--words-file", file("others"))...), "wallet").Address
	if l := last(t, run(t, 0, "", in("one", "address", "--mine", stranger)...), "mine"); l.Mine {
		t.Errorf("%+v", l)
	}
	if l := last(t, run(t, 0, "", in("one", "history")...), "done"); l.Transactions != 0 {
		t.Errorf("%+v", l)
	}
	run(t, 2, "", in("one", "address", "--mine", second.Address, "--new")...)
	run(t, 2, "", in("one", "address", "--index", "10000")...)
}

func TestWordByWord(t *testing.T) {
	t.Parallel()
	answers := strings.Fields("aband abandon ABAN xyzzy aban aban aban aban aban aban aban aban - abou about .")
	asked, said := 0, 0
	m, err := wordByWord(func(prompt string) (string, error) {
		if asked == len(answers) {
			return "", io.EOF
		}
		asked++
		return strings.NewReplacer("-", "", ".", "").Replace(answers[asked-1]), nil
	}, func(string) { said++ })
	if err != nil || strings.Join(m.Words(), " ") != strings.Repeat("abandon ", 11)+"about" {
		t.Errorf("%v after %d answers", err, asked)
	}
	if said != 3 { // a word that is none, an empty line too early, and what begins a French word too
		t.Errorf("said something %d times", said)
	}
	if _, err := wordByWord(func(string) (string, error) { return "", io.EOF }, func(string) {}); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// TestProbe: whoever restores words is shown what they own on the paths of
// other programs, and it is remembered.
func TestProbe(t *testing.T) {
	t.Parallel()
	p, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	chain := electrumtest.NewChain(p, 1, 0x207fffff)
	server := electrumtest.NewServer(chain)
	defer server.Close()
	m, err := hd.ParseMnemonic(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	old := hd.Path{Kind: hd.PKH, Steps: "0'"}
	account, err := hd.NewAccountAt(m.Seed(""), p, old)
	if err != nil {
		t.Fatal(err)
	}
	script, err := account.Script(hd.Receive, 2)
	if err != nil {
		t.Fatal(err)
	}
	chain.Mine(script)
	w, err := wallet.Restore(wallet.Options{Storage: &wallet.MemoryStorage{}, Params: p, Dial: server.Dial}, m)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var out, said bytes.Buffer
	term := &terminal{out: &out, err: &said, json: true}
	if err := term.probe(t.Context(), w, []string{"tcp://server"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"path":"m/0', pkh"`) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%s", out.String())
	}
	if got := w.Paths(); len(got) != 1 || got[0] != old {
		t.Errorf("%v", got)
	}
	// From then on it shows with the wallet's own, and in the sum.
	a, err := w.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	out.Reset()
	if err := term.printBalances(a.List()); err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], `"path":"m/0', pkh"`) || !strings.Contains(lines[1], `"type":"account"`) ||
		!strings.Contains(lines[2], `"type":"balance"`) || !strings.Contains(lines[2], `"immature":"50.00000000"`) {
		t.Errorf("%s", out.String())
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]hd.Path{
		"":                     {},
		"m/84'/0'/0', wpkh":    {Kind: hd.WPKH, Steps: "84'/0'/0'"},
		"0',pkh":               {Kind: hd.PKH, Steps: "0'"},
		"m/49'/0'/1',sh(wpkh)": {Kind: hd.SHWPKH, Steps: "49'/0'/1'"},
	} {
		if got, err := parsePath(s); err != nil || got != want {
			t.Errorf("%q: %v %v", s, got, err)
		}
	}
	for _, s := range []string{"m/84'", "m/84',", "m/84', wsh"} {
		if _, err := parsePath(s); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", s, err)
		}
	}
}
