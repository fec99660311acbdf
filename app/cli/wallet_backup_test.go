package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

// Words that have a passphrase of their own prove nothing without it.
func TestSeedPassphraseIsAskedBack(t *testing.T) {
	t.Parallel()
	p, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	m, err := hd.ParseMnemonic(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	for own, want := range map[string]error{"": nil, "TREZOR": errSecret} { // nobody is there to be asked
		w, err := wallet.Restore(wallet.Options{Storage: &wallet.MemoryStorage{}, Params: p, SeedPassphrase: own}, m)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&terminal{}).askSeedPassphrase(t.Context(), w); !errors.Is(err, want) {
			t.Errorf("%q: %v", own, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A passphrase of words makes nothing of what has none.
func TestSeedPassphraseGoesWithWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"--backup-file", "--watch-file"} {
		e := last(t, run(t, 2, "", "wallet", "restore", "--network", "practice", "--data", dir, from, file, "--seed-passphrase-file", file), "error")
		if !strings.Contains(e.Message, "--seed-passphrase-file") {
			t.Errorf("%s: %+v", from, e)
		}
	}
	if err := os.WriteFile(file, []byte("M\xfcller"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := last(t, run(t, 1, "", "wallet", "create", "--network", "practice", "--data", dir, "--seed-passphrase-file", file), "error")
	if !strings.Contains(e.Message, "UTF-8") {
		t.Errorf("%+v", e)
	}
}
