package wallet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/hd"
	"goldpan/wallet/label"
	spend "goldpan/wallet/tx"
	"goldpan/wallet/uri"
)

var (
	// ErrOwnAddress says that a payment was to go to the wallet that makes it.
	ErrOwnAddress = errors.New("that address is this wallet's own: nothing would arrive anywhere else, and the fee would be gone")
	// ErrExtensionAddress says that an address is of Litecoin's extension blocks.
	ErrExtensionAddress = errors.New("that is an address of Litecoin's extension blocks (MWEB), which Goldpan cannot pay")
	// ErrStale says that a payment was planned with coins that are spent, or reserved, by now.
	ErrStale = errors.New("the coins of that payment are spent or reserved by now")
	// ErrUnsent says that a payment is kept and no server has had it yet; it is sent with the next Sync or Run.
	ErrUnsent = errors.New("the payment is signed and kept, and no server has had it yet")
	// ErrGiveUp says that a payment cannot be given up: a server has had it, and it may be in a block any time.
	ErrGiveUp = errors.New("that payment is on its way: it cannot be taken back")
	// ErrNoPayment says that there is no such payment.
	ErrNoPayment = errors.New("there is no such payment")
	// ErrOpenPayments says that too many payments are on their way.
	ErrOpenPayments = errors.New("too many payments are on their way: wait until some are confirmed")
	// ErrFrozen says that a payment was given up, and that labels keep every coin of it from being spent: another one
	// made now could be in a block beside it.
	ErrFrozen = errors.New("all the coins of a payment that was given up are marked as not to be spent: unmark one of them, for the next payment must spend it, so that only one of the two can ever be in a block")
	// ErrPayments says that neither the file of the payments nor its previous copy can be read. The wallet is whole, and
	// makes no payment: one that no server has had yet may be in that file, of the same coins. Nothing is written over
	// it; moved away, it makes room for new payments once the wallet is opened anew.
	ErrPayments = errors.New("the file of the payments is damaged, and the wallet is whole")
)

// Everything is an amount: all that can be spent now, with the fee taken out of it.
const Everything coin.Amount = -1

// Fee says what a payment may cost: Rate if it is set, else what the servers think is needed to be in a block within
// so many Blocks; 0 stands for 6.
type Fee struct {
	Blocks int
	Rate   spend.Rate
}

// defaultBlocks is within how many blocks a payment is to be confirmed, where nobody says.
const defaultBlocks = 6

// MaxBlocks bounds Fee.Blocks.
const MaxBlocks = 144

// Payment is a payment that was planned and not made.
type Payment struct {
	To             string      // the address, as the coin's wallets write it
	Label, Message string      // of a payment link: a stranger's text
	Amount         coin.Amount // that arrives
	Fee            coin.Amount // for the miners
	Change         coin.Amount // that comes back to the wallet
	Leaves         coin.Amount // Amount and Fee
	Remains        coin.Amount // that the wallet has after it, ripening and unconfirmed coins counted
	Coins          int         // that are spent
	VSize          int         // virtual bytes, at most
	Rate           spend.Rate
	Blocks         int  // within how many it is thought to be in one; 0 where the rate was given
	Guessed        bool // no server was asked for the fee
	All            bool

	plan   spend.Plan
	change place
	unit   string
	worth  string
}

// Words says what leaves and what arrives, a sentence each, for the last screen before a payment.
func (p Payment) Words() []string {
	amount := func(a coin.Amount) string { return trim(a) + " " + p.unit }
	list := []string{
		fmt.Sprintf("%s arrives at %s.", amount(p.Amount), strings.Join(Groups(p.To), " ")),
		fmt.Sprintf("%s is the fee for the miners (%.2f %% of it; at most %d vB at %s sat/vB).", amount(p.Fee), share(p.Fee, p.Amount), p.VSize, p.Rate),
		fmt.Sprintf("%s leaves your wallet; %s stays in it.", amount(p.Leaves), amount(p.Remains)),
	}
	return append(list, p.Warnings()...)
}

// Warnings are what there is to know beside the amounts: how long it may take, that it cannot be taken back, and what
// the coins are worth.
func (p Payment) Warnings() (list []string) {
	switch {
	case p.Blocks > 0 && p.Guessed:
		list = append(list, fmt.Sprintf("No server told what fee is usual now. With this one it should be in one of the next %d blocks; it may take longer.", p.Blocks))
	case p.Blocks > 0:
		list = append(list, fmt.Sprintf("It should be in one of the next %d blocks; nobody can promise it.", p.Blocks))
	default:
		list = append(list, "You chose the fee rate: how long it takes depends on what others pay.")
	}
	list = append(list, "Once it is sent, nobody can take it back.")
	if p.worth != "" {
		list = append(list, p.worth)
	}
	return list
}

func trim(a coin.Amount) string {
	s := a.String()
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func share(part, whole coin.Amount) float64 {
	if whole <= 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// payments is what a Wallet knows of those that it made.
type payments struct {
	damaged error      // why they are not known: ErrPayments; set when the wallet is opened
	busy    sync.Mutex // one payment is made, or its file written, at a time
	list    []*payment // guarded by the wallet's mu, and replaced by whoever holds busy
	shown   *state     // the state with them; guarded by mu
	changed chan struct{}
	fees    map[string]estimate // by server; guarded by mu
}

// ParseRecipient reads what a person typed or scanned: an address of the wallet's coin and network, or a payment link.
// It fails as coin.Params.ParseAddress and uri.Parse do, with ErrExtensionAddress or with ErrOwnAddress.
func (w *Wallet) ParseRecipient(text string) (uri.Request, error) {
	text = strings.TrimSpace(text)
	p := w.Params()
	var r uri.Request
	var err error
	if strings.Contains(text, ":") {
		r, err = uri.Parse(p, text)
	} else {
		r.Address, err = p.ParseAddress(text)
	}
	if errors.Is(err, coin.ErrMWEB) {
		return uri.Request{}, ErrExtensionAddress
	}
	if err != nil {
		return uri.Request{}, err
	}
	own, err := w.ownScript(r.Address.Script)
	if err != nil {
		return uri.Request{}, err
	}
	if own {
		return uri.Request{}, ErrOwnAddress
	}
	return r, nil
}

// ownScript tells whether a script is one of those that are watched.
func (w *Wallet) ownScript(script []byte) (bool, error) {
	w.mu.Lock()
	s := w.state
	w.mu.Unlock()
	for chain := range uint32(w.account.Chains()) {
		for i := range uint32(s.watched(chain)) {
			mine, err := w.account.Script(chain, i)
			if err != nil {
				return false, err
			}
			if bytes.Equal(mine, script) {
				return true, nil
			}
		}
	}
	return false, nil
}

// PlanPayment plans a payment to an address or a payment link, of an amount, or of Everything; 0 stands for the
// amount that the link names. Nothing is signed or sent, and a locked wallet plans too. It fails as ParseRecipient
// does, with the errors of package tx, with ErrWatchOnly, or with ErrPayments.
func (w *Wallet) PlanPayment(to string, amount coin.Amount, fee Fee) (Payment, error) {
	if w.watches {
		return Payment{}, ErrWatchOnly
	}
	if w.pays.damaged != nil {
		return Payment{}, w.pays.damaged
	}
	r, err := w.ParseRecipient(to)
	if err != nil {
		return Payment{}, err
	}
	if amount == 0 {
		amount = r.Amount
	}
	all := amount == Everything
	if !all && amount <= 0 {
		return Payment{}, spend.ErrAmount
	}
	p := Payment{To: r.Address.Text, Label: r.Label, Message: r.Message, All: all, Rate: fee.Rate, unit: w.Params().Coin.Symbol}
	if p.Rate == 0 {
		if fee.Blocks < 0 || fee.Blocks > MaxBlocks {
			return Payment{}, fmt.Errorf("wallet: a fee is chosen for 1 to %d blocks", MaxBlocks)
		}
		if p.Blocks = fee.Blocks; p.Blocks == 0 {
			p.Blocks = defaultBlocks
		}
		p.Rate, p.Guessed = w.FeeRate(p.Blocks)
	}
	frozen, err := w.frozen()
	if err != nil {
		return Payment{}, err
	}
	w.mu.Lock()
	coins, err := w.coins(frozen)
	height := w.state.height
	p.change = w.nextChange()
	total := w.owned.Total()
	w.mu.Unlock()
	if err != nil {
		return Payment{}, err
	}
	change, err := w.account.Script(p.change.chain, p.change.index)
	if err != nil {
		return Payment{}, err
	}
	p.plan, err = spend.New(spend.Request{Params: w.Params(), Coins: coins, Script: r.Address.Script, Amount: amount, All: all, Rate: p.Rate, Change: change, Height: height})
	if err != nil {
		return Payment{}, err
	}
	for i, c := range p.plan.Inputs {
		if p.plan.Inputs[i].Script, err = w.account.Script(c.Chain, c.Address); err != nil {
			return Payment{}, err
		}
	}
	p.Amount, p.Fee, p.Change, p.Leaves = p.plan.Amount, p.plan.Fee, p.plan.Change, p.plan.Leaves()
	p.Remains, p.Coins, p.VSize = total-p.Leaves, len(p.plan.Inputs), p.plan.VSize
	if w.Params().Network == coin.Practice {
		p.unit = "practice " + p.unit
		p.worth = "These are practice coins, worth nothing."
	}
	return p, nil
}

// frozen is the outputs that a label says are not to be spent (BIP329).
func (w *Wallet) frozen() (map[string]bool, error) {
	labels, err := w.Labels()
	if err != nil {
		return nil, err
	}
	list := map[string]bool{}
	for _, x := range labels {
		if x.Type == label.Output && x.Spendable != nil && !*x.Spendable {
			list[strings.ToLower(x.Ref)] = true
		}
	}
	return list, nil
}

// coins is every unspent output that no payment has reserved, without its script. The caller holds w.mu.
// It fails with ErrFrozen.
func (w *Wallet) coins(frozen map[string]bool) ([]spend.Coin, error) {
	s := w.state
	spent := s.spentBy()
	must := map[electrum.Outpoint]bool{}
	made := map[pow.Hash]bool{}
	for _, p := range w.pays.list {
		if p.raw == nil {
			continue
		}
		made[p.id] = true
		if _, beaten := p.rival(spent); p.given && !beaten {
			at, err := s.bond(p, frozen)
			if err != nil {
				return nil, err
			}
			must[at] = true // so that never both are in a block
		}
		for _, in := range p.inputs {
			if _, gone := spent[in]; !gone && !p.given {
				spent[in] = p.id
			}
		}
	}
	var list []spend.Coin
	for id, t := range s.txs {
		if !t.counts() {
			continue
		}
		for _, o := range t.outputs {
			at := electrum.Outpoint{TxID: id, Index: o.n}
			if _, gone := spent[at]; gone || frozen[labelled(at)] {
				continue
			}
			list = append(list, spend.Coin{TxID: id, Index: o.n, Amount: coin.Amount(o.value), Kind: w.account.Kind(),
				Chain: o.to.chain, Address: o.to.index, Depth: s.depth(t), Matures: t.matures(w.o.Params.Maturity),
				Own: made[id], Must: must[at]})
		}
	}
	return list, nil
}

// labelled names an output as labels do.
func labelled(at electrum.Outpoint) string { return fmt.Sprintf("%s:%d", at.TxID, at.Index) }

// bond is the coin of a payment that was given up which the next one spends: the greatest that may be spent, for a
// small one may cost more than it is worth. It fails with ErrFrozen.
func (s *state) bond(p *payment, frozen map[string]bool) (at electrum.Outpoint, err error) {
	best := int64(-1)
	kept := false
	for _, in := range p.inputs {
		o, ok := s.own(in)
		if ok && frozen[labelled(in)] {
			kept = true
		} else if ok && o.value > best {
			at, best = in, o.value
		}
	}
	if best < 0 && kept {
		return at, ErrFrozen
	}
	return at, nil
}

// nextChange is the change address after every one that was used, or is to be. The caller holds w.mu.
func (w *Wallet) nextChange() place {
	used := w.state.used(hd.Change)
	next := used
	for _, p := range w.pays.list {
		for _, o := range p.outputs {
			if o.to.chain == hd.Change {
				next = max(next, int(o.to.index)+1)
			}
		}
	}
	// No change may lie beyond what a wallet that is restored elsewhere looks at.
	return place{hd.Change, uint32(min(next, used+w.state.gapLimit()-1, maxIndex-1))}
}

// Pay signs a payment, keeps it, and only then sends it: through Run where that is under way, else it syncs with the
// servers at the URLs. The id is that of the payment that is kept, whatever the error; without one nothing was kept.
//
// ErrUnsent says that it waits for a server; an *electrum.RefusedError that all servers that answered refused it: it
// is kept and offered again, its coins stay reserved, and GiveUp frees them. Nothing but the payment that is kept is
// ever sent for it, so no crash and no second call pays twice: a payment can be made once, and then is ErrStale.
// It fails with ErrLocked.
func (w *Wallet) Pay(ctx context.Context, p Payment, urls ...string) (pow.Hash, error) {
	id, err := w.keep(p)
	if err != nil {
		return pow.Hash{}, err
	}
	return id, w.Send(ctx, id, urls...)
}

// keep signs a payment and writes it down.
func (w *Wallet) keep(p Payment) (pow.Hash, error) {
	if len(p.plan.Inputs) == 0 {
		return pow.Hash{}, ErrStale
	}
	w.pays.busy.Lock()
	defer w.pays.busy.Unlock()
	if err := w.mayMake(p); err != nil {
		return pow.Hash{}, err
	}
	signed, err := w.sign(p.plan)
	if err != nil {
		return pow.Hash{}, err
	}
	t, err := electrum.ParseTransaction(signed.Raw)
	if err != nil || t.ID != signed.ID || !p.shown(w.Params(), t) {
		return pow.Hash{}, spend.ErrSign
	}
	k := &payment{id: signed.ID, raw: signed.Raw, to: p.To, amount: p.Amount, fee: p.Fee, made: w.o.today(), inputs: t.Inputs}
	if p.Change > 0 {
		script, err := w.account.Script(p.change.chain, p.change.index)
		if err != nil {
			return pow.Hash{}, err
		}
		for n, o := range t.Outputs {
			if bytes.Equal(o.Script, script) && coin.Amount(o.Value) == p.Change {
				k.outputs = append(k.outputs, output{uint32(n), p.change, o.Value})
			}
		}
		if len(k.outputs) != 1 {
			return pow.Hash{}, spend.ErrSign
		}
	}
	w.mu.Lock()
	before := w.pays.list
	list := append(trimmed(before), k)
	// The very payment that was given up, made once more, is no second one.
	if i := slices.IndexFunc(before, func(p *payment) bool { return p.id == k.id }); i >= 0 {
		list = slices.Clone(before)
		list[i] = k
	}
	w.mu.Unlock()
	if err := w.savePayments(list); err != nil {
		// It may be on the disk or not. It was never sent: what the disk has is put back.
		if back := w.savePayments(before); back != nil {
			err = fmt.Errorf("%w; the payment may be kept all the same, and is then sent once the wallet is opened again: look there before you pay anew", err)
		}
		return pow.Hash{}, err
	}
	w.mu.Lock()
	w.pays.list = list
	w.put(w.state)
	w.mu.Unlock()
	w.o.Changed()
	return k.id, nil
}

// shown tells whether what was signed is what the person was shown, and nothing besides.
func (p Payment) shown(params *coin.Params, t *electrum.Transaction) bool {
	to, err := params.ParseAddress(p.To)
	if err != nil || p.Leaves != p.Amount+p.Fee {
		return false
	}
	outputs := 1
	if p.Change > 0 {
		outputs = 2
	}
	var in coin.Amount
	for _, c := range p.plan.Inputs {
		in += c.Amount
	}
	return len(t.Outputs) == outputs && len(t.Inputs) == len(p.plan.Inputs) && in == p.Leaves+p.Change &&
		slices.ContainsFunc(t.Outputs, func(o electrum.Output) bool {
			return bytes.Equal(o.Script, to.Script) && coin.Amount(o.Value) == p.Amount
		})
}

// mayMake refuses a payment whose coins are not there any more.
func (w *Wallet) mayMake(p Payment) error {
	if w.pays.damaged != nil {
		return w.pays.damaged
	}
	frozen, err := w.frozen()
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	type outpoint struct {
		id pow.Hash
		n  uint32
	}
	there := map[outpoint]spend.Coin{}
	must := 0
	coins, err := w.coins(frozen)
	if err != nil {
		return err
	}
	for _, c := range coins {
		there[outpoint{c.TxID, c.Index}] = c
		if c.Must {
			must++
		}
	}
	for _, c := range p.plan.Inputs {
		now, ok := there[outpoint{c.TxID, c.Index}]
		if !ok || now.Amount != c.Amount {
			return ErrStale
		}
		if now.Must {
			must--
		}
	}
	if must > 0 {
		return ErrStale // planned before a payment was given up
	}
	open := 0
	for _, k := range w.pays.list {
		if k.raw != nil {
			open++
		}
	}
	if open >= maxOpen {
		return ErrOpenPayments
	}
	return nil
}

// sign signs a plan with keys that are derived for it and wiped.
func (w *Wallet) sign(p spend.Plan) (signed spend.Signed, err error) {
	err = w.WithSeed(func(seed []byte) error {
		keys, err := hd.NewKeys(seed, w.o.Params, w.o.Path)
		if err != nil {
			return err
		}
		defer keys.Wipe()
		signed, err = spend.Sign(p, func(c spend.Coin) (*btcec.PrivateKey, error) { return keys.Private(c.Chain, c.Address) })
		return err
	})
	return signed, err
}

// GiveUp has a payment that every server refused not sent any more. Its coins can be spent again, and the next
// payment spends one of them whatever else it spends: should a server have kept what it said to refuse, only one of
// the two can ever be in a block. A payment that a server took is ErrGiveUp.
func (w *Wallet) GiveUp(id pow.Hash) error {
	w.pays.busy.Lock()
	defer w.pays.busy.Unlock()
	w.mu.Lock()
	p := w.find(id)
	switch {
	case w.closed:
		w.mu.Unlock()
		return ErrClosed
	case p == nil:
		w.mu.Unlock()
		return ErrNoPayment
	case p.given:
		w.mu.Unlock()
		return nil
	case p.taken || p.raw == nil || w.state.txs[id] != nil:
		w.mu.Unlock()
		return ErrGiveUp
	}
	p.given = true
	list := slices.Clone(w.pays.list)
	w.mu.Unlock()
	err := w.savePayments(list)
	w.mu.Lock()
	p.given = err == nil
	w.put(w.state)
	w.mu.Unlock()
	w.o.Changed()
	return err
}
