package tx

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/pow"
	"goldpan/wallet/hd"
)

// purse makes coins of one account, and signs with its keys.
type purse struct {
	t       testing.TB
	params  *coin.Params
	account *hd.Account
	keys    *hd.Keys
	next    uint32
	scripts map[[2]uint32][]byte
}

func newPurse(t testing.TB, id string, n coin.Network, purpose uint32) *purse {
	t.Helper()
	p := cointest.Params(t, id, n)
	path, err := hd.PathOf(p, purpose, 0)
	if err != nil {
		t.Fatal(err)
	}
	seed := bytes.Repeat([]byte{7}, 64)
	account, err := hd.NewAccountAt(seed, p, path)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := hd.NewKeys(seed, p, path)
	if err != nil {
		t.Fatal(err)
	}
	return &purse{t: t, params: p, account: account, keys: keys, scripts: map[[2]uint32][]byte{}}
}

func (p *purse) script(chain, index uint32) []byte {
	p.t.Helper()
	if s := p.scripts[[2]uint32{chain, index}]; s != nil {
		return s
	}
	s, err := p.account.Script(chain, index)
	if err != nil {
		p.t.Fatal(err)
	}
	p.scripts[[2]uint32{chain, index}] = s
	return s
}

// coin is a confirmed one that can be spent.
func (p *purse) coin(a coin.Amount) Coin {
	p.next++
	return Coin{TxID: pow.Hash{0: byte(p.next), 1: byte(p.next >> 8), 31: 9}, Index: p.next % 3, Amount: a, Script: p.script(hd.Receive, p.next%5),
		Kind: p.account.Kind(), Chain: hd.Receive, Address: p.next % 5, Depth: 10, Matures: 1}
}

func (p *purse) request(amount coin.Amount, coins ...Coin) Request {
	return Request{Params: p.params, Coins: coins, Script: p.script(hd.Receive, 40), Amount: amount, Rate: 2 * Floor(p.params), Change: p.script(hd.Change, 0), Height: 500}
}

func (p *purse) sign(plan Plan) (Signed, error) {
	return Sign(plan, func(c Coin) (*btcec.PrivateKey, error) { return p.keys.Private(c.Chain, c.Address) })
}

// kindsOfCoins is every kind of address of every coin.
func kindsOfCoins(t *testing.T, f func(t *testing.T, p *purse)) {
	for id, purposes := range map[string][]uint32{"bitcoin": {44, 49, 84, 86}, "litecoin": {44, 49, 84, 86}, "dogecoin": {44}} {
		for _, purpose := range purposes {
			t.Run(fmt.Sprintf("%s %d", id, purpose), func(t *testing.T) { f(t, newPurse(t, id, coin.Main, purpose)) })
		}
	}
}

// What is signed is what was planned, no longer than thought, at the rate asked for, and each input holds.
func TestPlanAndSign(t *testing.T) {
	kindsOfCoins(t, func(t *testing.T, p *purse) {
		unit := 100 * coin.Unit
		for _, n := range []int{1, 2, 7, 253} {
			if n > 252 && p.account.Kind() != hd.WPKH {
				continue // their number takes three bytes
			}
			var coins []Coin
			for range n {
				coins = append(coins, p.coin(unit))
			}
			r := p.request(coin.Amount(n)*unit-unit/3, coins...)
			r.Rate = Floor(p.params) * 3 / 2
			plan, err := New(r)
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Inputs) != n || plan.Change <= 0 || sum(plan.Inputs) != plan.Amount+plan.Change+plan.Fee || plan.Leaves() != plan.Amount+plan.Fee {
				t.Fatalf("%d coins: %+v", n, plan)
			}
			if plan.Fee != r.Rate.Fee(plan.VSize) {
				t.Errorf("%d coins: the fee is %s for %d bytes", n, plan.Fee, plan.VSize)
			}
			s, err := p.sign(plan)
			if err != nil {
				t.Fatal(err)
			}
			// A signature of a key's hash is at most two bytes shorter than thought, and most often one.
			if s.VSize > plan.VSize || s.VSize < plan.VSize-3*n {
				t.Errorf("%d coins: %d bytes, thought were %d", n, s.VSize, plan.VSize)
			}
			if p.account.Kind() == hd.TR && s.VSize != plan.VSize {
				t.Errorf("taproot's size is exact: %d, thought were %d", s.VSize, plan.VSize)
			}
			msg := wire.NewMsgTx(0)
			if err := msg.Deserialize(bytes.NewReader(s.Raw)); err != nil || pow.Hash(msg.TxHash()) != s.ID {
				t.Fatalf("%v", err)
			}
			var out coin.Amount
			for _, o := range msg.TxOut {
				out += coin.Amount(o.Value)
			}
			if out != plan.Amount+plan.Change || len(msg.TxOut) != 2 || msg.LockTime != 500 || msg.TxIn[0].Sequence != 0xfffffffd || msg.Version != 2 {
				t.Errorf("%+v", msg)
			}
			if msg.TxOut[0].Value > msg.TxOut[1].Value {
				t.Error("outputs are not in BIP69's order")
			}
			for i := 1; i < len(msg.TxIn); i++ {
				a, b := msg.TxIn[i-1].PreviousOutPoint, msg.TxIn[i].PreviousOutPoint
				if a.Hash.String() > b.Hash.String() || a.Hash == b.Hash && a.Index >= b.Index {
					t.Error("inputs are not in BIP69's order")
				}
			}
		}
	})
}

// A signature is nobody's but the key's: one of another key, or of another amount where the kind commits to it, is
// refused before it is handed out.
func TestSignRefuses(t *testing.T) {
	kindsOfCoins(t, func(t *testing.T, p *purse) {
		plan, err := New(p.request(coin.Unit/2, p.coin(coin.Unit)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Sign(plan, func(c Coin) (*btcec.PrivateKey, error) { return p.keys.Private(c.Chain, c.Address+1) }); !errors.Is(err, ErrSign) {
			t.Errorf("another's key: %v", err)
		}
		for name, change := range map[string]func(*Plan){
			"more to the recipient": func(p *Plan) { p.Amount++ },
			"more to the miners":    func(p *Plan) { p.Fee++ },
			"a fee below nothing":   func(p *Plan) { p.Amount, p.Fee = p.Amount+2*p.Fee, -p.Fee },
			"all to the miners":     func(p *Plan) { p.Fee, p.Amount, p.Change = p.Fee+p.Amount+p.Change-1, 1, 0 },
		} {
			bad := plan
			change(&bad)
			if s, err := p.sign(bad); !errors.Is(err, ErrSign) && (name != "all to the miners" || bad.Fee > MostFee(p.params)) {
				t.Errorf("%s: %v, %x", name, err, s.Raw)
			}
		}
	})
}

func TestWhichCoins(t *testing.T) {
	p := newPurse(t, "bitcoin", coin.Main, 84)
	with := func(change func(*Coin)) Coin {
		c := p.coin(5 * coin.Unit)
		change(&c)
		return c
	}
	never := []Coin{
		with(func(c *Coin) { c.Depth = 0 }),
		with(func(c *Coin) { c.Depth, c.Matures = 99, 100 }),
		with(func(c *Coin) { c.Depth, c.Matures, c.Own = 0, 100, true }),
		with(func(c *Coin) { c.Amount = 100 }),
		with(func(c *Coin) { c.Amount = 0 }),
	}
	if _, err := New(p.request(1000, never...)); !errors.Is(err, ErrFunds) {
		t.Errorf("coins that cannot be spent: %v", err)
	}
	for _, c := range []Coin{
		with(func(c *Coin) { c.Depth = 1 }),
		with(func(c *Coin) { c.Depth, c.Matures = 100, 100 }),
		with(func(c *Coin) { c.Depth, c.Own = 0, true }),
	} {
		plan, err := New(p.request(coin.Unit, append(never, c)...))
		if err != nil || len(plan.Inputs) != 1 || plan.Inputs[0].TxID != c.TxID {
			t.Errorf("%+v: %v, %v", c, plan, err)
		}
	}
	// Everything is all of them that can be spent, and nothing comes back.
	good := []Coin{p.coin(3 * coin.Unit), p.coin(2 * coin.Unit)}
	r := p.request(0, append(never, good...)...)
	r.All = true
	plan, err := New(r)
	if err != nil || len(plan.Inputs) != 2 || plan.Change != 0 || plan.Amount+plan.Fee != 5*coin.Unit || plan.Fee != r.Rate.Fee(plan.VSize) {
		t.Errorf("everything: %+v, %v", plan, err)
	}
	if s, err := p.sign(plan); err != nil || s.VSize > plan.VSize {
		t.Errorf("%v", err)
	}
}

func TestSelection(t *testing.T) {
	p := newPurse(t, "bitcoin", coin.Main, 84)
	amounts := func(plan Plan) map[coin.Amount]int {
		m := map[coin.Amount]int{}
		for _, c := range plan.Inputs {
			m[c.Amount]++
		}
		return m
	}
	many := []Coin{p.coin(1 * coin.Unit), p.coin(2 * coin.Unit), p.coin(8 * coin.Unit), p.coin(4 * coin.Unit)}
	plan, err := New(p.request(10*coin.Unit, many...))
	if err != nil || len(plan.Inputs) != 2 || amounts(plan)[8*coin.Unit] != 1 || amounts(plan)[4*coin.Unit] != 1 {
		t.Errorf("the largest first: %v, %v", amounts(plan), err)
	}
	// Coins that fit need no change: 1 and 4 for 5 less a fee of two inputs and one output.
	exact := p.request(5*coin.Unit-Rate(2000).Fee(181), many...)
	plan, err = New(exact)
	if err != nil || plan.Change != 0 || len(plan.Inputs) != 2 || amounts(plan)[coin.Unit] != 1 || amounts(plan)[4*coin.Unit] != 1 {
		t.Errorf("a set that fits: %v %v, %v", plan, amounts(plan), err)
	}
	// What is to be replaced is spent, though others would do.
	small := p.coin(coin.Unit / 10)
	small.Must = true
	plan, err = New(p.request(coin.Unit, append(many, small)...))
	if err != nil || amounts(plan)[coin.Unit/10] != 1 {
		t.Errorf("a coin that must be spent: %v, %v", amounts(plan), err)
	}
	// Change that would be dust goes to the miners, and no more than that does.
	plan, err = New(p.request(coin.Unit-500, p.coin(coin.Unit)))
	if err != nil || plan.Change != 0 || plan.Fee != 500 {
		t.Errorf("%+v, %v", plan, err)
	}
	var funds *FundsError
	if _, err := New(p.request(20*coin.Unit, many...)); !errors.As(err, &funds) || funds.Have != 15*coin.Unit || funds.Need <= 20*coin.Unit {
		t.Errorf("%v", err)
	}
	if _, err := New(p.request(15*coin.Unit, many...)); !errors.Is(err, ErrFunds) {
		t.Errorf("nothing is left for the fee: %v", err)
	}
	// The same wish is the same payment.
	one, _ := New(p.request(3*coin.Unit, many...))
	two, _ := New(p.request(3*coin.Unit, many[3], many[1], many[0], many[2]))
	if fmt.Sprint(one) != fmt.Sprint(two) {
		t.Errorf("%v, %v", one, two)
	}
}

// A thousand equal coins, as a miner has them, and a thousand of chance are chosen from at once.
func TestManyCoins(t *testing.T) {
	p := newPurse(t, "litecoin", coin.Main, 84)
	random := rand.New(rand.NewPCG(1, 2))
	var equal, chance []Coin
	for range 1000 {
		equal = append(equal, p.coin(coin.Unit))
		chance = append(chance, p.coin(coin.Amount(random.Int64N(int64(coin.Unit)))))
	}
	for _, list := range [][]Coin{equal, chance} {
		plan, err := New(p.request(100*coin.Unit, list...))
		if err != nil || plan.Fee > 2*plan.Rate().Fee(plan.VSize) {
			t.Errorf("%v", err)
		}
	}
	// 100,000 virtual bytes are some 1,470 inputs.
	for range 1000 {
		equal = append(equal, p.coin(coin.Unit))
	}
	r := p.request(0, equal...)
	r.All = true
	if _, err := New(r); !errors.Is(err, ErrTooMany) {
		t.Errorf("%v", err)
	}
	if _, err := New(p.request(1900*coin.Unit, equal...)); !errors.Is(err, ErrTooMany) {
		t.Errorf("%v", err)
	}
}

func TestRefusals(t *testing.T) {
	for id, c := range map[string]struct{ dust coin.Amount }{
		"bitcoin": {294}, "litecoin": {2940}, "dogecoin": {coin.Unit / 100},
	} {
		purpose := uint32(84)
		if id == "dogecoin" {
			purpose = 44
		}
		p := newPurse(t, id, coin.Main, purpose)
		rich := []Coin{p.coin(50 * coin.Unit), p.coin(1000 * coin.Unit)}
		for name, bad := range map[string]struct {
			change func(*Request)
			want   error
		}{
			"nothing":         {func(r *Request) { r.Amount = 0 }, ErrAmount},
			"less":            {func(r *Request) { r.Amount = -5 }, ErrAmount},
			"dust":            {func(r *Request) { r.Amount = c.dust - 1 }, ErrDust},
			"no rate":         {func(r *Request) { r.Rate = 0 }, ErrRate},
			"too low a rate":  {func(r *Request) { r.Rate = Floor(p.params) - 1 }, ErrRate},
			"too high a rate": {func(r *Request) { r.Rate = Ceiling(p.params) + 1 }, ErrRate},
			"a large share":   {func(r *Request) { r.Amount, r.Rate = 2*c.dust, 40*Floor(p.params) }, ErrFee},
		} {
			r := p.request(coin.Unit, rich...)
			bad.change(&r)
			if plan, err := New(r); !errors.Is(err, bad.want) {
				t.Errorf("%s, %s: %+v, %v", id, name, plan, err)
			}
		}
		r := p.request(c.dust, rich...)
		r.Rate = Floor(p.params)
		if plan, err := New(r); err != nil || plan.Amount != c.dust {
			t.Errorf("%s: the least that is no dust: %v", id, err)
		}
		// The most that a fee may be, however much is paid.
		var all []Coin
		for range 1000 {
			all = append(all, p.coin(coin.Unit))
		}
		r = p.request(0, all...)
		r.All, r.Rate = true, Ceiling(p.params)
		if plan, err := New(r); !errors.Is(err, ErrFee) && !errors.Is(err, ErrTooMany) {
			t.Errorf("%s: %s", id, plan.Fee)
		}
	}
}

// Sources: policy_tests of Bitcoin Core for 546, 540, 294 and 330.
func TestDust(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Main)
	for text, want := range map[string]coin.Amount{
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa":                             546,
		"3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy":                             540,
		"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu":                     294,
		"bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3": 330,
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": 330,
	} {
		a, err := p.ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Dust(p, a.Script); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestAgree(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Main)
	for _, c := range []struct {
		in   []Rate
		want Rate
		ok   bool
	}{
		{nil, 0, false},
		{[]Rate{0, -1}, 0, false},
		{[]Rate{5000}, 5000, true},
		{[]Rate{5000, 900_000_000}, 5000, true},
		{[]Rate{5000, 900_000_000, 6000}, 6000, true},
		{[]Rate{1, 2, 5000}, 1000, true},
		{[]Rate{900_000_000}, Ceiling(p), true},
		{[]Rate{-1, 0, 7000, 0}, 7000, true},
	} {
		if got, ok := Agree(p, c.in); got != c.want || ok != c.ok {
			t.Errorf("%v: %d, %v", c.in, got, ok)
		}
	}
}

func TestRate(t *testing.T) {
	for f, want := range map[float64]Rate{1: 1000, 1.5: 1500, 0.0004: 0, -1: 0, 1e300: 0} {
		if got := PerByte(f); got != want {
			t.Errorf("%v: %d", f, got)
		}
	}
	if Rate(1500).String() != "1.5" || Rate(2000).String() != "2" || Rate(1001).Fee(1000) != 1001 || Rate(1001).Fee(1) != 2 {
		t.Error("a rate is not what it says")
	}
}

// Whatever coins there are and whatever is asked for: a plan adds up, pays the rate, and can be signed.
func FuzzPlan(f *testing.F) {
	f.Add(uint64(1), uint64(2), int64(100_000), int64(3000), false)
	f.Add(uint64(9), uint64(7), int64(1<<40), int64(900_000), true)
	f.Fuzz(func(t *testing.T, a, b uint64, amount, rate int64, all bool) {
		random := rand.New(rand.NewPCG(a, b))
		p := newPurse(t, "bitcoin", coin.Main, []uint32{44, 49, 84, 86}[a%4])
		var coins []Coin
		for range random.IntN(12) {
			c := p.coin(coin.Amount(random.Int64N(1 << (8 + random.UintN(34)))))
			c.Depth, c.Must = random.Int32N(3), random.IntN(8) == 0
			coins = append(coins, c)
		}
		r := p.request(coin.Amount(amount), coins...)
		r.Rate, r.All = Rate(rate), all
		plan, err := New(r)
		if err != nil {
			return
		}
		if sum(plan.Inputs) != plan.Amount+plan.Change+plan.Fee || plan.Fee < r.Rate.Fee(plan.VSize) || plan.Amount < Dust(p.params, r.Script) ||
			plan.Change != 0 && plan.Change < Dust(p.params, r.Change) || !all && plan.Amount != r.Amount {
			t.Fatalf("%+v", plan)
		}
		for _, c := range plan.Inputs {
			if c.Depth < 1 {
				t.Fatal("an unconfirmed coin")
			}
		}
		if _, err := p.sign(plan); err != nil {
			t.Fatal(err)
		}
	})
}
