package wallet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	spend "goldpan/wallet/tx"
)

// sendPatience is how long Send waits for the servers that Run is connected to.
const sendPatience = time.Minute

// Send sends a payment that is kept, the same bytes as before, as Pay does.
func (w *Wallet) Send(ctx context.Context, id pow.Hash, urls ...string) error {
	w.mu.Lock()
	p := w.find(id)
	if p == nil {
		w.mu.Unlock()
		return ErrNoPayment
	}
	p.answers = nil
	w.stir()
	w.mu.Unlock()
	if len(urls) > 0 {
		err := w.Sync(ctx, urls...)
		if !errors.Is(err, errRunning) {
			decided, outcome := w.outcome(p, false)
			if decided {
				return outcome
			}
			return unsent(err)
		}
	}
	if w.running.TryLock() {
		w.running.Unlock()
		return ErrUnsent // nobody is connected
	}
	patience := time.NewTimer(sendPatience)
	defer patience.Stop()
	for {
		w.mu.Lock()
		changed, closed := w.pays.changes(), w.closed
		w.mu.Unlock()
		if decided, err := w.outcome(p, !closed); decided {
			return err
		}
		if closed {
			return unsent(ErrClosed)
		}
		select {
		case <-changed:
		case <-patience.C:
			if decided, err := w.outcome(p, false); decided {
				return err
			}
			return ErrUnsent
		case <-ctx.Done():
			return unsent(ctx.Err())
		}
	}
}

func unsent(err error) error {
	if err == nil {
		return ErrUnsent
	}
	return fmt.Errorf("%w: %w", ErrUnsent, err)
}

// changes is closed at the next answer of a server; the caller holds the wallet's mu.
func (p *payments) changes() <-chan struct{} {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// wake has whoever waits for an answer look again; the caller holds the wallet's mu.
func (p *payments) wake() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// outcome is what became of sending a payment: nil when a server has it. While more servers may answer, a refusal
// alone decides nothing.
func (w *Wallet) outcome(p *payment, more bool) (decided bool, err error) {
	w.servers.mu.Lock()
	synced := 0
	for _, s := range w.servers.list {
		if s.Synced {
			synced++
		}
	}
	w.servers.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.taken || w.state.txs[p.id] != nil || p.raw == nil {
		return true, nil
	}
	refused := p.refusal()
	if refused == nil || more && len(p.answers) < synced {
		return false, nil
	}
	return true, refused
}

// deliver sends what this server has not, and says whether it sent anything.
func (s *session) deliver(ctx context.Context) (sent bool, err error) {
	w := s.w
	for _, o := range w.due(s) {
		err := s.client.Broadcast(ctx, o.id, o.raw)
		var refused *electrum.RefusedError
		if err != nil && !errors.As(err, &refused) {
			return sent, err
		}
		sent = sent || err == nil
		if err := w.answered(o.payment, s.number, err); err != nil {
			return sent, err
		}
	}
	return sent, w.tidy()
}

// offer is a payment as it is to be sent: settling it lets go of its bytes.
type offer struct {
	*payment
	raw []byte
}

// due is the payments that this server is to be sent, in the order in which they were made: those that are in no
// block and that it does not tell of, once at each height and whenever Send asks.
func (w *Wallet) due(s *session) []offer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.offered == nil {
		s.offered = map[pow.Hash]int32{}
	}
	var list []offer
	var spent map[electrum.Outpoint]pow.Hash
	for _, p := range w.pays.list {
		if p.raw == nil || p.given || s.loose[p.id] {
			continue
		}
		if t := w.state.txs[p.id]; t != nil && t.height > 0 {
			continue
		}
		if _, answered := p.answers[s.number]; answered && s.offered[p.id] == s.height+1 {
			continue
		}
		if spent == nil {
			spent = w.state.spentBy()
		}
		if rival, ok := p.rival(spent); ok && w.state.txs[rival].height > 0 {
			continue
		}
		s.offered[p.id] = s.height + 1
		list = append(list, offer{p, p.raw})
	}
	return list
}

// answered remembers what a server said to a payment.
func (w *Wallet) answered(p *payment, server int, answer error) error {
	w.mu.Lock()
	if p.answers == nil {
		p.answers = map[int]error{}
	}
	p.answers[server] = answer
	first := answer == nil && !p.taken
	p.taken = p.taken || answer == nil
	w.pays.wake()
	w.mu.Unlock()
	w.o.Changed()
	if !first {
		return nil
	}
	return w.rewrite()
}

// tidy writes down what is settled by now.
func (w *Wallet) tidy() error {
	w.mu.Lock()
	changed := w.settle()
	w.mu.Unlock()
	if !changed {
		return nil
	}
	return w.rewrite()
}

func (w *Wallet) rewrite() error {
	w.pays.busy.Lock()
	defer w.pays.busy.Unlock()
	w.mu.Lock()
	list := slices.Clone(w.pays.list)
	w.mu.Unlock()
	return w.savePayments(list)
}

// estimate is what one server thinks of fees.
type estimate struct {
	at    time.Time
	rates map[int]spend.Rate // by the number of blocks
}

const (
	askFees   = 10 * time.Minute
	trustFees = time.Hour
)

// feeTargets are the numbers of blocks that servers are asked for.
func feeTargets() []int { return []int{1, 2, 6, 24} }

// learnFees asks the server what fees are usual, now and then. It need not know.
func (s *session) learnFees(ctx context.Context) {
	w, url := s.w, s.url
	now := w.o.now()
	w.mu.Lock()
	last, ok := w.pays.fees[url]
	w.mu.Unlock()
	if w.watches || ok && now.Sub(last.at) < askFees {
		return
	}
	targets := feeTargets()
	rates := make([]spend.Rate, len(targets))
	// None is cut short: a message half sent would end the connection.
	if parallel(ctx, len(targets), func(ctx context.Context, i int) error {
		r, err := s.client.EstimateFee(ctx, targets[i])
		if err == nil {
			rates[i] = spend.Rate(r)
		}
		return nil
	}) != nil {
		return
	}
	e := estimate{now, map[int]spend.Rate{}}
	for i, n := range targets {
		if rates[i] > 0 {
			e.rates[n] = rates[i]
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pays.fees == nil || len(w.pays.fees) > 4*MaxServers {
		w.pays.fees = map[string]estimate{}
	}
	w.pays.fees[url] = e
}

// FeeRate is the rate for a payment to be in a block within so many: what the servers agree on, within what is sane;
// guessed says that none of them told.
func (w *Wallet) FeeRate(blocks int) (rate spend.Rate, guessed bool) {
	now := w.o.now()
	w.mu.Lock()
	var list []spend.Rate
	for _, e := range w.pays.fees {
		if now.Sub(e.at) > trustFees {
			continue
		}
		best := 0
		for n := range e.rates {
			if n <= blocks && n > best {
				best = n
			}
		}
		if best > 0 {
			list = append(list, e.rates[best])
		}
	}
	w.mu.Unlock()
	if r, ok := spend.Agree(w.o.Params, list); ok {
		return r, false
	}
	return spend.Likely(w.o.Params, blocks), true
}
