package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/app/desk"
	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/seal"
	"goldpan/wallet"
)

func bitcoinMain(t *testing.T) *coin.Params {
	t.Helper()
	return cointest.Params(t, "bitcoin", coin.Main)
}

// TestChoosePassphrase: a weak passphrase is asked for again, and whoever has
// none gets one of words, which must be typed once.
func TestChoosePassphrase(t *testing.T) {
	t.Parallel()
	d, err := desk.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	o := d.WalletOptions(bitcoinMain(t))
	const good = "quartz ladder violin marmalade"
	for name, c := range map[string]struct {
		answers []string // "=" is what was made
		want    string
		err     error
		said    string
	}{
		"at once":        {[]string{good, good}, good, nil, ""},
		"weak":           {[]string{"password123", "Summer2026!", good, good}, good, nil, "too soon guessed"},
		"not the same":   {[]string{good, "quartz", good, good}, good, nil, "not the same"},
		"made":           {[]string{"", "="}, "=", nil, "Write it down"},
		"made, mistyped": {[]string{"", "x", "", "="}, "=", nil, "not the same"},
		"never strong":   {[]string{"a", "b", "c", "d", "e"}, "", wallet.ErrWeak, "too soon guessed"},
		"nobody there":   {nil, "", io.EOF, ""},
	} {
		t.Run(name, func(t *testing.T) {
			asked, said, made := 0, "", ""
			got, err := choosePassphrase(o.Strong, func(string) (string, error) {
				if asked == len(c.answers) {
					return "", io.EOF
				}
				asked++
				if a := c.answers[asked-1]; a != "=" {
					return a, nil
				}
				return made, nil
			}, func(s string) {
				said += s
				if _, after, ok := strings.Cut(s, "\n\n  "); ok {
					made, _, _ = strings.Cut(after, "\n")
				}
			})
			want := c.want
			if want == "=" {
				want = made
			}
			if !errors.Is(err, c.err) || got != want || asked != len(c.answers) || !strings.Contains(said, c.said) {
				t.Errorf("%q %v after %d answers: %s", got, err, asked, said)
			}
		})
	}
	one, err := desk.NewPassphrase()
	if err != nil {
		t.Fatal(err)
	}
	two, err := desk.NewPassphrase()
	if err != nil || one == two || len(strings.Fields(one)) != 6 || o.Strong(one) != nil {
		t.Errorf("%q %q %v", one, two, err)
	}
}

// TestWeakPassphraseOfAFile: a wallet for coins of worth is not made under a
// passphrase that is soon guessed, nor is a backup of it; the hint says what to take.
func TestWeakPassphraseOfAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	weak, good := file("weak", "Summer2026!"), file("good", "quartz ladder violin marmalade")
	if seal.Strength("Summer2026!") >= 40 {
		t.Fatal("it is not weak")
	}
	create := []string{"wallet", "create", "--words-file", filepath.Join(dir, "words"), "--data", filepath.Join(dir, "data"), "--passphrase-file"}
	if e := last(t, run(t, 1, "", append(create, weak)...), "error"); !strings.Contains(e.Message, "too soon guessed") || !strings.Contains(e.Hint, "words") {
		t.Errorf("%+v", e)
	}
	if _, err := os.Stat(filepath.Join(dir, "words")); err == nil {
		t.Error("words were written of a wallet that was not made")
	}
	run(t, 0, "", append(create, good)...)
	backup := []string{"wallet", "export", "--data", filepath.Join(dir, "data"), "--passphrase-file", good, "--backup", filepath.Join(dir, "backup"), "--backup-passphrase-file"}
	if e := last(t, run(t, 1, "", append(backup, weak)...), "error"); !strings.Contains(e.Message, "too soon guessed") {
		t.Errorf("%+v", e)
	}
	if _, err := os.Stat(filepath.Join(dir, "backup")); err == nil {
		t.Error("a backup was written all the same")
	}
}
