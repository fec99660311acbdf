package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"goldpan/assets"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
)

// paper is the words of the practice wallet in a data directory, as a person has
// them on paper: they are read from a copy of its files.
func paper(t *testing.T, data string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(data, "wallets"))); err != nil {
		t.Fatal(err)
	}
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "practice.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := wallet.Open(wallet.Options{Dir: dir, Params: params})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	m, _, err := w.Mnemonic("")
	if err != nil {
		t.Fatal(err)
	}
	return m.Words()
}

// The way of a beginner to a first wallet, by the keyboard: practice mining, the
// Wallet screen with immature coins, the words shown, and proven.
func TestWallet(t *testing.T) {
	inLooks(t, firstWallet)
}

func firstWallet(t *testing.T, variant string, gold assets.Color) {
	d := newDisplay(t, 800, 600)
	home := t.TempDir()
	data := filepath.Join(home, "data")
	p := start(t, d.env(home, variant), "--json", "--data", data)
	shot := func(name string) { keep(t, d.picture(t), "wallet-"+name+"-"+variant) }
	p.await(t, "the first screen", screen("practice"))
	d.waitForButton(t, gold)
	d.keys(t, "Tab", "Tab", "Tab", "space") // past the address and its button, to Start
	p.await(t, "mining", state("mining"))
	p.await(t, "a reward in the wallet", func(r map[string]any) bool { return r["type"] == "balance" && r["immature"] != "0.00000000" })

	d.keys(t, "ctrl+3")
	p.await(t, "the wallet", screen("wallet"))
	p.await(t, "a further look", state("mining"))
	shot("practice")
	d.keys(t, "shift+Tab", "space") // from the parts back to the notice's button
	p.await(t, "the words", screen("words"))
	shot("words")
	words := paper(t, data)
	if len(words) != 12 {
		t.Fatalf("%d words", len(words))
	}
	d.keys(t, "space")
	r := p.await(t, "the words asked back", func(r map[string]any) bool { return r["type"] == "asked" })
	for i, at := range r["words"].([]any) {
		n, err := strconv.Atoi(fmt.Sprint(at))
		if err != nil {
			t.Fatal(err)
		}
		d.text(t, words[n-1])
		if i == 1 {
			shot("asked")
		}
		d.keys(t, "Return")
	}
	p.await(t, "the proof", screen("proven"))
	shot("proven")
	d.keys(t, "space")
	p.await(t, "a further look", state("mining"))
	shot("backed-up")
	if code := p.end(t); code != 0 {
		t.Errorf("SIGINT ended the window with %d: %s", code, p.stderr.String())
	}
	if text := p.stderr.String(); text != "" {
		t.Errorf("on standard error: %s", text)
	}
	for _, name := range []string{"wallets.json", "config.toml", "goldpan.log"} {
		if b, err := os.ReadFile(filepath.Join(data, name)); err == nil {
			for _, word := range words {
				if len(word) > 5 && strings.Contains(string(b), word) {
					t.Errorf("a word of the wallet stands in %s", name)
				}
			}
		}
	}
}
