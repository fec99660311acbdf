package desk

import (
	"errors"
	"path/filepath"

	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet"
)

// ErrPassphraseShort refuses a passphrase that is soon guessed.
var ErrPassphraseShort = errors.New("that passphrase is too short")

// WalletOptions returns what opens, makes or restores the wallet of p in this
// data directory. The caller adds what only a person knows. Every wallet is
// opened through here: from then on this process leaves no core dump.
func (d *Desk) WalletOptions(p *coin.Params) wallet.Options {
	_ = seal.NoDumps() // where the system forbids even that, the wallet is as safe as the system
	return wallet.Options{Dir: filepath.Join(d.dir, "wallets"), Params: p}
}

// practiceWallet opens the practice wallet, which is made at the first use. Its
// key lies beside it in a file that only its owner may read: practice coins are
// worth nothing.
func (d *Desk) practiceWallet(p *coin.Params) (*wallet.Wallet, error) {
	o := d.WalletOptions(p)
	w, err := wallet.Open(o)
	if errors.Is(err, wallet.ErrMissing) {
		return wallet.Create(o)
	}
	return w, err
}
