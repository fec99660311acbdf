// Package tx makes payments: of coins, a recipient and a fee rate, which coins are spent, what comes back as change,
// and what is left to the miners as fee; and signs it.
//
// It refuses amounts that nodes would not pass on, fees out of all proportion, and coins that cannot be spent yet:
// block rewards that ripen, coins that are worth less than it costs to spend them, and unconfirmed ones that are not
// the wallet's own change. What it has signed it checks as a node would, input by input, before it hands it out. It
// does no I/O, and keeps no key.
//
// Specifications: BIP141 and BIP143 (witness), BIP340, BIP341 and BIP86 (taproot, by key alone), BIP69 (the order of
// inputs and outputs), BIP125 (the payment may be replaced by a better one of the same owner). The lock time is the
// chain's present height, so that nobody gains by mining an older block anew.
package tx

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/hd"
)

var (
	// ErrAmount says that the amount is none.
	ErrAmount = errors.New("there is nothing to be paid")
	// ErrDust says that the amount is so small that nodes would not pass the payment on.
	ErrDust = errors.New("that is too little to be paid: nodes do not pass it on")
	// ErrFunds says that there is not enough to be spent; see [*FundsError].
	ErrFunds = errors.New("there is not enough to spend")
	// ErrRate says that the fee rate is not within what is sane for the coin.
	ErrRate = errors.New("that fee rate is out of all proportion")
	// ErrFee says that the fee would be out of all proportion.
	ErrFee = errors.New("the fee would be out of all proportion")
	// ErrTooMany says that so many coins would be spent at once that nodes would not pass the payment on.
	ErrTooMany = errors.New("that takes more coins than one payment may spend: pay it in parts")
)

// FundsError says how much is missing. It is an [ErrFunds].
type FundsError struct {
	Have coin.Amount // that can be spent now, fees for that not counted
	Need coin.Amount // the amount and the fee
}

// Error names both sums, in whole coins.
func (e *FundsError) Error() string {
	return fmt.Sprintf("%v: %s is there to spend now, and with the fee %s is needed", ErrFunds, e.Have, e.Need)
}

// Is tells errors.Is what this is.
func (e *FundsError) Is(target error) bool { return target == ErrFunds }

// Coin is an unspent output of the wallet.
type Coin struct {
	TxID   pow.Hash
	Index  uint32
	Amount coin.Amount
	Script []byte
	Kind   hd.Kind // of the address that it pays

	Chain, Address uint32 // which address, below the account

	Depth   int32 // confirmations
	Matures int32 // how many it must have
	Own     bool  // change of a payment that this wallet made: it may be spent unconfirmed
	// Must has it spent whatever else is: it was in a payment that is to be replaced.
	Must bool
}

func (c Coin) spendable() bool {
	return c.Depth >= max(c.Matures, 1) || c.Own && c.Depth == 0 && c.Matures <= 1
}

// Request is what is wanted.
type Request struct {
	Params *coin.Params
	Coins  []Coin
	Script []byte      // of the recipient
	Amount coin.Amount // that arrives; not looked at for All
	All    bool        // everything that can be spent, less the fee
	Rate   Rate
	Change []byte // the script that change goes to
	Height int32  // of the chain
}

// Plan is a payment that is not yet signed. What is spent is Amount, Change and Fee.
type Plan struct {
	Params *coin.Params
	Inputs []Coin
	Script []byte
	Amount coin.Amount
	Change coin.Amount // 0 for none
	Fee    coin.Amount
	VSize  int // the most that it takes, in virtual bytes

	change   []byte
	lockTime uint32
}

// Leaves is what leaves the wallet: what arrives, and the fee.
func (p Plan) Leaves() coin.Amount { return p.Amount + p.Fee }

// Rate is what the fee is for 1,000 virtual bytes.
func (p Plan) Rate() Rate {
	if p.VSize == 0 {
		return 0
	}
	return Rate(int64(p.Fee) * 1000 / int64(p.VSize))
}

// New chooses coins: a set that needs no change where one is found, else the largest first.
func New(r Request) (Plan, error) {
	l := limitsOf(r.Params)
	if r.Rate < l.floor || r.Rate > l.ceiling {
		return Plan{}, fmt.Errorf("%w: it is %s for a byte, and at least %s and at most %s are paid", ErrRate, r.Rate, l.floor, l.ceiling)
	}
	if !r.All {
		if r.Amount <= 0 {
			return Plan{}, ErrAmount
		}
		if least := Dust(r.Params, r.Script); r.Amount < least {
			return Plan{}, fmt.Errorf("%w; the least is %s", ErrDust, least)
		}
	}
	s := selection{Request: r}
	if err := s.sort(); err != nil {
		return Plan{}, err
	}
	p, err := s.choose()
	if err != nil {
		return Plan{}, err
	}
	p.Params, p.Script, p.change = r.Params, r.Script, r.Change
	p.lockTime = uint32(max(r.Height, 0))
	slices.SortFunc(p.Inputs, func(a, b Coin) int {
		x, y := [32]byte(a.TxID), [32]byte(b.TxID)
		slices.Reverse(x[:])
		slices.Reverse(y[:])
		return cmp.Or(bytes.Compare(x[:], y[:]), cmp.Compare(a.Index, b.Index))
	})
	return p, p.sane(r.Rate)
}

// sane refuses a fee that nobody can mean.
func (p Plan) sane(rate Rate) error {
	l := limitsOf(p.Params)
	if p.Fee > l.most {
		return fmt.Errorf("%w: %s, and Goldpan pays at most %s for one payment", ErrFee, p.Fee, l.most)
	}
	if rate > l.floor && p.Fee > p.Amount/2 {
		return fmt.Errorf("%w: %s, for a payment of %s", ErrFee, p.Fee, p.Amount)
	}
	return nil
}

// selection is a Request with its coins sorted out.
type selection struct {
	Request
	must, may []Coin // may by what each adds, the greatest first
	have      coin.Amount
}

// cost is what it costs to spend a coin of a kind.
func (s *selection) cost(k hd.Kind) coin.Amount {
	w, _, _ := inputWeight(k) // sort refused kinds that are none
	return coin.Amount((int64(s.Rate)*int64(w) + 3999) / 4000)
}

func (s *selection) sort() error {
	for _, c := range s.Coins {
		if _, _, err := inputWeight(c.Kind); err != nil {
			return err
		}
		if !c.spendable() || c.Amount <= s.cost(c.Kind) && !c.Must {
			continue
		}
		have, err := s.have.Add(c.Amount)
		if err != nil {
			return err
		}
		s.have = have
		if c.Must {
			s.must = append(s.must, c)
		} else {
			s.may = append(s.may, c)
		}
	}
	slices.SortFunc(s.may, func(a, b Coin) int {
		return cmp.Or(cmp.Compare(b.Amount, a.Amount), bytes.Compare(a.TxID[:], b.TxID[:]), cmp.Compare(a.Index, b.Index))
	})
	return nil
}

func (s *selection) choose() (Plan, error) {
	if s.All {
		return s.all()
	}
	if len(s.must) == 0 {
		if list := s.exact(); list != nil {
			if p, err := s.plan(list); err == nil {
				return p, nil
			}
		}
	}
	list := slices.Clone(s.must)
	for n := 0; ; n++ {
		p, err := s.plan(list)
		if !errors.Is(err, ErrFunds) || n == len(s.may) {
			return p, err
		}
		list = append(list, s.may[n])
	}
}

// all spends everything.
func (s *selection) all() (Plan, error) {
	list := slices.Concat(s.must, s.may)
	w, err := weight(kinds(list), s.Script)
	if err != nil {
		return Plan{}, err
	}
	fee := s.Rate.Fee(vsize(w))
	switch {
	case w > maxWeight:
		return Plan{}, ErrTooMany
	case len(list) == 0 || s.have-fee < Dust(s.Params, s.Script):
		return Plan{}, &FundsError{s.have, fee + Dust(s.Params, s.Script)}
	}
	return Plan{Inputs: list, Amount: s.have - fee, Fee: fee, VSize: vsize(w)}, nil
}

// plan pays with exactly these coins.
func (s *selection) plan(list []Coin) (Plan, error) {
	bare, err := weight(kinds(list), s.Script)
	if err != nil {
		return Plan{}, err
	}
	if bare > maxWeight {
		return Plan{}, ErrTooMany
	}
	in := sum(list)
	need, err := s.Amount.Add(s.Rate.Fee(vsize(bare)))
	if err != nil {
		return Plan{}, err
	}
	if in < need {
		return Plan{}, &FundsError{s.have, need}
	}
	// Change that would be dust, or would cost as much to spend as it is worth, is left to the miners.
	full := vsize(bare + outputWeight(s.Change))
	change := in - s.Amount - s.Rate.Fee(full)
	if change >= Dust(s.Params, s.Change) && change > s.cost(changeKind(list)) {
		return Plan{Inputs: list, Amount: s.Amount, Change: change, Fee: in - s.Amount - change, VSize: full}, nil
	}
	return Plan{Inputs: list, Amount: s.Amount, Fee: in - s.Amount, VSize: vsize(bare)}, nil
}

// changeKind is that of the account: all its coins are of one kind.
func changeKind(list []Coin) hd.Kind { return list[0].Kind }

const maxTries = 50_000

// exact looks for coins that pay without change, by branch and bound; nil if it finds none.
func (s *selection) exact() []Coin {
	if len(s.may) == 0 {
		return nil
	}
	bare, err := weight(nil, s.Script)
	if err != nil {
		return nil
	}
	least := s.Amount + s.Rate.Fee(vsize(bare)+1) // a witness's marker and flag
	if least < s.Amount || least > s.have {
		return nil
	}
	most := least + s.cost(s.may[0].Kind) + s.Rate.Fee(vsize(outputWeight(s.Change)))
	left := make([]coin.Amount, len(s.may)+1) // what all from here on add
	for i := len(s.may) - 1; i >= 0; i-- {
		left[i] = left[i+1] + s.may[i].Amount - s.cost(s.may[i].Kind)
	}
	var chosen []int
	best, waste := []int(nil), coin.Amount(math.MaxInt64)
	tries := 0
	var search func(i int, got coin.Amount)
	search = func(i int, got coin.Amount) {
		if tries++; tries > maxTries || got > most || got+left[i] < least {
			return
		}
		if got >= least {
			if got-least < waste {
				best, waste = slices.Clone(chosen), got-least
			}
			return
		}
		if i == len(s.may) {
			return
		}
		chosen = append(chosen, i)
		search(i+1, got+s.may[i].Amount-s.cost(s.may[i].Kind))
		chosen = chosen[:len(chosen)-1]
		// Of equal coins one is as good as the next: leave out all of them together.
		next := i + 1
		for next < len(s.may) && s.may[next].Amount == s.may[i].Amount {
			next++
		}
		search(next, got)
	}
	search(0, 0)
	if best == nil {
		return nil
	}
	list := make([]Coin, 0, len(best))
	for _, i := range best {
		list = append(list, s.may[i])
	}
	return list
}

func kinds(list []Coin) []hd.Kind {
	k := make([]hd.Kind, len(list))
	for i, c := range list {
		k[i] = c.Kind
	}
	return k
}

// sum does not overflow: sort saw to it that all coins together do not.
func sum(list []Coin) (total coin.Amount) {
	for _, c := range list {
		total += c.Amount
	}
	return total
}
