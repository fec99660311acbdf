//go:build !js

package practice

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// index finds what wallets ask for: a script's transactions and unspent
// outputs, and the place of a transaction. It is in memory alone, read from the
// chain at start and kept up with every block, and it knows the main chain
// only; what waits in the memory pool is added by poolView. It is safe for
// concurrent use.
type index struct {
	mu      sync.RWMutex
	scripts map[message.Hash]*scriptRecord
	outputs map[wire.OutPoint]output // unspent
	txs     map[chainhash.Hash]place
	changed chan struct{} // closed and replaced on every change
	changes uint64
}

type scriptRecord struct {
	history []scriptTx // by height, then by place in the block
	unspent map[wire.OutPoint]struct{}
	version uint64 // counts changes
}

type scriptTx struct {
	height int32
	tx     chainhash.Hash
}

type output struct {
	script   message.Hash
	value    int64
	height   int32
	position uint32 // of the transaction in its block
}

type place struct {
	height   int32
	position uint32
}

func newIndex() *index {
	return &index{
		scripts: map[message.Hash]*scriptRecord{},
		outputs: map[wire.OutPoint]output{},
		txs:     map[chainhash.Hash]place{},
		changed: make(chan struct{}),
	}
}

// build reads the whole main chain.
func (x *index) build(c *chain) error {
	for h := int32(0); h <= c.tip().Height; h++ {
		block, err := c.best.BlockByHeight(h)
		if err != nil {
			return fmt.Errorf("index block %d: %w", h, err)
		}
		x.connect(block)
	}
	return nil
}

// connect adds a block that became the tip.
func (x *index) connect(block *btcutil.Block) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, tx := range block.Transactions() {
		at := place{block.Height(), uint32(i)}
		touched := map[message.Hash]struct{}{}
		if i > 0 {
			for _, in := range tx.MsgTx().TxIn {
				out, ok := x.outputs[in.PreviousOutPoint]
				if !ok {
					continue // cannot be: btcd has checked the block
				}
				delete(x.outputs, in.PreviousOutPoint)
				delete(x.scripts[out.script].unspent, in.PreviousOutPoint)
				touched[out.script] = struct{}{}
			}
		}
		for n, out := range tx.MsgTx().TxOut {
			if h, ok := x.add(tx.Hash(), n, out, at); ok {
				touched[h] = struct{}{}
			}
		}
		for h := range touched {
			r := x.scripts[h]
			r.history = append(r.history, scriptTx{at.height, *tx.Hash()})
			r.version++
		}
		x.txs[*tx.Hash()] = at
	}
	x.announce()
}

// add makes an output unspent, unless nobody can ever spend it.
func (x *index) add(tx *chainhash.Hash, n int, out *wire.TxOut, at place) (message.Hash, bool) {
	if txscript.IsUnspendable(out.PkScript) {
		return message.Hash{}, false
	}
	h := message.ScriptHash(out.PkScript)
	r := x.scripts[h]
	if r == nil {
		r = &scriptRecord{unspent: map[wire.OutPoint]struct{}{}}
		x.scripts[h] = r
	}
	point := wire.OutPoint{Hash: *tx, Index: uint32(n)}
	r.unspent[point] = struct{}{}
	x.outputs[point] = output{h, out.Value, at.height, at.position}
	return h, true
}

// disconnect takes back the tip. c finds the outputs that it had spent.
func (x *index) disconnect(block *btcutil.Block, c *chain) {
	x.mu.Lock()
	defer x.mu.Unlock()
	txs := block.Transactions()
	for i := len(txs) - 1; i >= 0; i-- {
		tx := txs[i]
		touched := map[message.Hash]struct{}{}
		for n, out := range tx.MsgTx().TxOut {
			h := message.ScriptHash(out.PkScript)
			point := wire.OutPoint{Hash: *tx.Hash(), Index: uint32(n)}
			if _, ok := x.outputs[point]; ok {
				delete(x.outputs, point)
				delete(x.scripts[h].unspent, point)
				touched[h] = struct{}{}
			}
		}
		if i > 0 {
			for _, in := range tx.MsgTx().TxIn {
				at := x.txs[in.PreviousOutPoint.Hash]
				prev := findTx(txs[:i], &in.PreviousOutPoint.Hash)
				if prev == nil {
					if b, err := c.best.BlockByHeight(at.height); err == nil {
						prev = findTx(b.Transactions(), &in.PreviousOutPoint.Hash)
					}
				}
				if prev == nil || int(in.PreviousOutPoint.Index) >= len(prev.MsgTx().TxOut) {
					continue
				}
				n := int(in.PreviousOutPoint.Index)
				if h, ok := x.add(prev.Hash(), n, prev.MsgTx().TxOut[n], at); ok {
					touched[h] = struct{}{}
				}
			}
		}
		for h := range touched {
			r := x.scripts[h]
			r.history = slices.DeleteFunc(r.history, func(e scriptTx) bool { return e.tx == *tx.Hash() })
			r.version++
		}
		delete(x.txs, *tx.Hash())
	}
	x.announce()
}

func findTx(txs []*btcutil.Tx, hash *chainhash.Hash) *btcutil.Tx {
	for _, tx := range txs {
		if *tx.Hash() == *hash {
			return tx
		}
	}
	return nil
}

// announce wakes whoever waits for a change; x is locked.
func (x *index) announce() {
	x.changes++
	close(x.changed)
	x.changed = make(chan struct{})
}

// touch announces that the memory pool changed.
func (x *index) touch() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.announce()
}

// wait returns how many changes there were, and a channel that is closed at the
// next.
func (x *index) wait() (changes uint64, next <-chan struct{}) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.changes, x.changed
}

// version counts the changes of a script's confirmed history.
func (x *index) version(h message.Hash) uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if r := x.scripts[h]; r != nil {
		return r.version
	}
	return 0
}

// historyOf is a script's confirmed history, oldest first; false says that it
// has more than limit entries.
func (x *index) historyOf(h message.Hash, limit int) (message.History, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	r := x.scripts[h]
	if r == nil {
		return nil, true
	}
	if len(r.history) > limit {
		return nil, false
	}
	out := make(message.History, len(r.history))
	for i, e := range r.history {
		out[i] = message.HistoryEntry{Height: e.height, TxHash: message.Hash(e.tx)}
	}
	return out, true
}

// unspentOf are a script's confirmed unspent outputs, oldest first; false says
// that there are more than limit.
func (x *index) unspentOf(h message.Hash, limit int) (message.Unspent, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	r := x.scripts[h]
	if r == nil {
		return nil, true
	}
	if len(r.unspent) > limit {
		return nil, false
	}
	type item struct {
		message.UnspentEntry
		position uint32
	}
	items := make([]item, 0, len(r.unspent))
	for point := range r.unspent {
		o := x.outputs[point]
		items = append(items, item{message.UnspentEntry{
			Height: o.height, Position: point.Index, TxHash: message.Hash(point.Hash), Value: o.value,
		}, o.position})
	}
	slices.SortFunc(items, func(a, b item) int {
		return slices.Compare(
			[]int64{int64(a.Height), int64(a.position), int64(a.Position)},
			[]int64{int64(b.Height), int64(b.position), int64(b.Position)})
	})
	out := make(message.Unspent, len(items))
	for i, it := range items {
		out[i] = it.UnspentEntry
	}
	return out, true
}

// find is the place of a confirmed transaction.
func (x *index) find(tx message.Hash) (place, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	at, ok := x.txs[chainhash.Hash(tx)]
	return at, ok
}

// poolView is what the memory pool holds for one script.
type poolView struct {
	history message.History // first those that spend only what is confirmed
	created message.Unspent // outputs that wait
	spent   []wire.OutPoint // outputs of it that waiting transactions spend
	delta   int64           // change of the balance, satoshi
}

// pooled looks through the memory pool, which is small, for a script.
func (c *chain) pooled(h message.Hash) poolView {
	var v poolView
	descs := c.txs.TxDescs()
	if len(descs) == 0 {
		return v
	}
	waiting := make(map[chainhash.Hash]*wire.MsgTx, len(descs))
	for _, d := range descs {
		waiting[*d.Tx.Hash()] = d.Tx.MsgTx()
	}
	slices.SortFunc(descs, func(a, b *mempool.TxDesc) int {
		return slices.Compare(a.Tx.Hash()[:], b.Tx.Hash()[:])
	})
	c.index.mu.RLock()
	defer c.index.mu.RUnlock()
	spentByPool := map[wire.OutPoint]struct{}{}
	for _, d := range descs {
		touches, height := false, int32(0)
		for _, in := range d.Tx.MsgTx().TxIn {
			p := in.PreviousOutPoint
			spentByPool[p] = struct{}{}
			if parent := waiting[p.Hash]; parent != nil {
				height = -1
				if int(p.Index) < len(parent.TxOut) && message.ScriptHash(parent.TxOut[p.Index].PkScript) == h {
					touches = true
					v.delta -= parent.TxOut[p.Index].Value
					v.spent = append(v.spent, p)
				}
			} else if o, ok := c.index.outputs[p]; ok && o.script == h {
				touches = true
				v.delta -= o.value
				v.spent = append(v.spent, p)
			}
		}
		for n, out := range d.Tx.MsgTx().TxOut {
			if message.ScriptHash(out.PkScript) == h {
				touches = true
				v.delta += out.Value
				v.created = append(v.created, message.UnspentEntry{
					Position: uint32(n), TxHash: message.Hash(*d.Tx.Hash()), Value: out.Value,
				})
			}
		}
		if touches {
			fee := d.Fee
			v.history = append(v.history, message.HistoryEntry{Height: height, TxHash: message.Hash(*d.Tx.Hash()), Fee: &fee})
		}
	}
	slices.SortStableFunc(v.history, func(a, b message.HistoryEntry) int { return int(b.Height) - int(a.Height) })
	v.created = slices.DeleteFunc(v.created, func(e message.UnspentEntry) bool {
		_, gone := spentByPool[outPoint(e)]
		return gone
	})
	return v
}

// merkleBranch is the branch of any leaf, from the leaf up.
func merkleBranch(leaves []pow.Hash, at uint32) []message.Hash {
	level := slices.Clone(leaves)
	var branch []message.Hash
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		branch = append(branch, message.Hash(level[at^1]))
		for i := 0; i < len(level); i += 2 {
			level[i/2] = pow.MerkleRoot(level[i], level[i+1:i+2])
		}
		level, at = level[:len(level)/2], at/2
	}
	return branch
}

// txIDs are the ids of a block's transactions.
func txIDs(txs []*btcutil.Tx) []pow.Hash {
	ids := make([]pow.Hash, len(txs))
	for i, tx := range txs {
		ids[i] = pow.Hash(*tx.Hash())
	}
	return ids
}

func outPoint(u message.UnspentEntry) wire.OutPoint {
	return wire.OutPoint{Hash: chainhash.Hash(u.TxHash), Index: u.Position}
}

func ptr(h message.Hash) *chainhash.Hash { return (*chainhash.Hash)(&h) }

// mergeSteps sorts by rate, the highest first, and joins equal rates.
func mergeSteps(steps message.FeeSteps) message.FeeSteps {
	slices.SortFunc(steps, func(a, b message.FeeStep) int { return cmp.Compare(b.Rate, a.Rate) })
	out := steps[:0]
	for _, s := range steps {
		if n := len(out); n > 0 && out[n-1].Rate == s.Rate {
			out[n-1].VSize += s.VSize
			continue
		}
		out = append(out, s)
	}
	return out
}
