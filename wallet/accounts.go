package wallet

import (
	"context"
	"errors"

	"goldpan/wallet/hd"
)

// Accounts are one account and those of the same words and coin that were found beside it. Each is a wallet of its own,
// with its own addresses, history and payments; their chain of headers is one.
type Accounts struct {
	list []*Wallet
	held []hd.Path
}

// Accounts opens the accounts that were remembered beside this one: see Remember. One that is open elsewhere is left
// out, and Held tells. It fails with ErrLocked where there are any, and leaves this one open.
func (w *Wallet) Accounts() (*Accounts, error) {
	a := &Accounts{list: []*Wallet{w}}
	if w.watches {
		return a, nil
	}
	for _, p := range w.Paths() {
		if p == w.o.Path {
			continue
		}
		other, err := w.OpenPath(p)
		switch {
		case errors.Is(err, ErrInUse):
			a.held = append(a.held, p)
		case err != nil:
			return nil, errors.Join(err, a.Close())
		default:
			a.list = append(a.list, other)
		}
	}
	return a, nil
}

// List is the accounts, the one that the others were found beside first.
func (a *Accounts) List() []*Wallet { return a.list }

// Held are the paths of those that are open elsewhere.
func (a *Accounts) Held() []hd.Path { return a.held }

// Balance is the sum of what they own.
func (a *Accounts) Balance() (sum Balance) {
	for _, w := range a.list {
		sum = sum.Plus(w.Balance())
	}
	return sum
}

// Plus is the sum of each part.
func (b Balance) Plus(c Balance) Balance {
	return Balance{add(b.Confirmed, c.Confirmed), add(b.Immature, c.Immature), add(b.Unconfirmed, c.Unconfirmed), add(b.Dust, c.Dust)}
}

// Sync is Wallet.Sync for each in turn, and ends at the first that fails.
func (a *Accounts) Sync(ctx context.Context, urls ...string) error {
	for _, w := range a.list {
		if err := w.Sync(ctx, urls...); err != nil {
			return err
		}
	}
	return nil
}

// Close closes all but the first, which is whoever's opened it.
func (a *Accounts) Close() error {
	var err error
	for _, w := range a.list[1:] {
		err = errors.Join(err, w.Close())
	}
	return err
}

// Account is the account's path, as another program would name it.
func (w *Wallet) Account() hd.Path { return w.o.Path }

// borrow has an account that was opened beside another follow the same chain of headers: it is fetched once.
func (w *Wallet) borrow(from *Wallet) {
	from.mu.Lock()
	chain := from.chain
	from.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if chain == nil || w.chain != nil && (w.chain.Genesis() != chain.Genesis() || w.chain.Height() > chain.Height()) {
		return
	}
	w.chain, w.lent = chain, true
	s := w.state.clone()
	s.genesis, s.height, s.start = chain.Genesis(), chain.Height(), chain.Start()
	w.put(s)
}
