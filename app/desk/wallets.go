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

// minWalletStrength is what a new passphrase of a wallet with coins of worth must have, in bits. Each guess costs whoever
// has the file the work of scrypt at factor 18, about a second: 40 bits are some ten thousand years of one processor.
const minWalletStrength = 40

// WalletOptions returns what opens, makes or restores the wallet of p in this
// data directory. The caller adds what only a person knows. Every wallet is
// opened through here: from then on this process leaves no core dump.
func (d *Desk) WalletOptions(p *coin.Params) wallet.Options {
	_ = seal.NoDumps() // where the system forbids even that, the wallet is as safe as the system
	o := wallet.Options{Dir: filepath.Join(d.dir, "wallets"), Params: p}
	if p.Network == coin.Main {
		o.MinStrength = minWalletStrength
	}
	return o
}

// PayoutAddress is where what is mined is to be paid: the wallet's first address that was never paid. It is
// wallet.ErrNotProven for coins of worth in a wallet whose words were never proven to be written down: it may mine for
// months before anybody looks.
func PayoutAddress(w *wallet.Wallet) (string, error) {
	if w.Params().Network == coin.Main && !w.BackedUp() {
		return "", wallet.ErrNotProven
	}
	address, _, err := w.NextUnused()
	if err != nil {
		return "", err
	}
	// What is mined goes where this says: it is read back as the miner will read it.
	if _, err := w.Params().ParseAddress(address); err != nil {
		return "", err
	}
	return address, nil
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
