package wallet

import (
	"maps"

	"goldpan/core/pow"
	"goldpan/wallet/electrum"
)

// audit holds the server to what is proven: a transaction in a block of its own chain must be in the history that it
// tells. What is missing is asked for once more, because a block may have come in between; then it is
// electrum.ErrHidden.
func (s *session) audit(work *state) error {
	for c, list := range work.scripts {
		for i, x := range list {
			at := place{uint32(c), uint32(i)}
			claims := s.views[at].claims
			for _, id := range x.history {
				t := work.txs[id]
				if t.height == 0 || t.height > s.height || claims[id] == t.height {
					continue
				}
				if s.asked[at] {
					return electrum.ErrHidden
				}
				s.dirty[at] = true
				break
			}
		}
	}
	return nil
}

// commit puts what this pass learned into the wallet's state, which other servers may have changed meanwhile.
func (s *session) commit(work *state) {
	w := s.w
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.state.clone()
	for id, t := range s.found {
		next.txs[id] = joined(next.txs[id], t, s.chain)
	}
	for c := range work.scripts {
		for len(next.scripts[c]) < len(work.scripts[c]) {
			next.scripts[c] = append(next.scripts[c], script{})
		}
	}
	s.loose = map[pow.Hash]bool{}
	for _, v := range s.views {
		for id := range v.claims {
			if t := next.txs[id]; t != nil && t.height == 0 {
				s.loose[id] = true
			}
		}
	}
	for at := range s.asked {
		mine := work.scripts[at.chain][at.index]
		for _, id := range next.scripts[at.chain][at.index].history {
			if _, ok := s.views[at].claims[id]; ok {
				continue
			}
			if t := next.txs[id]; t != nil && (t.height > 0 || w.claimed(id)) {
				mine.history = append(mine.history[:len(mine.history):len(mine.history)], id)
				mine.status = ""
			}
		}
		next.scripts[at.chain][at.index] = mine
	}
	w.disown(next)
	prune(next)
	next.height = s.chain.Height()
	if next.watched(0) > len(next.scripts[0]) { // an address was asked for meanwhile
		s.stir()
	}
	w.put(next)
	for other := range w.servers.live {
		if other != s && len(s.found) > 0 {
			other.stir() // to be held to what was proven
		}
	}
}

// disown takes out of histories what is in no block and what no server that is connected claims any more.
func (w *Wallet) disown(next *state) {
	gone := map[pow.Hash]bool{}
	for id, t := range next.txs {
		if t.height == 0 && !w.claimed(id) {
			gone[id] = true
		}
	}
	if len(gone) == 0 {
		return
	}
	for c := range next.scripts {
		for i, x := range next.scripts[c] {
			kept := x.history[:0:0]
			for _, id := range x.history {
				if !gone[id] {
					kept = append(kept, id)
				}
			}
			if len(kept) < len(x.history) {
				next.scripts[c][i] = script{history: kept}
			}
		}
	}
	maps.DeleteFunc(next.txs, func(id pow.Hash, _ *tx) bool { return gone[id] })
}
