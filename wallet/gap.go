package wallet

import (
	"errors"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/hd"
)

// MaxGapLimit bounds a gap limit, in addresses.
const MaxGapLimit = 1000

var errGap = errors.New("wallet: a gap limit is 1 to 1,000 addresses")

// GapLimit is how many unused addresses in a row end the search for used ones.
func (w *Wallet) GapLimit() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.gapLimit()
}

// Rescan has the next Sync or Run ask for everything anew, past as many unused addresses in a row as gap says: 0 for
// as many as before. What was proven stays until then only if a server proves it again. It fails while Sync or Run
// does its work.
func (w *Wallet) Rescan(gap int) error {
	if gap < 0 || gap > MaxGapLimit {
		return errGap
	}
	err := w.alone(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		s := w.state.clone()
		if gap > 0 {
			s.gap = gap
		}
		s.scripts, s.txs = [2][]script{}, map[pow.Hash]*tx{}
		w.put(s)
		return nil
	})
	w.o.Changed()
	return err
}

func (s *state) gapLimit() int {
	if s.gap > 0 {
		return s.gap
	}
	return GapLimit
}

// uneconomic is the value below which an output is dust: nodes hold that to spend it costs more than it is worth, and
// pass on no transaction that makes one. Sources: GetDustThreshold in policy.cpp of Bitcoin Core at its rate of 3
// satoshi a byte, of Litecoin Core at 30, and the soft limit in policy.h of Dogecoin Core 1.14.
func uneconomic(p *coin.Params, kind hd.Kind) coin.Amount {
	if p.Coin.ID == "dogecoin" {
		return 1_000_000
	}
	least := map[hd.Kind]coin.Amount{hd.PKH: 546, hd.SHWPKH: 540, hd.WPKH: 294, hd.TR: 330}[kind]
	if p.Coin.ID == "litecoin" {
		least *= 10
	}
	return least
}
