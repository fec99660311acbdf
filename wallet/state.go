package wallet

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

// Bounds of what a server can make a wallet keep.
const (
	maxTxs = 200_000
	// maxState bounds the sealed state, in bytes.
	maxState = 60 << 20
)

// state is what was learned of the chain. One that the wallet holds is never changed: a sync changes a clone, whose
// maps and lists are its own but whose items are shared.
type state struct {
	genesis pow.Hash // zero: not known
	height  int32    // of the last verified header, -1 before the first
	start   int32    // of the first header that is kept
	issued  int      // how many receiving addresses were asked for
	gap     int      // unused addresses in a row that end the search; 0 for GapLimit
	single  bool     // the account has no chain for change
	scripts [2][]script
	txs     map[pow.Hash]*tx
}

// script is one address's script.
type script struct {
	status  message.Status // of the history below
	history []pow.Hash
}

// place says which script.
type place struct{ chain, index uint32 }

// tx is a transaction that concerns the wallet. It is never changed.
type tx struct {
	height   int32    // of the block that holds it, proven; 0 for none
	block    pow.Hash // that block
	time     uint32   // of the block, or when it was first seen; Unix
	coinbase bool
	pegout   bool // it pays from Litecoin's extension block
	opaque   bool // could not be read; it counts for nothing
	inputs   []electrum.Outpoint
	outputs  []output // that pay the wallet
}

type output struct {
	n     uint32 // its place in the transaction
	to    place
	value int64
}

func newState() *state { return &state{height: -1, txs: map[pow.Hash]*tx{}} }

func (s *state) clone() *state {
	c := *s
	c.txs = maps.Clone(s.txs)
	for i := range c.scripts {
		c.scripts[i] = slices.Clone(s.scripts[i])
	}
	return &c
}

// used is the index after the last address that has a history.
func (s *state) used(chain uint32) int {
	list := s.scripts[chain]
	for i := len(list); i > 0; i-- {
		if len(list[i-1].history) > 0 {
			return i
		}
	}
	return 0
}

// watched is how many addresses of a chain to watch.
func (s *state) watched(chain uint32) int {
	if s.single && chain != hd.Receive {
		return 0
	}
	n := s.used(chain)
	if chain == hd.Receive {
		n = max(n, s.issued)
	}
	return min(n+s.gapLimit(), maxIndex)
}

// own is the output at an outpoint, if it is the wallet's.
func (s *state) own(p electrum.Outpoint) (output, bool) {
	if t := s.txs[p.TxID]; t != nil {
		for _, o := range t.outputs {
			if o.n == p.Index {
				return o, true
			}
		}
	}
	return output{}, false
}

// touches tells whether a transaction pays or spends from a script.
func (s *state) touches(t *tx, at place) bool {
	for _, o := range t.outputs {
		if o.to == at {
			return true
		}
	}
	for _, in := range t.inputs {
		if o, ok := s.own(in); ok && o.to == at {
			return true
		}
	}
	return false
}

// parts is how many inputs and outputs are kept.
func (t *tx) parts() int64 { return int64(len(t.inputs) + len(t.outputs)) }

// counts tells whether a transaction exists as far as a balance goes. A reward that is in no block does not.
func (t *tx) counts() bool { return !t.opaque && (t.height > 0 || !t.coinbase) }

func (s *state) depth(t *tx) int32 {
	if t.height == 0 || t.height > s.height {
		return 0
	}
	return s.height - t.height + 1
}

// pegoutMaturity is how deep a payment from the extension block must be: PEGOUT_MATURITY in consensus.h of Litecoin
// Core 0.21.
const pegoutMaturity = 6

// matures is how deep a transaction must be for its outputs to be spent.
func (t *tx) matures(maturity int) int32 {
	switch {
	case t.coinbase:
		return int32(maturity)
	case t.pegout:
		return pegoutMaturity
	}
	return 1
}

func (s *state) mature(t *tx, maturity int) bool {
	return t.height > 0 && s.depth(t) >= t.matures(maturity)
}

// balance is what is owned; an output below dust is of no use.
func (s *state) balance(maturity int, dust coin.Amount) (b Balance) {
	spent := map[electrum.Outpoint]bool{}
	for _, t := range s.txs {
		if t.counts() {
			for _, in := range t.inputs {
				spent[in] = true
			}
		}
	}
	for id, t := range s.txs {
		if !t.counts() {
			continue
		}
		for _, o := range t.outputs {
			if spent[electrum.Outpoint{TxID: id, Index: o.n}] {
				continue
			}
			value := coin.Amount(o.value)
			switch {
			case s.depth(t) == 0:
				b.Unconfirmed = add(b.Unconfirmed, value)
			case !s.mature(t, maturity):
				b.Immature = add(b.Immature, value)
			case value < dust:
				b.Dust = add(b.Dust, value)
			default:
				b.Confirmed = add(b.Confirmed, value)
			}
		}
	}
	return b
}

func (s *state) entries(maturity int) []Entry {
	list := make([]Entry, 0, len(s.txs))
	for id, t := range s.txs {
		if !t.counts() {
			continue
		}
		e := Entry{TxID: id, Time: time.Unix(int64(t.time), 0).UTC(), Height: t.height, Confirmations: s.depth(t),
			Reward: t.coinbase, Matures: t.matures(maturity), Mature: s.mature(t, maturity)}
		for _, o := range t.outputs {
			e.Amount = add(e.Amount, coin.Amount(o.value))
		}
		for _, in := range t.inputs {
			if o, ok := s.own(in); ok {
				e.Amount = add(e.Amount, -coin.Amount(o.value))
			}
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int {
		// Unconfirmed first, then from the tip down.
		at := func(e Entry) int64 {
			if e.Height == 0 {
				return math.MaxInt64
			}
			return int64(e.Height)
		}
		return cmp.Or(cmp.Compare(at(b), at(a)), b.Time.Compare(a.Time), slices.Compare(a.TxID[:], b.TxID[:]))
	})
	return list
}

// add stops at the end of the range: Dogecoin's whole supply is beyond it.
func add(a, b coin.Amount) coin.Amount {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}

// The state in the file.
type stateJSON struct {
	Version int             `json:"version"`
	Genesis message.Hash    `json:"genesis"`
	Start   int32           `json:"start,omitempty"`
	Issued  int             `json:"issued"`
	Gap     int             `json:"gap,omitempty"`
	Scripts [2][]scriptJSON `json:"scripts"`
	Txs     []txJSON        `json:"txs"`
}

type scriptJSON struct {
	Status  message.Status `json:"s,omitempty"`
	History []message.Hash `json:"h,omitempty"`
}

type txJSON struct {
	ID       message.Hash `json:"id"`
	Height   int32        `json:"h,omitempty"`
	Block    message.Hash `json:"b"`
	Time     uint32       `json:"t"`
	Coinbase bool         `json:"c,omitempty"`
	Pegout   bool         `json:"p,omitempty"`
	Opaque   bool         `json:"x,omitempty"`
	Inputs   []inputJSON  `json:"i,omitempty"`
	Outputs  []outputJSON `json:"o,omitempty"`
}

type inputJSON struct {
	TxID  message.Hash `json:"id"`
	Index uint32       `json:"n"`
}

type outputJSON struct {
	N     uint32 `json:"n"`
	Chain uint32 `json:"c,omitempty"`
	Index uint32 `json:"i,omitempty"`
	Value int64  `json:"v"`
}

func (s *state) encode() ([]byte, error) {
	j := stateJSON{Version: 1, Genesis: message.Hash(s.genesis), Start: s.start, Issued: s.issued, Gap: s.gap}
	for c, list := range s.scripts {
		j.Scripts[c] = make([]scriptJSON, len(list))
		for i, x := range list {
			j.Scripts[c][i].Status = x.status
			for _, id := range x.history {
				j.Scripts[c][i].History = append(j.Scripts[c][i].History, message.Hash(id))
			}
		}
	}
	for id, t := range s.txs {
		x := txJSON{ID: message.Hash(id), Height: t.height, Block: message.Hash(t.block), Time: t.time, Coinbase: t.coinbase, Pegout: t.pegout, Opaque: t.opaque}
		for _, in := range t.inputs {
			x.Inputs = append(x.Inputs, inputJSON{message.Hash(in.TxID), in.Index})
		}
		for _, o := range t.outputs {
			x.Outputs = append(x.Outputs, outputJSON{o.n, o.to.chain, o.to.index, o.value})
		}
		j.Txs = append(j.Txs, x)
	}
	slices.SortFunc(j.Txs, func(a, b txJSON) int {
		return cmp.Or(cmp.Compare(a.Height, b.Height), slices.Compare(a.ID[:], b.ID[:]))
	})
	return json.Marshal(j)
}

var errState = errors.New("wallet: saved state does not make sense")

// decodeState reads what encode wrote. Its height is -1: headers are kept apart.
func decodeState(b []byte) (*state, error) {
	var j stateJSON
	if len(b) > maxState || json.Unmarshal(b, &j) != nil || j.Version != 1 {
		return nil, errState
	}
	if j.Start < 0 || j.Gap < 0 || j.Gap > MaxGapLimit || j.Issued < 0 || j.Issued > maxIndex || len(j.Txs) > maxTxs {
		return nil, errState
	}
	s := newState()
	s.genesis, s.start, s.issued, s.gap = pow.Hash(j.Genesis), j.Start, j.Issued, j.Gap
	for _, x := range j.Txs {
		t := &tx{height: x.Height, block: pow.Hash(x.Block), time: x.Time, coinbase: x.Coinbase, pegout: x.Pegout, opaque: x.Opaque}
		for _, in := range x.Inputs {
			t.inputs = append(t.inputs, electrum.Outpoint{TxID: pow.Hash(in.TxID), Index: in.Index})
		}
		for _, o := range x.Outputs {
			if o.Chain > hd.Change || o.Index >= maxIndex || o.Value < 0 {
				return nil, errState
			}
			t.outputs = append(t.outputs, output{o.N, place{o.Chain, o.Index}, o.Value})
		}
		if t.height < 0 {
			return nil, errState
		}
		s.txs[pow.Hash(x.ID)] = t
	}
	for c, list := range j.Scripts {
		if len(list) > maxIndex {
			return nil, errState
		}
		s.scripts[c] = make([]script, len(list))
		for i, x := range list {
			s.scripts[c][i].status = x.Status
			for _, id := range x.History {
				if s.txs[pow.Hash(id)] == nil {
					return nil, errState
				}
				s.scripts[c][i].history = append(s.scripts[c][i].history, pow.Hash(id))
			}
		}
	}
	return s, nil
}
