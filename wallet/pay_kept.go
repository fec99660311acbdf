package wallet

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

// Payments are kept in a blob of their own, sealed like the state beside it. One that was signed is written there
// before any server hears of it: what the servers forget, or the program does when it is killed, is sent again as it
// was, and nothing else is ever sent for the same coins.
const (
	maxOpen     = 200      // payments that are on their way at one time
	maxPayments = 5000     // that are kept; of those that are settled the oldest are forgotten
	maxPayFile  = 24 << 20 // bytes
	settledAt   = 100      // confirmations after which a payment is not sent again
)

// payment is one that was signed. What stands below the line is guarded by the wallet's mu, the rest never changes.
type payment struct {
	id      pow.Hash
	to      string
	amount  coin.Amount
	fee     coin.Amount
	made    time.Time
	inputs  []electrum.Outpoint
	outputs []output // that pay the wallet: its change

	raw     []byte // nil once it is settled
	taken   bool   // a server has had it
	given   bool   // it was given up: see GiveUp
	answers map[int]error
}

type paymentsJSON struct {
	Version  int           `json:"version"`
	Payments []paymentJSON `json:"payments"`
}

type paymentJSON struct {
	ID     message.Hash `json:"id"`
	To     string       `json:"to"`
	Amount int64        `json:"amount"`
	Fee    int64        `json:"fee"`
	Made   time.Time    `json:"made"`
	Raw    message.Hex  `json:"raw,omitempty"`
	Change []outputJSON `json:"change,omitempty"`
	Taken  bool         `json:"taken,omitempty"`
	Given  bool         `json:"given_up,omitempty"`
}

func encodePayments(list []*payment) ([]byte, error) {
	j := paymentsJSON{Version: 1, Payments: make([]paymentJSON, 0, len(list))}
	for _, p := range list {
		x := paymentJSON{ID: message.Hash(p.id), To: p.to, Amount: int64(p.amount), Fee: int64(p.fee), Made: p.made, Raw: p.raw, Taken: p.taken, Given: p.given}
		if p.raw != nil {
			for _, o := range p.outputs {
				x.Change = append(x.Change, outputJSON{o.n, o.to.chain, o.to.index, o.value})
			}
		}
		j.Payments = append(j.Payments, x)
	}
	return json.Marshal(j)
}

var errPayments = errors.New("wallet: the kept payments do not make sense")

// decodePayments reads what encodePayments wrote. What a payment spends is read from the signed transaction itself.
func decodePayments(b []byte) ([]*payment, error) {
	var j paymentsJSON
	if len(b) > maxPayFile || json.Unmarshal(b, &j) != nil || j.Version != 1 || len(j.Payments) > maxPayments {
		return nil, errPayments
	}
	list := make([]*payment, 0, len(j.Payments))
	seen := map[message.Hash]bool{}
	for _, x := range j.Payments {
		p := &payment{id: pow.Hash(x.ID), to: x.To, amount: coin.Amount(x.Amount), fee: coin.Amount(x.Fee), made: x.Made.UTC(), taken: x.Taken, given: x.Given}
		if seen[x.ID] || x.Amount < 0 || x.Fee < 0 || !plainText(x.To) {
			return nil, errPayments
		}
		seen[x.ID] = true
		if len(x.Raw) > 0 {
			t, err := electrum.ParseTransaction(x.Raw)
			if err != nil || t.ID != p.id || t.Coinbase {
				return nil, errPayments
			}
			p.raw, p.inputs = x.Raw, t.Inputs
			for _, o := range x.Change {
				if o.Chain > hd.Change || o.Index >= maxIndex || int64(o.N) >= int64(len(t.Outputs)) || t.Outputs[o.N].Value != o.Value {
					return nil, errPayments
				}
				p.outputs = append(p.outputs, output{o.N, place{o.Chain, o.Index}, o.Value})
			}
		}
		list = append(list, p)
	}
	return list, nil
}

func plainText(s string) bool {
	if len(s) > 200 || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

func (w *Wallet) paymentsName() string { return w.o.accountName() + "/payments" }

// loadPayments reads the kept payments, when the wallet is opened.
func (w *Wallet) loadPayments() {
	var list []*payment
	_, err := w.o.Storage.Read(w.paymentsName(), maxPayFile+1024, func(b []byte) error {
		plain, err := w.key.Open(b, w.purpose(w.paymentsName()))
		if err != nil {
			return ErrDamaged
		}
		list, err = decodePayments(plain)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// The wallet opens all the same, and sees at the servers what was sent.
		w.pays.damaged = fmt.Errorf("%w: %s", ErrPayments, w.paymentsName())
		return
	}
	w.pays.list = list
	w.put(w.state)
}

// savePayments writes a list of payments. When it returns, they are on the disk. The caller holds w.pays.busy.
func (w *Wallet) savePayments(list []*payment) error {
	if w.pays.damaged != nil {
		return w.pays.damaged
	}
	w.mu.Lock()
	plain, err := encodePayments(list)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	if len(plain) > maxPayFile {
		return errors.New("wallet: there are too many payments on their way")
	}
	sealed := w.key.Seal(plain, w.purpose(w.paymentsName()))
	// Twice, so that the previous copy is this one too: an older one does not know the last payment.
	for range 2 {
		if err := w.o.Storage.Write(w.paymentsName(), sealed); err != nil {
			return err
		}
	}
	return nil
}

// spentBy is which transaction of the state spends each outpoint; one in a block goes before others.
func (s *state) spentBy() map[electrum.Outpoint]pow.Hash {
	spent := map[electrum.Outpoint]pow.Hash{}
	for id, t := range s.txs {
		if !t.counts() {
			continue
		}
		for _, in := range t.inputs {
			if other, ok := spent[in]; !ok || s.txs[other].height == 0 {
				spent[in] = id
			}
		}
	}
	return spent
}

// rival is the transaction of the state that spends what p spends, if there is one.
func (p *payment) rival(spent map[electrum.Outpoint]pow.Hash) (id pow.Hash, ok bool) {
	for _, in := range p.inputs {
		if other, ok := spent[in]; ok && other != p.id {
			return other, true
		}
	}
	return pow.Hash{}, false
}

// withPayments is a state with the payments that no server has told of yet: what they spend is gone, what they bring
// back is on its way. The caller holds w.mu.
func (w *Wallet) withPayments(s *state) *state {
	open := false
	for _, p := range w.pays.list {
		open = open || p.raw != nil
	}
	if !open {
		return s
	}
	spent := s.spentBy()
	c := *s
	c.txs = maps.Clone(s.txs)
	for _, p := range w.pays.list {
		if t := s.txs[p.id]; p.raw == nil || p.given || t != nil && t.counts() {
			continue
		}
		if _, lost := p.rival(spent); lost {
			continue
		}
		c.txs[p.id] = &tx{time: uint32(p.made.Unix()), inputs: p.inputs, outputs: p.outputs}
	}
	return &c
}

// PayState says how a payment stands.
type PayState string

// How a payment stands.
const (
	PayWaiting   PayState = "waiting"   // no server has had it yet: it is sent as soon as one is reached
	PayRefused   PayState = "refused"   // the servers do not take it; it is offered to them again
	PaySent      PayState = "sent"      // on its way, in no block yet
	PayConfirmed PayState = "confirmed" // in a block
	PayReplaced  PayState = "replaced"  // another payment of the same coins is in a block: this one never will be
	PayGivenUp   PayState = "given up"  // it is not sent any more, and the next payment spends its coins
)

// Sent is a payment that was made with this wallet.
type Sent struct {
	TxID   pow.Hash
	To     string // the address
	Amount coin.Amount
	Fee    coin.Amount
	Made   time.Time
	State  PayState
	// Err is why the servers did not take it, in our own words; nil if they did or were not asked.
	Err error
}

// Payments is every payment that was made here, the newest first.
func (w *Wallet) Payments() []Sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	spent := w.state.spentBy()
	list := make([]Sent, 0, len(w.pays.list))
	for _, p := range w.pays.list {
		list = append(list, p.sent(w.state, spent))
	}
	slices.SortStableFunc(list, func(a, b Sent) int { return b.Made.Compare(a.Made) })
	return list
}

func (p *payment) sent(s *state, spent map[electrum.Outpoint]pow.Hash) Sent {
	x := Sent{TxID: p.id, To: p.to, Amount: p.amount, Fee: p.fee, Made: p.made, State: PayWaiting}
	t := s.txs[p.id]
	rival, beaten := p.rival(spent)
	refused := p.refusal()
	switch {
	case t != nil && t.height > 0, p.raw == nil && !p.given:
		x.State = PayConfirmed
	case beaten && s.txs[rival].height > 0:
		x.State = PayReplaced
	case t != nil:
		x.State = PaySent
	case p.given:
		x.State = PayGivenUp
	case refused != nil:
		x.State, x.Err = PayRefused, refused
	case p.taken:
		x.State = PaySent
	}
	return x
}

// refusal is what the servers said if all that were asked refused it.
func (p *payment) refusal() (err error) {
	for _, i := range slices.Sorted(maps.Keys(p.answers)) {
		a := p.answers[i]
		if a == nil {
			return nil
		}
		err = cmp.Or(err, a)
	}
	return err
}

// settle lets go of what need not be sent again, and says whether anything changed. The caller holds w.mu.
func (w *Wallet) settle() bool {
	s, changed := w.state, false
	var spent map[electrum.Outpoint]pow.Hash
	for _, p := range w.pays.list {
		if p.raw == nil {
			continue
		}
		if spent == nil {
			spent = s.spentBy()
		}
		t := s.txs[p.id]
		if t != nil && s.depth(t) >= settledAt {
			p.raw, p.inputs, p.outputs, changed = nil, nil, nil, true
			continue
		}
		rival, ok := p.rival(spent)
		if !ok || s.txs[rival].height == 0 {
			continue
		}
		changed = changed || !p.given
		p.given = true // should that block go again, this payment stays given up
		if s.depth(s.txs[rival]) >= settledAt {
			p.raw, p.inputs, p.outputs, changed = nil, nil, nil, true
		}
	}
	return changed
}

// trimmed leaves out the oldest that are settled.
func trimmed(list []*payment) []*payment {
	over := len(list) - maxPayments
	if over <= 0 {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(p *payment) bool {
		if over > 0 && p.raw == nil {
			over--
			return true
		}
		return false
	})
}

// find is a kept payment; the caller holds w.mu.
func (w *Wallet) find(id pow.Hash) *payment {
	for _, p := range w.pays.list {
		if bytes.Equal(p.id[:], id[:]) {
			return p
		}
	}
	return nil
}

// byID is the payments that were made, and not given up; the caller holds the wallet's mu.
func (p *payments) byID() map[pow.Hash]*payment {
	list := make(map[pow.Hash]*payment, len(p.list))
	for _, k := range p.list {
		list[k.id] = k
	}
	return list
}
