//go:build !js

package wallet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/seal"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

func bitcoinMain(t *testing.T) *coin.Params {
	t.Helper()
	return cointest.Params(t, "bitcoin", coin.Main)
}

func TestCreateAndOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	o := Options{Dir: dir, Params: practice(t)}
	if _, err := Open(o); !errors.Is(err, ErrMissing) {
		t.Fatalf("nothing there: %v", err)
	}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	first, err := w.Address(0)
	if err != nil || !strings.HasPrefix(first, "pan1") {
		t.Fatalf("%s %v", first, err)
	}
	m, _, err := w.Mnemonic("")
	if err != nil || len(m.Words()) != 12 {
		t.Fatal(err)
	}
	if _, err := Open(o); !errors.Is(err, ErrInUse) {
		t.Errorf("a second open: %v", err)
	}
	if _, err := Create(o); !errors.Is(err, ErrExists) {
		t.Errorf("a second create: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
	if err := w.Sync(t.Context(), url); !errors.Is(err, ErrClosed) {
		t.Errorf("sync when closed: %v", err)
	}
	again, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got, err := again.Address(0); err != nil || got != first {
		t.Errorf("%s %v", got, err)
	}
	// The other practice coin has an account of the same seed, open at the same time.
	other, err := coin.ByID("litecoin")
	if err != nil {
		t.Fatal(err)
	}
	p, err := other.Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	o.Params = p
	lite, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer lite.Close()
	if got, err := lite.Address(0); err != nil || !strings.HasPrefix(got, "panl1") {
		t.Errorf("%s %v", got, err)
	}
	words := strings.Join(m.Words(), " ")
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(b, []byte(words)) || bytes.Contains(b, []byte(first)) {
			t.Errorf("%s holds words or addresses in clear", path)
		}
		st, err := e.Info()
		if runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, st.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingSecretIsPrinted(t *testing.T) {
	o := Options{Storage: &MemoryStorage{}, Params: practice(t), Passphrase: "sealing phrase", SeedPassphrase: "25th word", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	key, file := strings.Trim(fmt.Sprint(w.key[:]), "[]"), strings.Trim(fmt.Sprint(w.file[:]), "[]")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		for _, v := range []any{w, o, &o, struct{ O Options }{o}} {
			s := fmt.Sprintf(verb, v)
			for _, hidden := range []string{"phrase", "25th", key, file, hex.EncodeToString(w.key[:]), hex.EncodeToString(w.file[:]), "7068726173"} {
				if strings.Contains(s, hidden) {
					t.Errorf("%s of %T shows a secret", verb, v)
				}
			}
		}
	}
}

func TestNoWordsMakeNoWallet(t *testing.T) {
	o := Options{Storage: &MemoryStorage{}, Params: practice(t)}
	if _, err := Restore(o, hd.Mnemonic{}); !errors.Is(err, hd.ErrLength) {
		t.Fatal(err)
	}
	if err := Exists(o); !errors.Is(err, ErrMissing) {
		t.Errorf("something was written: %v", err)
	}
}

func TestPassphrase(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: bitcoinMain(t), SeedPassphrase: "TREZOR"}
	if _, err := Create(o); !errors.Is(err, ErrNoPassphrase) {
		t.Fatalf("no passphrase: %v", err)
	}
	o.Passphrase, o.WorkFactor = "several words", 2
	m := words(t)
	w, err := Restore(o, m)
	if err != nil {
		t.Fatal(err)
	}
	account, err := hd.NewAccount(m.Seed("TREZOR"), o.Params, 84, 0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := account.Address(hd.Receive, 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o.SeedPassphrase = ""
	for _, p := range []string{"several  words", "Several words", ""} {
		o.Passphrase = p
		if _, err := Open(o); !errors.Is(err, seal.ErrPassphrase) {
			t.Errorf("passphrase %q: %v", p, err)
		}
	}
	o.Passphrase = "several words"
	w, err = Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got, err := w.Address(4); err != nil || got != want {
		t.Errorf("%s, want %s, %v", got, want, err)
	}
	if _, _, err := w.Mnemonic("wrong"); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("words with a wrong passphrase: %v", err)
	}
	if got, p, err := w.Mnemonic("several words"); err != nil || !slices.Equal(got.Words(), m.Words()) || p != "TREZOR" {
		t.Errorf("words: %v", err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, practiceKeyName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a real wallet has a key file: %v", err)
	}
}

// A practice key must not open a file that says it is of a real network.
func TestKeyFileIsForPracticeAlone(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: practice(t)}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(o.Dir, "practice.wallet"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := parseEnvelope(b, coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	e.Network = coin.Main
	e.Sum = e.sum()
	store := &MemoryStorage{}
	if store.key, err = dir(o.Dir).PracticeKey(false); err != nil {
		t.Fatal(err)
	}
	write(t, store, "main.wallet", e)
	if _, err := Open(Options{Storage: store, Params: bitcoinMain(t)}); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
}

func TestDamagedFileIsRestored(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.Address(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, "main.wallet")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	for name, bad := range map[string][]byte{"empty": {}, "cut": good[:len(good)/2], "altered": flipped, "long": make([]byte, maxWalletFile+1)} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Open(o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := w.Address(0); err != nil || got != want {
			t.Errorf("%s: %s %v", name, got, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		// The previous copy is not the only good one any more, and what was there is kept.
		if mended, err := os.ReadFile(path); err != nil || !bytes.Equal(mended, good) {
			t.Errorf("%s: not mended: %v", name, err)
		}
		if aside, err := os.ReadFile(path + seal.Damaged); err != nil || !bytes.Equal(aside, bad) {
			t.Errorf("%s: not set aside: %v", name, err)
		}
		// A damaged file is a wallet still: nothing is written over it.
		if _, err := Create(o); !errors.Is(err, ErrExists) {
			t.Errorf("%s: create: %v", name, err)
		}
	}
	for _, p := range []string{path, path + seal.Previous} {
		if err := os.WriteFile(p, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(o); !errors.Is(err, ErrDamaged) {
		t.Errorf("both damaged: %v", err)
	}
	if _, err := Create(o); !errors.Is(err, ErrExists) {
		t.Errorf("both damaged: create: %v", err)
	}
}

// An older program must neither read the older copy of a newer wallet nor write over the newer one.
func TestLaterVersionIsLeftAlone(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, "main.wallet")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := parseEnvelope(b, coin.Main)
	if err != nil {
		t.Fatal(err)
	}
	e.Version = thisEnvelope + 1
	e.Sum = e.sum()
	later, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, later, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); !errors.Is(err, errLater) {
		t.Errorf("open: %v", err)
	}
	if err := Exists(o); err != nil {
		t.Errorf("exists: %v", err)
	}
	if _, err := Create(o); !errors.Is(err, ErrExists) {
		t.Errorf("create: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, later) {
		t.Errorf("it was written over: %v", err)
	}
}

func TestDamagedStateIsLearnedAgain(t *testing.T) {
	chain := electrumtest.NewChain(practice(t), 1, easy)
	server := electrumtest.NewServer(chain)
	defer server.Close()
	o := Options{Dir: t.TempDir(), Params: practice(t), Dial: server.Dial}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	script, err := w.account.Script(hd.Receive, 0)
	if err != nil {
		t.Fatal(err)
	}
	chain.Mine(script)
	if err := w.Sync(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	state := w.stateName()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{state, state + seal.Previous} {
		path := filepath.Join(o.Dir, filepath.FromSlash(name))
		if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if w, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got := w.Balance(); got != (Balance{}) {
		t.Errorf("%v", got)
	}
	if err := w.Sync(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if got := w.Balance(); got.Immature != reply {
		t.Errorf("%v", got)
	}
}

func TestPracticeKeyFile(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: practice(t)}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, practiceKeyName)
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o777} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(o); !errors.Is(err, ErrKeyFile) {
				t.Errorf("mode %o: %v", mode, err)
			}
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range [][]byte{nil, key[:63], bytes.Repeat([]byte("0"), 64), bytes.Repeat([]byte("z"), 64), append(bytes.Clone(key), key...)} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(o); !errors.Is(err, ErrKeyFile) {
			t.Errorf("key %q: %v", bad, err)
		}
	}
	other := seal.GenerateKey()
	if err := os.WriteFile(path, []byte(hex.EncodeToString(other[:])), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another key: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); !errors.Is(err, ErrKeyFile) {
		t.Errorf("no key: %v", err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	// A file in the folder's place: unlike a mode, it stops root too.
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(Options{Dir: filepath.Join(taken, "wallets"), Params: practice(t)}); err == nil {
		t.Error("a wallet in a file")
	}
	if os.Geteuid() > 0 && runtime.GOOS != "windows" {
		closed := t.TempDir()
		if err := os.Chmod(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		if _, err := Create(Options{Dir: closed, Params: practice(t)}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a folder without write permission: %v", err)
		}
	}
	// A folder that fails later: what was learned stays usable, and the failure is told.
	o := Options{Dir: t.TempDir(), Params: practice(t)}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Address(3); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(o.Dir, filepath.FromSlash(w.stateName()))
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil {
		t.Error("a state that cannot be written passes")
	}
}

func write(t *testing.T, s Storage, name string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(name, b); err != nil {
		t.Fatal(err)
	}
}
