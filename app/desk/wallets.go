package desk

import (
	"context"
	"crypto/x509"
	"errors"
	"path/filepath"
	"strings"

	"goldpan/app/desk/config"
	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/seal"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

// ErrProxyPassword says that the settings' proxy wants a password, which is not fetched for wallet servers.
var ErrProxyPassword = errors.New("the settings' proxy wants a password, which Goldpan does not fetch for wallet servers")

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

// WalletDialer connects to wallet servers: through the proxy given, or for "" through that of the settings in dir, and
// to those whose certificates the system's roots vouch for or whose keys the person trusts.
func WalletDialer(dir, proxy string) (*jsonrpc.Dialer, error) {
	if proxy == "" {
		settings, err := config.Read(dir)
		if err != nil {
			return nil, err
		}
		if settings.ProxyKey != "" {
			return nil, ErrProxyPassword
		}
		proxy = settings.Proxy
	}
	through, err := jsonrpc.ParseProxy(proxy)
	if err != nil {
		return nil, err
	}
	if _, err := OpenKnownServers(dir); err != nil {
		return nil, err
	}
	return &jsonrpc.Dialer{Proxy: through, Trust: func(host string, leaf *x509.Certificate, why error) error {
		known, err := OpenKnownServers(dir) // the person may have added one meanwhile
		if err != nil {
			return err
		}
		return known.Trust()(host, leaf, why)
	}}, nil
}

// passphraseWords is of how many words a passphrase is made: 66 bits.
const passphraseWords = 6

// NewPassphrase is a passphrase of English words, for whoever wants none of their own: every keyboard can type it.
func NewPassphrase() (string, error) {
	m, err := hd.NewMnemonicIn(hd.English, 12)
	if err != nil {
		return "", err
	}
	defer m.Wipe()
	// All but the last word of twelve are chosen by chance alone.
	return strings.Join(m.Words()[:passphraseWords], " "), nil
}

// KeptUnlockKey fetches from the keyring what opens a wallet instead of its passphrase; the zero key, without an error,
// where the wallet takes none.
func (d *Desk) KeptUnlockKey(ctx context.Context, o wallet.Options) (seal.Key, error) {
	if takes, err := wallet.TakesUnlockKey(o); err != nil || !takes {
		return seal.Key{}, err
	}
	v, err := d.WalletKeys(ctx)
	if err != nil {
		return seal.Key{}, err
	}
	return UnlockKey(ctx, v, o.Params, o.Name)
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
