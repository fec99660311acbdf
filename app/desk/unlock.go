package desk

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"

	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/vault"
	"goldpan/wallet"
)

// ErrNoPassphraseKept says that a wallet has no passphrase that a key could stand for.
var ErrNoPassphraseKept = errors.New("that wallet has no passphrase, and opens without")

// WalletKeys opens the vault of the system's keyring, the only one in which a key that opens a wallet is worth
// keeping: a sealed file asks for a passphrase of its own. Without a keyring it is vault.ErrUnavailable.
func (d *Desk) WalletKeys(ctx context.Context) (*vault.Vault, error) {
	return d.Keys(ctx, KeyringStore, nil, nil)
}

// KeepUnlockKey has v keep a key that opens the wallet instead of its passphrase. One that was kept before is
// revoked: it opens the wallet no more. The wallet must be unlocked.
func KeepUnlockKey(ctx context.Context, v *vault.Vault, w *wallet.Wallet) error {
	old, err := unlockEntries(ctx, v, w.Params(), w.Name())
	if err != nil {
		return err
	}
	key, err := w.NewUnlockKey()
	if err != nil {
		return err
	}
	defer clear(key[:])
	text := hex.AppendEncode(nil, key[:])
	defer vault.Wipe(text)
	e := vault.Entry{Name: unlockName(w.Params(), w.Name()), Kind: vault.KindWallet, Environment: environment(w.Params().Network), RotateDays: -1}
	if e.ID, err = freeID(ctx, v, "wallet-"+string(w.Params().Network)); err == nil {
		_, err = v.Add(ctx, e, vault.NewSecret(text))
	}
	if err != nil {
		return errors.Join(err, w.DropUnlockKey()) // nobody has that key
	}
	return revoke(ctx, v, old)
}

// DropUnlockKey makes the wallet's passphrase the only way to open it again.
func DropUnlockKey(ctx context.Context, v *vault.Vault, w *wallet.Wallet) error {
	if err := w.DropUnlockKey(); err != nil {
		return err
	}
	old, err := unlockEntries(ctx, v, w.Params(), w.Name())
	if err != nil {
		return err
	}
	return revoke(ctx, v, old)
}

// UnlockKey fetches the key that opens the wallet of that name. It fails with vault.ErrNotFound where none is kept.
func UnlockKey(ctx context.Context, v *vault.Vault, p *coin.Params, name string) (seal.Key, error) {
	ids, err := unlockEntries(ctx, v, p, name)
	if err != nil {
		return seal.Key{}, err
	}
	if len(ids) == 0 {
		return seal.Key{}, vault.ErrNotFound
	}
	text, err := v.WalletKey(ctx, ids[len(ids)-1])
	if err != nil {
		return seal.Key{}, err
	}
	defer vault.Wipe(text)
	var key seal.Key
	if len(text) != hex.EncodedLen(len(key)) {
		return seal.Key{}, wallet.ErrUnlockKey
	}
	if _, err := hex.Decode(key[:], text); err != nil {
		return seal.Key{}, wallet.ErrUnlockKey // the reason would tell of the key
	}
	return key, nil
}

// unlockName is how an entry tells a person, and Goldpan, of which wallet it is.
func unlockName(p *coin.Params, name string) string {
	if name == "" {
		return "Wallet of " + string(p.Network)
	}
	return "Wallet " + name + " of " + string(p.Network)
}

// unlockEntries are the ids of the keys that are kept for a wallet and not revoked, the newest last.
func unlockEntries(ctx context.Context, v *vault.Vault, p *coin.Params, name string) (ids []string, err error) {
	entries, err := v.List(ctx)
	for _, e := range entries {
		if e.Kind == vault.KindWallet && e.Name == unlockName(p, name) && e.State != vault.Revoked {
			ids = append(ids, e.ID)
		}
	}
	return ids, err
}

// freeID is base, with a number where that was used: an id is never used again.
func freeID(ctx context.Context, v *vault.Vault, base string) (string, error) {
	entries, err := v.List(ctx)
	id := base
	for n := 2; slices.ContainsFunc(entries, func(e vault.Entry) bool { return e.ID == id }); n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	return id, err
}

func revoke(ctx context.Context, v *vault.Vault, ids []string) error {
	var errs []error
	for _, id := range ids {
		errs = append(errs, v.Revoke(ctx, id))
	}
	return errors.Join(errs...)
}

func environment(n coin.Network) vault.Environment {
	if n == coin.Main {
		return vault.Live
	}
	if n == coin.Practice {
		return vault.Practice
	}
	return vault.Test
}
