package electrum

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// Reason is why a server takes no transaction, as far as its words tell.
type Reason int

// The reasons.
const (
	ReasonOther Reason = iota
	ReasonFee          // its fee is too low for what waits already
	ReasonSpent        // a coin that it spends is not there, or is spent by another
	ReasonEarly        // it spends a coin that ripens, or its lock time is not reached
	ReasonDust         // it pays too little
	ReasonChain        // it stands at the end of too many that wait for one another
	ReasonBusy         // the server takes none at present
)

// RefusedError says that a server took no transaction. What the server said itself is not in it.
type RefusedError struct{ Reason Reason }

func (e *RefusedError) Error() string {
	switch e.Reason {
	case ReasonFee:
		return "the network wants a higher fee at present"
	case ReasonSpent:
		return "a coin that the payment spends is spent already, or not known to the server"
	case ReasonEarly:
		return "a coin that the payment spends cannot be spent yet"
	case ReasonDust:
		return "the payment is too small to be passed on"
	case ReasonChain:
		return "too many payments wait for one another to be confirmed"
	case ReasonBusy:
		return "the server takes no payments at present"
	}
	return "the server did not take the payment"
}

// refusals are words by which nodes refuse transactions; the first that is found counts. Sources: validation.cpp of
// Bitcoin Core, Litecoin Core and Dogecoin Core, mempool/mempool.go of btcd. Known is a refusal of what the node has.
var refusals = []struct {
	words  string
	known  bool
	reason Reason
}{
	{words: "txn-already-in-mempool", known: true},
	{words: "txn-already-known", known: true},
	{words: "txn-same-nonwitness-data-in-mempool", known: true},
	{words: "already in block chain", known: true},
	{words: "already in utxo set", known: true},
	{words: "already have transaction", known: true},
	{words: "transaction already exists", known: true},
	{words: "txn-mempool-conflict", reason: ReasonSpent},
	{words: "missingorspent", reason: ReasonSpent},
	{words: "missing inputs", reason: ReasonSpent},
	{words: "missing-inputs", reason: ReasonSpent},
	{words: "inputs-spent", reason: ReasonSpent},
	{words: "already spent", reason: ReasonSpent},
	{words: "orphan", reason: ReasonSpent},
	{words: "premature-spend", reason: ReasonEarly},
	{words: "immature", reason: ReasonEarly},
	{words: "coinbase", reason: ReasonEarly},
	{words: "non-final", reason: ReasonEarly},
	{words: "not finalized", reason: ReasonEarly},
	{words: "non-bip68-final", reason: ReasonEarly},
	{words: "too-long-mempool-chain", reason: ReasonChain},
	{words: "mempool full", reason: ReasonBusy},
	{words: "mempool is full", reason: ReasonBusy},
	{words: "memory pool is full", reason: ReasonBusy},
	{words: "dust", reason: ReasonDust},
	{words: "fee", reason: ReasonFee},
	{words: "insufficient priority", reason: ReasonFee},
}

// Broadcast hands a transaction to the server to be passed on. That the server has it already is success. It fails
// with a *RefusedError when the server refuses it.
func (c *Client) Broadcast(ctx context.Context, id pow.Hash, raw []byte) error {
	var got json.RawMessage
	err := c.Call(ctx, message.TransactionBroadcast, message.BroadcastParams{Raw: raw}, &got)
	var refused *message.Error
	if errors.As(err, &refused) {
		return refusal(refused)
	}
	if err != nil {
		return err
	}
	var told message.Hash
	if json.Unmarshal(got, &told) != nil || pow.Hash(told) != id {
		return &RefusedError{ReasonOther}
	}
	return nil
}

func refusal(e *message.Error) error {
	text := strings.ToLower(e.Text)
	for _, r := range refusals {
		if !strings.Contains(text, r.words) {
			continue
		}
		if r.known {
			return nil
		}
		return &RefusedError{r.reason}
	}
	if e.Code == message.CodeTooMuch {
		return &RefusedError{ReasonBusy}
	}
	return &RefusedError{ReasonOther}
}

// EstimateFee is the server's guess of the fee, in smallest units for 1,000 virtual bytes, of a transaction that is to
// be in a block within so many; 0 when it has none. It is not to be believed unseen.
func (c *Client) EstimateFee(ctx context.Context, blocks int) (int64, error) {
	var coins float64
	if err := c.Call(ctx, message.EstimateFee, message.EstimateParams{Blocks: blocks}, &coins); err != nil {
		return 0, err
	}
	units := math.Round(coins * 1e8)
	if !(units > 0 && units < 1e15) {
		return 0, nil
	}
	return int64(units), nil
}
