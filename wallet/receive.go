package wallet

import (
	"bytes"
	"slices"

	"goldpan/wallet/hd"
)

// Fresh is a receiving address that was given to nobody yet, and its index. When as many stand unused as a wallet
// that is restored elsewhere looks past, it is again the first that was never paid: no address may lie beyond what
// is found.
func (w *Wallet) Fresh() (addr string, index uint32, err error) {
	w.mu.Lock()
	used := w.state.used(hd.Receive)
	next := max(used, w.state.issued)
	gap := w.state.gapLimit()
	w.mu.Unlock()
	if next-used >= gap || next >= maxIndex {
		next = min(used, maxIndex-1)
	}
	addr, err = w.Address(uint32(next))
	return addr, uint32(next), err
}

// lookFor is how many addresses of a chain Mine looks at, at least.
const lookFor = 500

// Mine tells whether an address is the wallet's, of those in use and some hundreds after them, and its path. A text
// that is no address of the coin is an error of package coin.
func (w *Wallet) Mine(addr string) (path string, ok bool, err error) {
	a, err := w.Params().ParseAddress(addr)
	if err != nil {
		return "", false, err
	}
	w.mu.Lock()
	s := w.state
	w.mu.Unlock()
	for chain := range uint32(w.account.Chains()) {
		for i := range uint32(max(s.watched(chain), lookFor)) {
			script, err := w.account.Script(chain, i)
			if err != nil {
				return "", false, err
			}
			if bytes.Equal(script, a.Script) {
				return w.account.Path(chain, i), true, nil
			}
		}
	}
	return "", false, nil
}

// Groups splits an address into groups of four letters, as it is compared by eye. Programs that swap addresses keep
// a few letters at the start and the end alike: whoever shows the groups stresses those, and the rest is read too.
func Groups(address string) []string {
	var groups []string
	for part := range slices.Chunk([]byte(address), 4) {
		groups = append(groups, string(part))
	}
	return groups
}

// Kind is what the account's addresses are.
func (w *Wallet) Kind() hd.Kind { return w.account.Kind() }

// Descriptor is the account's output descriptor, by which other programs watch it: whoever has it sees every
// address, and can spend nothing.
func (w *Wallet) Descriptor() string { return w.account.Descriptor() }

// Extended is the account's extended public key, as BIP32 writes it, and under the version that SLIP-132 registers.
func (w *Wallet) Extended() (plain, registered string, err error) {
	registered, err = w.account.Registered()
	return w.account.Extended(), registered, err
}

// Paths is the coin's accounts that were remembered beside its own; each is opened by Options.Path.
func (w *Wallet) Paths() []hd.Path {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.notes.Paths[w.o.Params.Coin.ID])
}

// Remember keeps the paths of accounts that were found to have a history.
func (w *Wallet) Remember(paths ...hd.Path) error {
	for i, p := range paths {
		clean, err := p.Clean()
		if err != nil {
			return err
		}
		paths = slices.Concat(paths[:i], []hd.Path{clean}, paths[i+1:]) // the caller's stay as they are
	}
	return w.note(func(n *notes) {
		id := w.o.Params.Coin.ID
		if n.Paths == nil {
			n.Paths = map[string][]hd.Path{}
		}
		for _, p := range paths {
			if !slices.Contains(n.Paths[id], p) && len(n.Paths[id]) < maxPaths {
				n.Paths[id] = append(n.Paths[id], p)
			}
		}
	})
}
