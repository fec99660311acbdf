package counter

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet"
)

// sending is how long a server may take to say whether it took a payment. The payment is kept before, and offered
// again after it.
const sending = 30 * time.Second

type wish struct {
	To     string `json:"to"`     // an address or a payment link
	Amount string `json:"amount"` // in whole coins; "" for what the link names
	All    bool   `json:"all"`    // instead of an amount
	Blocks int    `json:"blocks"` // within how many it should be confirmed
}

// planned is a payment for the last screen before it is made.
type planned struct {
	Plan    int      `json:"plan"` // its number; a later plan ends it
	To      string   `json:"to"`
	Groups  []string `json:"groups"`
	Label   string   `json:"label"` // a stranger's text
	Amount  string   `json:"amount"`
	Fee     string   `json:"fee"`
	Share   float64  `json:"share"` // the fee, as a part of the amount
	Leaves  string   `json:"leaves"`
	Remains string   `json:"remains"`
	Change  string   `json:"change"`
	Blocks  int      `json:"blocks"`
	Guessed bool     `json:"guessed"` // no server told the usual fee
	All     bool     `json:"all"`
}

// plan plans a payment; nothing is signed.
func (c *Counter) plan(a wish) (planned, error) {
	w, err := c.opened()
	if err != nil {
		return planned{}, err
	}
	amount := wallet.Everything
	if !a.All {
		if amount, err = parseAmount(a.Amount); err != nil {
			return planned{}, err
		}
	}
	p, err := w.PlanPayment(a.To, amount, wallet.Fee{Blocks: a.Blocks})
	if err != nil {
		return planned{}, err
	}
	c.mu.Lock()
	c.plans++
	c.planned = p
	n := c.plans
	c.mu.Unlock()
	return planned{Plan: n, To: p.To, Groups: wallet.Groups(p.To), Label: p.Label, Amount: p.Amount.String(), Fee: p.Fee.String(),
		Share: float64(p.Fee) / float64(max(1, p.Amount)), Leaves: p.Leaves.String(), Remains: p.Remains.String(), Change: p.Change.String(),
		Blocks: p.Blocks, Guessed: p.Guessed, All: p.All}, nil
}

// parseAmount reads what a person typed; 0 for nothing.
func parseAmount(s string) (coin.Amount, error) {
	if strings.TrimSpace(s) == "" {
		return 0, nil
	}
	a, err := coin.ParseTyped(s)
	if err == nil && a <= 0 {
		err = coin.ErrAmount
	}
	return a, err
}

type agreed struct {
	Plan int `json:"plan"`
}

type paid struct {
	ID    string `json:"id"`
	State string `json:"state"` // sent, kept (it waits for a server), refused
}

// pay makes the payment of the last plan, once.
func (c *Counter) pay(a agreed) (paid, error) {
	c.serving.Lock()
	defer c.serving.Unlock()
	w, err := c.opened()
	if err != nil {
		return paid{}, err
	}
	c.mu.Lock()
	p, ok, following := c.planned, c.plans == a.Plan && a.Plan > 0, c.stop != nil
	c.mu.Unlock()
	if !ok {
		return paid{}, wallet.ErrStale
	}
	if w.Locked() {
		return paid{}, wallet.ErrLocked
	}
	c.mu.Lock()
	c.plans++ // nothing is paid twice
	c.planned = wallet.Payment{}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), sending)
	defer cancel()
	if !following {
		cancel() // it is kept, and sent with the next server
	}
	id, err := w.Pay(ctx, p)
	if id == (pow.Hash{}) {
		return paid{}, err
	}
	out := paid{ID: id.String(), State: "sent"}
	switch {
	case err == nil:
	case errors.Is(err, wallet.ErrUnsent), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		out.State = "kept"
	default:
		out.State = "refused"
	}
	return out, nil
}

type payment struct {
	ID     string `json:"id"`
	To     string `json:"to"`
	Amount string `json:"amount"`
	Fee    string `json:"fee"`
	Made   int64  `json:"made"`
	State  string `json:"state"` // waiting, refused, sent, replaced
}

// underWay lists the payments that are in no block yet.
func underWay(w *wallet.Wallet) []payment {
	list := []payment{}
	for _, p := range w.Payments() {
		if p.State == wallet.PayConfirmed || p.State == wallet.PayGivenUp {
			continue
		}
		list = append(list, payment{p.TxID.String(), p.To, p.Amount.String(), p.Fee.String(), p.Made.Unix(), string(p.State)})
		if len(list) == maxEntries {
			break
		}
	}
	return list
}

type named struct {
	ID string `json:"id"`
}

// giveUp frees the coins of a payment that no server had.
func (c *Counter) giveUp(a named) (none, error) {
	w, err := c.opened()
	if err != nil {
		return none{}, err
	}
	b, err := hex.DecodeString(a.ID)
	if err != nil || len(b) != len(pow.Hash{}) {
		return none{}, errCall
	}
	for _, p := range w.Payments() {
		if p.TxID.String() == a.ID {
			return none{}, w.GiveUp(p.TxID)
		}
	}
	return none{}, wallet.ErrNoPayment
}
