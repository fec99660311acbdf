package wallet

import (
	"context"
	"errors"
	"slices"
	"sync"

	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
)

// fetch asks for the histories of scripts, proves each confirmed transaction in them, and puts both into work.
func (s *session) fetch(ctx context.Context, work *state, scripts []place) error {
	histories := make([]message.History, len(scripts))
	err := parallel(ctx, len(scripts), func(ctx context.Context, i int) (err error) {
		histories[i], err = s.client.History(ctx, message.ScriptHash(s.scripts[scripts[i]]))
		return err
	})
	if err != nil {
		return err
	}
	if err := s.reach(ctx, histories); err != nil {
		return err
	}

	want := map[pow.Hash]int32{} // at which height, 0 for none
	for i, h := range histories {
		for _, e := range h {
			id := pow.Hash(e.TxHash)
			if s.settled(work, id, e.Height, scripts[i]) {
				continue
			}
			want[id] = max(want[id], e.Height)
		}
	}
	if len(want) > maxTxs-len(work.txs) {
		return electrum.ErrTooMuch
	}
	ids := make([]pow.Hash, 0, len(want))
	for id := range want {
		ids = append(ids, id)
	}
	found := make([]*tx, len(ids))
	err = parallel(ctx, len(ids), func(ctx context.Context, i int) (err error) {
		found[i], err = s.transaction(ctx, ids[i], want[ids[i]])
		return err
	})
	if err != nil {
		return err
	}
	for i, id := range ids {
		t := found[i]
		if old := work.txs[id]; old != nil && t.height == 0 {
			t.time = min(t.time, old.time)
		}
		if t.opaque {
			s.opaque[id] = true
		}
		work.txs[id] = t
	}

	for i, h := range histories {
		x := script{status: message.StatusOf(h)}
		for _, e := range h {
			id := pow.Hash(e.TxHash)
			t := work.txs[id]
			if !t.opaque && !work.touches(t, scripts[i]) {
				return electrum.ErrProof // it has nothing to do with this script
			}
			x.history = append(x.history, id)
		}
		work.scripts[scripts[i].chain][scripts[i].index] = x
	}
	// Of what a transaction spends, only the wallet's own is of use.
	for _, id := range ids {
		t := work.txs[id]
		t.inputs = slices.Clip(slices.DeleteFunc(t.inputs, func(in electrum.Outpoint) bool {
			_, own := work.own(in)
			return !own
		}))
	}
	return nil
}

// settled tells whether a transaction is known as the history of a script has it.
func (s *session) settled(work *state, id pow.Hash, height int32, at place) bool {
	t := work.txs[id]
	switch {
	case t == nil:
		return false
	case t.opaque:
		return s.opaque[id] // asked for again by each session: it may have been this server's predecessor that lied
	}
	return work.touches(t, at) && t.height == max(height, 0)
}

// reach gets the headers that the histories name. A history can be newer than the last tip that was announced.
func (s *session) reach(ctx context.Context, histories []message.History) error {
	highest := int32(0)
	for _, h := range histories {
		for _, e := range h {
			highest = max(highest, e.Height)
		}
	}
	if highest <= s.w.chain.Height() {
		return nil
	}
	tip, err := s.client.SubscribeTip(ctx)
	if err != nil {
		return err
	}
	err = s.w.chain.Follow(ctx, s.client, tip)
	if errors.Is(err, electrum.ErrBehind) || errors.Is(err, electrum.ErrLowWork) || err == nil && highest > s.w.chain.Height() {
		return electrum.ErrProof // it names blocks that its own chain lacks: not a server to wait for
	}
	return err
}

// transaction fetches one, proves it when it has a height, and keeps what concerns the wallet.
func (s *session) transaction(ctx context.Context, id pow.Hash, height int32) (*tx, error) {
	raw, err := s.client.Transaction(ctx, id)
	if errors.Is(err, electrum.ErrTransaction) {
		return &tx{height: 0, opaque: true}, nil
	}
	if err != nil {
		return nil, err
	}
	t := &tx{coinbase: raw.Coinbase, time: uint32(s.w.o.now().Unix())}
	if height > 0 {
		header, ok := s.w.chain.Header(height)
		if !ok {
			return nil, electrum.ErrProof
		}
		if err := s.client.Prove(ctx, raw, height, header.Merkle); err != nil {
			return nil, err
		}
		t.height, t.block, t.time = height, header.BlockHash(), header.Time
	}
	for n, o := range raw.Outputs {
		s.mu.Lock()
		at, mine := s.places[message.ScriptHash(o.Script)]
		s.mu.Unlock()
		if mine {
			t.outputs = append(t.outputs, output{uint32(n), at, o.Value})
		}
	}
	if !raw.Coinbase {
		t.inputs = raw.Inputs
	}
	return t, nil
}

// prune drops transactions that are in no history any more.
func prune(work *state) {
	named := map[pow.Hash]bool{}
	for _, list := range work.scripts {
		for _, x := range list {
			for _, id := range x.history {
				named[id] = true
			}
		}
	}
	for id := range work.txs {
		if !named[id] {
			delete(work.txs, id)
		}
	}
}

// parallel calls f for 0 to n-1, a few at a time, and gives the first error, at which it stops.
func parallel(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var group sync.WaitGroup
	for range min(n, askAtOnce) {
		group.Go(func() {
			for i := range next {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}
