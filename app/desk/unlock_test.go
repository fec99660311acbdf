package desk

import (
	"errors"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/vault"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

// A key in the vault opens the wallet instead of its passphrase, until it is
// replaced or removed; the vault has one for each wallet.
func TestUnlockKey(t *testing.T) {
	ctx := t.Context()
	v, err := vault.Open(t.TempDir(), vault.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	bitcoin, err := coin.ByID("bitcoin")
	if err != nil {
		t.Fatal(err)
	}
	p, err := bitcoin.Params(coin.Main)
	if err != nil {
		t.Fatal(err)
	}
	const passphrase = "quartz ladder violin marmalade"
	o := wallet.Options{Storage: &wallet.MemoryStorage{}, Params: p, Passphrase: passphrase, WorkFactor: 1}
	m, err := hd.ParseMnemonic(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	w, err := wallet.Restore(o, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := UnlockKey(ctx, v, p, ""); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("none is kept: %v", err)
	}
	takes := func(want bool) {
		t.Helper()
		if got, err := wallet.TakesUnlockKey(o); err != nil || got != want {
			t.Errorf("takes a key: %v %v", got, err)
		}
	}
	takes(false)
	if err := KeepUnlockKey(ctx, v, w); err != nil {
		t.Fatal(err)
	}
	takes(true)
	first, err := UnlockKey(ctx, v, p, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := UnlockKey(ctx, v, p, "other"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("another wallet's key: %v", err)
	}
	if _, err := v.PoolPassword(ctx, "wallet-main"); !errors.Is(err, vault.ErrWrongKind) {
		t.Errorf("handed out as a pool's password: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o.Passphrase, o.UnlockKey = "", first
	if w, err = wallet.Open(o); err != nil {
		t.Fatal(err)
	}

	// A new one takes the place of the old one, in the wallet and in the vault.
	if err := KeepUnlockKey(ctx, v, w); err != nil {
		t.Fatal(err)
	}
	second, err := UnlockKey(ctx, v, p, "")
	if err != nil || second == first {
		t.Fatal(err)
	}
	entries, err := v.List(ctx)
	if err != nil || len(entries) != 2 || entries[0].State != vault.Revoked || entries[1].State != vault.Active || entries[1].Environment != vault.Live {
		t.Errorf("%+v %v", entries, err)
	}
	if err := w.UnlockWith(first); !errors.Is(err, wallet.ErrUnlockKey) {
		t.Errorf("the old key: %v", err)
	}
	w.Lock()
	if err := w.UnlockWith(second); err != nil || w.Locked() {
		t.Errorf("the new key: %v", err)
	}

	// A locked wallet makes none, and what is removed opens nothing.
	w.Lock()
	if err := KeepUnlockKey(ctx, v, w); !errors.Is(err, wallet.ErrLocked) {
		t.Errorf("of a locked wallet: %v", err)
	}
	if err := DropUnlockKey(ctx, v, w); err != nil {
		t.Fatal(err)
	}
	takes(false)
	if _, err := UnlockKey(ctx, v, p, ""); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("after it was removed: %v", err)
	}
	if err := w.UnlockWith(second); err == nil {
		t.Error("a removed key opened the wallet")
	}
	if err := w.Unlock(passphrase); err != nil {
		t.Errorf("the passphrase: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
