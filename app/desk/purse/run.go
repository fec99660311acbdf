package purse

import (
	"context"
	"errors"
	"slices"

	"goldpan/core/coin"
	"goldpan/wallet"
)

// Run keeps what is open in step with the servers that were named, until ctx ends; then it closes all wallets but
// those that were lent. It runs once.
func (p *Purse) Run(ctx context.Context) error {
	for {
		for _, a := range p.Accounts() {
			a.follow(ctx)
		}
		select {
		case <-p.wake:
		case <-ctx.Done():
			return p.close()
		}
	}
}

// stir has Run look at what is open.
func (p *Purse) stir() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// close ends what runs, waits for it, and closes the wallets.
func (p *Purse) close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	var errs []error
	for _, a := range p.Accounts() {
		a.halt()
		a.mu.Lock()
		w, lent := a.w, a.lent
		a.w, a.lent = nil, false
		a.mu.Unlock()
		if w != nil && !lent {
			errs = append(errs, w.Close())
		}
	}
	return errors.Join(errs...)
}

// Close closes a purse that is not run.
func (p *Purse) Close() error { return p.close() }

// follow begins, ends or begins again a wallet's run, as its servers say. Only Run calls it.
func (a *Account) follow(ctx context.Context) {
	a.mu.Lock()
	now, want, w := a.run, slices.Clone(a.servers), a.w
	idle := w == nil || a.lent
	a.mu.Unlock()
	if now != nil && (idle || !slices.Equal(now.urls, want)) {
		a.halt()
		now = nil
	}
	if now != nil || idle || len(want) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &following{cancel, make(chan struct{}), want}
	a.mu.Lock()
	a.run, a.failed = r, nil
	a.mu.Unlock()
	go func() {
		defer close(r.done)
		if err := w.Run(ctx, want...); ctx.Err() == nil {
			a.mu.Lock()
			a.failed = err
			a.mu.Unlock()
		}
	}()
}

// halt ends a run and waits for it.
func (a *Account) halt() {
	a.mu.Lock()
	r := a.run
	a.mu.Unlock()
	if r == nil {
		return
	}
	r.cancel()
	<-r.done
	a.mu.Lock()
	if a.run == r {
		a.run = nil
	}
	a.mu.Unlock()
}

// again has a wallet that is asked for connect at once, instead of after its pause.
func (a *Account) again() {
	a.halt()
	a.purse.stir()
}

// Lend shows a wallet that somebody else keeps in step, such as the practice network's, until Return.
func (p *Purse) Lend(w *wallet.Wallet) *Account {
	id := ID{Coin: w.Params().Coin.ID, Network: w.Params().Network}
	p.mu.Lock()
	a := p.find(id)
	if a == nil {
		a = &Account{purse: p, id: id}
		p.accounts = append(p.accounts, a)
		slices.SortStableFunc(p.accounts, func(a, b *Account) int { return compare(a.id, b.id) })
	}
	p.mu.Unlock()
	a.mu.Lock()
	a.w, a.lent, a.sealed, a.labels = w, true, w.Sealed(), nil
	a.changes++
	a.mu.Unlock()
	return a
}

// Return takes a lent wallet back: its owner is about to close it.
func (p *Purse) Return(w *wallet.Wallet) {
	for _, a := range p.Accounts() {
		a.mu.Lock()
		if a.w == w && a.lent {
			a.w, a.lent = nil, false
		}
		a.mu.Unlock()
	}
}

// Practice is the practice wallet's place, whether the practice runs or not.
func (p *Purse) Practice(c coin.Coin) *Account {
	id := ID{Coin: c.ID, Network: coin.Practice}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.find(id)
	if a == nil {
		a = &Account{purse: p, id: id}
		p.accounts = append(p.accounts, a)
		slices.SortStableFunc(p.accounts, func(a, b *Account) int { return compare(a.id, b.id) })
	}
	return a
}
