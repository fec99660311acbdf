package purse

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"goldpan/app/desk"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/seal"
	"goldpan/wallet"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	passphrase = "river gravel lantern seventeen otters"
	// BIP39's first English vector.
	abandon = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	// BIP84's own test vector: its first receiving address.
	bip84 = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
)

func newPurse(t *testing.T, dir string, dial Dial) *Purse {
	t.Helper()
	d, err := desk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(d, Options{Dial: dial, WorkFactor: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// run runs a purse until the test ends.
func run(t *testing.T, p *Purse) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// until waits for a snapshot.
func until(t *testing.T, a *Account, what string, ok func(Snapshot) bool) Snapshot {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s := a.Snapshot(); ok(s) {
			return s
		}
	}
	t.Fatalf("%s did not come: %+v", what, a.Snapshot())
	return Snapshot{}
}

// A wallet is restored, gives the address that BIP84 says, is found again after the program was closed, and tells
// nothing before its passphrase was given.
func TestWordsComeBack(t *testing.T) {
	dir := t.TempDir()
	d, err := desk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(d, Options{WorkFactor: 8})
	if err != nil {
		t.Fatal(err)
	}
	if p.Words(coin.Main) || len(p.Accounts()) != 0 {
		t.Fatal("there is something in an empty directory")
	}
	if _, err := p.Make(Making{Coin: "bitcoin", Network: coin.Main, Words: strings.Fields(abandon), Passphrase: "short"}); !errors.Is(err, wallet.ErrWeak) {
		t.Errorf("a weak passphrase: %v", err)
	}
	a, err := p.Make(Making{Coin: "bitcoin", Network: coin.Main, Words: strings.Fields(abandon), Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Snapshot(); s.Address != bip84 || s.State != Open || !s.BackedUp || s.Path != "m/84'/0'/0'/0/0" {
		t.Errorf("restored: %+v", s)
	}
	if path, ok, err := a.Mine(bip84); !ok || path != "m/84'/0'/0'/0/0" || err != nil {
		t.Errorf("its own address: %q %v %v", path, ok, err)
	}
	if payout, err := a.Payout(); payout != bip84 || err != nil {
		t.Errorf("payout to %q, %v", payout, err)
	}
	b, err := p.Show(ID{Coin: "litecoin", Network: coin.Main})
	if err != nil {
		t.Fatal(err)
	}
	if s := b.Snapshot(); s.State != Shut || s.Address != "" {
		t.Errorf("another coin before its passphrase was given: %+v", s)
	}
	if err := b.SetServers("tls://electrum.example:50002"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}

	p = newPurse(t, dir, nil)
	all := p.Accounts()
	if len(all) != 2 || all[0].ID().Coin != "bitcoin" || all[1].ID().Coin != "litecoin" || all[0].Snapshot().State != Shut {
		t.Fatalf("after a restart: %d wallets", len(all))
	}
	if err := p.Open(t.Context(), all[1], "wrong"); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if err := p.Open(t.Context(), all[1], passphrase); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if s := a.Snapshot(); s.State != Open || s.Address == "" {
			t.Errorf("one passphrase opens all coins of the words: %s is %+v", a.ID().Coin, s)
		}
	}
	if s := all[1].Snapshot(); !slices.Equal(s.Named, []string{"tls://electrum.example:50002"}) {
		t.Errorf("servers: %v", s.Named)
	}
	all[0].Lock()
	if s := all[0].Snapshot(); s.State != Locked || s.Address != bip84 {
		t.Errorf("locked: %+v", s)
	}
	if s := all[1].Snapshot(); s.State != Locked {
		t.Errorf("the words are still within reach by another coin: %+v", s)
	}
	if _, err := all[0].Challenge(3); !errors.Is(err, wallet.ErrLocked) {
		t.Errorf("words of a locked wallet: %v", err)
	}
	if err := p.Open(t.Context(), all[0], passphrase); err != nil || all[0].Snapshot().State != Open {
		t.Errorf("unlocked: %v", err)
	}
	if id, err := all[0].Pay(t.Context(), wallet.Payment{}); id != "" || !errors.Is(err, wallet.ErrStale) {
		t.Errorf("a payment that was not kept has the id %q: %v", id, err)
	}
	if words, _, err := all[0].Words(passphrase); strings.Join(words, " ") != abandon || err != nil {
		t.Errorf("words: %v", err)
	}
	if _, _, err := all[0].Words("wrong"); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("words against a wrong passphrase: %v", err)
	}
}

// New words are shown once, asked back, and until then the wallet is not backed up, nor mined to.
func TestProof(t *testing.T) {
	p := newPurse(t, t.TempDir(), nil)
	a, err := p.Make(Making{Coin: "litecoin", Network: coin.Main, Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	if a.Snapshot().BackedUp {
		t.Error("backed up, though nobody has seen the words")
	}
	if _, err := a.Payout(); !errors.Is(err, wallet.ErrNotProven) {
		t.Errorf("mined to a wallet that is not backed up: %v", err)
	}
	words, _, err := a.Words(passphrase)
	if err != nil || len(words) != 12 {
		t.Fatalf("%d words, %v", len(words), err)
	}
	at, err := a.Challenge(4)
	if err != nil || len(at) != 4 {
		t.Fatalf("%v, %v", at, err)
	}
	answer := make([]string, len(at))
	for i, n := range at {
		answer[i] = words[n-1]
	}
	answer[1] = "nonsense"
	if wrong, err := a.Answer(at, answer); err != nil || !slices.Equal(wrong, at[1:2]) {
		t.Errorf("wrong: %v, %v", wrong, err)
	}
	answer[1] = words[at[1]-1]
	if wrong, err := a.Answer(at, answer); err != nil || wrong != nil || !a.Snapshot().BackedUp {
		t.Errorf("right: %v, %v", wrong, err)
	}
	if _, err := a.Payout(); err != nil {
		t.Errorf("mined to: %v", err)
	}
}

// A backup file brings the wallet back under another name beside the words that are there.
func TestBackupFile(t *testing.T) {
	dir := t.TempDir()
	p := newPurse(t, dir, nil)
	a, err := p.Make(Making{Coin: "dogecoin", Network: coin.Main, Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	address := a.Snapshot().Address
	if err := a.Label(address, "from my friend", true); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "backup.age")
	if err := a.WriteBackup(path, passphrase); err != nil {
		t.Fatal(err)
	}
	if s := a.Snapshot(); !s.BackedUp || s.Proven().IsZero() {
		t.Error("a backup file that was read again proves nothing")
	}
	if err := a.WriteBackup(path, passphrase); !errors.Is(err, os.ErrExist) {
		t.Errorf("written over: %v", err)
	}
	b, err := ReadBackup(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Make(Making{Coin: "dogecoin", Network: coin.Main, Passphrase: passphrase, Backup: b, BackupWord: "wrong"}); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("a wrong passphrase of the file: %v", err)
	}
	again, err := p.Make(Making{Coin: "dogecoin", Network: coin.Main, Passphrase: passphrase, Backup: b, BackupWord: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	if s := again.Snapshot(); s.Address != address || s.ID.Name == "" || again.LabelOf(address) != "from my friend" {
		t.Errorf("from the file: %+v, labelled %q", s, again.LabelOf(address))
	}
}

// BIP84's own account key is watched; nothing can be spent with it.
func TestWatch(t *testing.T) {
	p := newPurse(t, t.TempDir(), nil)
	const zpub = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
	a, err := p.Make(Making{Coin: "bitcoin", Network: coin.Main, Watch: zpub, Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Snapshot(); s.Address != bip84 || !s.WatchOnly || s.State != Open {
		t.Errorf("watched: %+v", s)
	}
	if _, _, err := a.Words(passphrase); !errors.Is(err, wallet.ErrWatchOnly) {
		t.Errorf("words of a watched wallet: %v", err)
	}
}

// No server is contacted before one was named; then coins come in, a label stays, and an address that was paid gives
// way to the next.
func TestFollows(t *testing.T) {
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	chain := electrumtest.NewChain(params, 1, 0x207fffff)
	server := electrumtest.NewServer(chain)
	defer server.Close()
	p := newPurse(t, t.TempDir(), server.Dial)
	run(t, p)
	a, err := p.Make(Making{Coin: params.Coin.ID, Network: coin.Practice, Words: strings.Fields(abandon), Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	if server.Dials() != 0 || len(a.Snapshot().Named) != 0 {
		t.Fatal("a server was contacted that nobody named")
	}
	first := a.Snapshot().Address
	parsed, err := params.ParseAddress(first)
	if err != nil {
		t.Fatal(err)
	}
	server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		c.Mine(parsed.Script)
		c.MineEmpty(2)
		return c
	})
	if err := a.SetServers("http://electrum.example"); !errors.Is(err, ErrServer) {
		t.Errorf("no wallet server: %v", err)
	}
	if err := a.SetServers("tcp://127.0.0.1:50001"); err != nil {
		t.Fatal(err)
	}
	s := until(t, a, "a reward", func(s Snapshot) bool { return s.Balance.Immature > 0 && s.Sync.Synced })
	if s.Address == first || s.Height != 3 {
		t.Errorf("after it was paid: %+v", s)
	}
	list, r := a.History()
	if len(list) != 1 || r != (Ripening{1, 3, int32(params.Maturity)}) {
		t.Errorf("%d entries, %+v", len(list), r)
	}
	if err := a.Label(list[0].TxID.String(), "my first block", false); err != nil {
		t.Fatal(err)
	}
	if list, _ = a.History(); list[0].Label != "my first block" {
		t.Errorf("labelled %q", list[0].Label)
	}
	if err := a.Fresh(); err != nil {
		t.Fatal(err)
	}
	if again := a.Snapshot(); again.Address == s.Address || again.Index != s.Index+1 {
		t.Errorf("another address: %d after %d", again.Index, s.Index)
	}
	if err := a.SetServers(); err != nil {
		t.Fatal(err)
	}
	until(t, a, "the end", func(s Snapshot) bool { return !s.Sync.Connected })
}

// The practice wallet is lent: it is shown, and not closed.
func TestLend(t *testing.T) {
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	w, err := wallet.Create(wallet.Options{Storage: &wallet.MemoryStorage{}, Params: params})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p := newPurse(t, t.TempDir(), nil)
	if a := p.Practice(params.Coin); a.Snapshot().State != Shut {
		t.Error("open before it was lent")
	}
	a := p.Lend(w)
	if s := a.Snapshot(); s.State != Open || !strings.HasPrefix(s.Address, "pan1") || s.Sealed {
		t.Errorf("lent: %+v", s)
	}
	if a != p.Practice(params.Coin) {
		t.Error("two practice wallets")
	}
	p.Return(w)
	if a.Snapshot().State != Shut {
		t.Error("still there")
	}
	if _, err := w.Address(0); err != nil {
		t.Errorf("it was closed: %v", err)
	}
	if err := p.keep(); err != nil {
		t.Fatal(err)
	}
	if b, err := readBook(p.desk.Dir()); err != nil || len(b.Wallets) != 0 {
		t.Errorf("the practice wallet is in the book: %+v, %v", b, err)
	}
}

func TestWordEntry(t *testing.T) {
	if got := Complete("aban"); !slices.Equal(got, []string{"abandon"}) {
		t.Errorf("aban: %v", got)
	}
	if !Known("abandon") || Known("abandom") || Near("abandom") != "abandon" {
		t.Errorf("abandom is near %q", Near("abandom"))
	}
	if err := CheckWords(strings.Fields(abandon)); err != nil {
		t.Error(err)
	}
	if err := CheckWords(strings.Fields(abandon)[:11]); !errors.Is(err, hd.ErrLength) {
		t.Errorf("eleven words: %v", err)
	}
}

func TestAutoLock(t *testing.T) {
	dir := t.TempDir()
	p := newPurse(t, dir, nil)
	if p.AutoLock() != DefaultAutoLock {
		t.Errorf("at first %v", p.AutoLock())
	}
	a, err := p.Make(Making{Coin: "bitcoin", Network: coin.Main, Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	w, err := a.wallet()
	if err != nil {
		t.Fatal(err)
	}
	w.SetAutoLock(time.Millisecond)
	until(t, a, "the lock", func(s Snapshot) bool { return s.State == Locked })
	if err := p.SetAutoLock(0); err != nil || p.AutoLock() != 0 {
		t.Errorf("never: %v, %v", p.AutoLock(), err)
	}
	if b, err := readBook(dir); err != nil || b.autoLock() != 0 {
		t.Errorf("kept: %v, %v", b.autoLock(), err)
	}
}

func FuzzBook(f *testing.F) {
	f.Add([]byte(`{"version":1,"wallets":[{"coin":"bitcoin","network":"main","path":"m/44'/0'/0', pkh","servers":["tls://a.example:1"]}]}`))
	f.Add([]byte(`{"version":1,"lock_minutes":5,"wallets":[{"coin":"bitcoin","network":"main","name":"watch-2","watch":true}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := parseBook(data)
		if err != nil {
			return
		}
		for _, e := range b.Wallets {
			if _, err := e.ID.Params(); err != nil {
				t.Errorf("%+v was taken: %v", e, err)
			}
			for _, u := range e.Servers {
				if Host(u) == "" {
					t.Errorf("a server without a host was taken: %q", u)
				}
			}
		}
	})
}
