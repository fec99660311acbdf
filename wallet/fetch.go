package wallet

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
)

const (
	// maxEntries bounds the histories that are asked for at once, of all scripts together.
	maxEntries = maxTxs
	// maxParts bounds the inputs and outputs that are kept of all transactions.
	maxParts = 1_000_000
)

// fetch asks for the histories of scripts, proves each confirmed transaction in them, and puts both into work.
func (s *session) fetch(ctx context.Context, work *state, scripts []place) error {
	histories := make([]message.History, len(scripts))
	var entries atomic.Int64
	err := s.each(ctx, PhaseHistories, len(scripts), func(ctx context.Context, i int) (err error) {
		histories[i], err = s.client.History(ctx, message.ScriptHash(s.scripts[scripts[i]]))
		if err == nil && entries.Add(int64(len(histories[i]))) > maxEntries {
			err = electrum.ErrLongHistory
		}
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
		return electrum.ErrLongHistory
	}
	old, err := s.settledHeaders(ctx, want)
	if err != nil {
		return err
	}
	ids := make([]pow.Hash, 0, len(want))
	for id := range want {
		ids = append(ids, id)
	}
	found := make([]*tx, len(ids))
	var parts atomic.Int64
	for _, t := range work.txs {
		parts.Add(t.parts())
	}
	err = s.each(ctx, PhaseTransactions, len(ids), func(ctx context.Context, i int) error {
		t, err := s.transaction(ctx, ids[i], want[ids[i]], old)
		if err != nil {
			return err
		}
		// What it spends of transactions that are in no history cannot be the wallet's.
		t.inputs = slices.Clip(slices.DeleteFunc(slices.Clone(t.inputs), func(in electrum.Outpoint) bool {
			_, listed := want[in.TxID]
			return !listed && work.txs[in.TxID] == nil
		}))
		if parts.Add(t.parts()) > maxParts {
			return electrum.ErrLongHistory
		}
		found[i] = t
		return nil
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
		t = joined(work.txs[id], t, s.chain)
		work.txs[id], s.found[id] = t, t
	}

	for i, h := range histories {
		x := script{status: message.StatusOf(h)}
		v := view{x.status, make(map[pow.Hash]int32, len(h))}
		for _, e := range h {
			id := pow.Hash(e.TxHash)
			if _, twice := v.claims[id]; twice {
				return electrum.ErrProof
			}
			v.claims[id] = max(e.Height, 0)
			t := work.txs[id]
			if !t.opaque && !work.touches(t, scripts[i]) {
				return electrum.ErrProof // it has nothing to do with this script
			}
			x.history = append(x.history, id)
		}
		x = s.kept(work, scripts[i], x, v)
		work.scripts[scripts[i].chain][scripts[i].index] = x
		s.views[scripts[i]], s.asked[scripts[i]] = v, true
	}
	// Of what a transaction spends, only the wallet's own is of use.
	for _, id := range ids {
		t := *work.txs[id]
		t.inputs = slices.Clip(slices.DeleteFunc(slices.Clone(t.inputs), func(in electrum.Outpoint) bool {
			_, own := work.own(in)
			return !own
		}))
		work.txs[id], s.found[id] = &t, &t
	}
	return nil
}

// kept is a script's history as this server tells it, with what is proven besides: the audit will hold the server to
// that.
func (s *session) kept(work *state, at place, x script, v view) script {
	for _, id := range work.scripts[at.chain][at.index].history {
		if _, told := v.claims[id]; !told && work.txs[id].height > 0 {
			x.history = append(x.history, id)
			x.status = ""
		}
	}
	return x
}

// joined is what two servers gave for a transaction: one that is in a block of the chain is never taken for one that
// is not.
func joined(old, t *tx, chain *electrum.Chain) *tx {
	if old == nil || old == t || old.opaque {
		return t
	}
	if t.opaque {
		return old
	}
	best := *t
	if t.height == 0 && old.height > 0 {
		if h, ok := chain.Hash(old.height); old.height < chain.Start() || ok && h == old.block {
			best.height, best.block, best.time = old.height, old.block, old.time
		}
	}
	for _, in := range old.inputs {
		if !slices.Contains(best.inputs, in) {
			best.inputs = append(best.inputs[:len(best.inputs):len(best.inputs)], in)
		}
	}
	for _, out := range old.outputs {
		if !slices.Contains(best.outputs, out) {
			best.outputs = append(best.outputs[:len(best.outputs):len(best.outputs)], out)
		}
	}
	return &best
}

// settledHeaders gets the headers of blocks that lie below those that are kept.
func (s *session) settledHeaders(ctx context.Context, want map[pow.Hash]int32) (map[int32]pow.Header, error) {
	var heights []int32
	for _, h := range want {
		if h > 0 && h < s.chain.Start() {
			heights = append(heights, h)
		}
	}
	if len(heights) == 0 {
		return nil, nil
	}
	slices.Sort(heights)
	return s.chain.Settled(ctx, &oldBlocks{session: s}, slices.Compact(heights))
}

// oldBlocks asks the server for headers below those that are kept, and counts them.
type oldBlocks struct {
	*session
	done int
}

func (o *oldBlocks) Headers(ctx context.Context, start int32, count int, checkpoint int32) ([]byte, error) {
	o.progress(PhaseBlocks, o.done, 0)
	o.done += count
	return o.client.Headers(ctx, start, count, checkpoint)
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
	return work.touches(t, at) && (t.height == max(height, 0) || t.height > 0 && height <= 0)
}

// reach gets the headers that the histories name. A history can be newer than the last tip that was announced.
func (s *session) reach(ctx context.Context, histories []message.History) error {
	highest := int32(0)
	for _, h := range histories {
		for _, e := range h {
			highest = max(highest, e.Height)
		}
	}
	if highest <= s.chain.Height() {
		return nil
	}
	tip, err := s.client.SubscribeTip(ctx)
	if err != nil {
		return err
	}
	err = s.reached(ctx, tip)
	if electrum.Waits(err) || err == nil && highest > s.height {
		return electrum.ErrProof // it names blocks that its own chain lacks: not a server to wait for
	}
	return err
}

// transaction fetches one, proves it when it has a height, and keeps what concerns the wallet.
func (s *session) transaction(ctx context.Context, id pow.Hash, height int32, old map[int32]pow.Header) (*tx, error) {
	raw, err := s.client.Transaction(ctx, id)
	if errors.Is(err, electrum.ErrTransaction) {
		return &tx{height: 0, opaque: true}, nil
	}
	if err != nil {
		return nil, err
	}
	if !plausible(raw, s.w.o.Params) {
		return nil, electrum.ErrProof
	}
	t := &tx{coinbase: raw.Coinbase, pegout: raw.Extension, time: uint32(s.w.o.now().Unix())}
	if height > 0 {
		header, ok := old[height]
		if !ok {
			header, ok = s.chain.Header(height)
		}
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

// plausible tells whether a transaction moves no more coins than the coin's rules let one, and spends nothing twice.
func plausible(t *electrum.Transaction, p *coin.Params) bool {
	var sum int64
	for _, o := range t.Outputs {
		sum += o.Value // which electrum bounds
	}
	if most, ok := map[string]int64{"bitcoin": 21_000_000, "litecoin": 84_000_000}[p.Coin.ID]; ok && sum > most*int64(coin.Unit) {
		return false // MAX_MONEY in amount.h of Bitcoin Core and Litecoin Core
	}
	spent := make(map[electrum.Outpoint]bool, len(t.Inputs))
	for _, in := range t.Inputs {
		if spent[in] {
			return false
		}
		spent[in] = true
	}
	return true
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
