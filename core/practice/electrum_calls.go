//go:build !js

package practice

import (
	"bytes"
	"errors"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/wallet/electrum/message"
)

// Methods that Goldpan's own wallet does not use and others do.
const (
	scriptHashBalance = "blockchain.scripthash.get_balance"
	relayFeeMethod    = "blockchain.relayfee"
	poolInfo          = "mempool.get_info"
)

const serverName = "Goldpan practice"

// balance answers get_balance, in satoshi.
type balance struct {
	Confirmed   int64 `json:"confirmed"`
	Unconfirmed int64 `json:"unconfirmed"`
}

// wholeCoins is a fee for 1,000 bytes as Electrum counts it.
var wholeCoins = relayFee.ToBTC()

func (w *session) call(r message.Request) (result any, fatal bool, err error) {
	switch r.Method {
	case message.ServerVersion:
		return w.serverVersion(r)
	case message.ServerFeatures:
		return message.Features{
			Genesis:      message.Hash(*w.chain.net.GenesisHash),
			HashFunction: "sha256",
			Software:     serverName,
			Min:          message.MinVersion,
			Max:          message.MaxVersion,
			Hosts:        map[string]any{},
		}, false, nil
	case message.ServerPing:
		return nil, false, nil
	case message.HeadersSubscribe:
		notice, err := w.tipNotice()
		w.headers = err == nil
		return notice, false, err
	case message.EstimateFee:
		err := r.Decode(&message.EstimateParams{})
		return wholeCoins, false, err
	case relayFeeMethod:
		return wholeCoins, false, nil
	case poolInfo:
		return map[string]float64{"mempoolminfee": wholeCoins, "minrelaytxfee": wholeCoins, "incrementalrelayfee": wholeCoins}, false, nil
	case message.FeeHistogram:
		return w.feeHistogram(), false, nil
	}
	result, err = w.callChain(r)
	return result, false, err
}

func (w *session) callChain(r message.Request) (any, error) {
	switch r.Method {
	case message.BlockHeader:
		var p message.HeaderParams
		if err := r.Decode(&p); err != nil {
			return nil, err
		}
		if p.Checkpoint != 0 {
			return nil, message.Errorf(message.CodeBadParams, "cp_height is not served")
		}
		return w.chain.rawHeader(p.Height)
	case message.BlockHeaders:
		var p message.HeadersParams
		if err := r.Decode(&p); err != nil {
			return nil, err
		}
		return w.headerRange(p)
	case message.TransactionGet:
		var p message.TransactionParams
		if err := r.Decode(&p); err != nil {
			return nil, err
		}
		if p.Verbose {
			return nil, message.Errorf(message.CodeBadParams, "verbose is not served")
		}
		return w.chain.rawTx(p.TxHash)
	case message.TransactionMerkle:
		var p message.MerkleParams
		if err := r.Decode(&p); err != nil {
			return nil, err
		}
		return w.chain.merkle(p)
	case message.TransactionBroadcast:
		var p message.BroadcastParams
		if err := r.Decode(&p); err != nil {
			return nil, err
		}
		return w.chain.broadcast(p.Raw)
	}
	return w.callScript(r)
}

func (w *session) callScript(r message.Request) (any, error) {
	switch r.Method {
	case message.ScriptHashSubscribe, message.ScriptHashUnsubscribe, message.ScriptHashHistory,
		message.ScriptHashMempool, message.ScriptHashUnspent, scriptHashBalance:
	default:
		return nil, message.Errorf(message.CodeNoMethod, "unknown method")
	}
	var p message.ScriptHashParams
	if err := r.Decode(&p); err != nil {
		return nil, err
	}
	h := p.ScriptHash
	switch r.Method {
	case message.ScriptHashSubscribe:
		if _, ok := w.scripts[h]; !ok && len(w.scripts) >= maxSubscriptions {
			return nil, message.Errorf(message.CodeTooMuch, "too many subscriptions")
		}
		sub := &subscription{}
		if err := w.follow(h, sub); err != nil {
			return nil, err
		}
		w.scripts[h] = sub
		return sub.status, nil
	case message.ScriptHashUnsubscribe:
		_, ok := w.scripts[h]
		delete(w.scripts, h)
		return ok, nil
	case message.ScriptHashHistory:
		history, _, err := w.history(h)
		return history, err
	case message.ScriptHashMempool:
		return w.chain.pooled(h).history, nil
	case message.ScriptHashUnspent:
		return w.unspent(h)
	}
	unspent, ok := w.chain.index.unspentOf(h, maxUnspent)
	if !ok {
		return nil, message.Errorf(message.CodeTooMuch, "too many outputs")
	}
	var sum int64
	for _, u := range unspent {
		sum += u.Value
	}
	return balance{Confirmed: sum, Unconfirmed: w.chain.pooled(h).delta}, nil
}

func (w *session) serverVersion(r message.Request) (any, bool, error) {
	var p message.VersionParams
	if err := r.Decode(&p); err != nil {
		return nil, true, err
	}
	if w.greeted {
		return nil, false, message.Errorf(message.CodeBadRequest, "server.version comes once")
	}
	v, ok := message.Negotiate(message.MinVersion, message.MaxVersion, p.Min, p.Max)
	if !ok {
		return nil, true, message.Errorf(message.CodeBadRequest, "unsupported protocol version")
	}
	w.greeted, w.version = true, v
	return message.VersionResult{Software: serverName, Version: v}, false, nil
}

// unspent is listunspent: what is confirmed and what waits, without what a
// waiting transaction spends.
func (w *session) unspent(h message.Hash) (any, error) {
	out, ok := w.chain.index.unspentOf(h, maxUnspent)
	if !ok {
		return nil, message.Errorf(message.CodeTooMuch, "too many outputs")
	}
	pool := w.chain.pooled(h)
	spent := make(map[wire.OutPoint]struct{}, len(pool.spent))
	for _, p := range pool.spent {
		spent[p] = struct{}{}
	}
	kept := out[:0]
	for _, u := range out {
		if _, gone := spent[outPoint(u)]; !gone {
			kept = append(kept, u)
		}
	}
	return append(kept, pool.created...), nil
}

func (w *session) headerRange(p message.HeadersParams) (any, error) {
	if p.Checkpoint != 0 {
		return nil, message.Errorf(message.CodeBadParams, "cp_height is not served")
	}
	res := message.HeadersResult{Max: message.MaxHeaders, List: w.version.Compare(message.Version{Major: 1, Minor: 6}) >= 0}
	end := min(int64(p.Start)+int64(min(p.Count, message.MaxHeaders)), int64(w.chain.tip().Height)+1)
	for h := int64(p.Start); h < end; h++ {
		raw, err := w.chain.rawHeader(int32(h))
		if err != nil {
			return nil, err
		}
		res.Raw = append(res.Raw, raw...)
		res.Count++
	}
	return res, nil
}

// feeHistogram is one step for each transaction that waits: there are few.
func (w *session) feeHistogram() message.FeeSteps {
	var steps message.FeeSteps
	for _, d := range w.chain.txs.TxDescs() {
		size := mempool.GetTxVirtualSize(d.Tx)
		steps = append(steps, message.FeeStep{Rate: float64(d.Fee) / float64(size), VSize: size})
	}
	return mergeSteps(steps)
}

var errNoBlock = message.Errorf(message.CodeBadRequest, "no block at this height")

func (c *chain) rawHeader(height int32) (message.Hex, error) {
	h, err := c.header(height)
	if err != nil {
		return nil, errNoBlock
	}
	b := powHeader(&h).Bytes()
	return b[:], nil
}

func (c *chain) rawTx(id message.Hash) (message.Hex, error) {
	var tx *wire.MsgTx
	if d, err := c.txs.FetchTransaction(ptr(id)); err == nil {
		tx = d.MsgTx()
	} else {
		block, at, err := c.blockOf(id)
		if err != nil {
			return nil, err
		}
		tx = block.Transactions()[at.position].MsgTx()
	}
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (c *chain) blockOf(id message.Hash) (*btcutil.Block, place, error) {
	at, ok := c.index.find(id)
	if !ok {
		return nil, at, message.Errorf(message.CodeBadRequest, "no such transaction")
	}
	block, err := c.best.BlockByHeight(at.height)
	if err != nil {
		return nil, at, err
	}
	if txs := block.Transactions(); int(at.position) >= len(txs) || message.Hash(*txs[at.position].Hash()) != id {
		return nil, at, message.Errorf(message.CodeBadRequest, "no such transaction") // its block has just left
	}
	return block, at, nil
}

func (c *chain) merkle(p message.MerkleParams) (any, error) {
	block, at, err := c.blockOf(p.TxHash)
	if err != nil {
		return nil, err
	}
	if at.height != p.Height {
		return nil, message.Errorf(message.CodeBadRequest, "the transaction is not in that block")
	}
	return message.MerkleResult{Height: at.height, Branch: merkleBranch(txIDs(block.Transactions()), at.position), Position: at.position}, nil
}

// broadcast takes a transaction into the memory pool.
func (c *chain) broadcast(raw []byte) (any, error) {
	var tx wire.MsgTx
	r := bytes.NewReader(raw)
	if !plausibleTx(raw) || tx.Deserialize(r) != nil || r.Len() != 0 {
		return nil, message.Errorf(message.CodeRejected, "not a transaction")
	}
	if c.txs.Count() >= maxPoolTxs {
		return nil, message.Errorf(message.CodeTooMuch, "the memory pool is full")
	}
	_, err := c.txs.ProcessTransaction(btcutil.NewTx(&tx), false, false, 0)
	var rule mempool.RuleError
	switch {
	case errors.As(err, &rule):
		return nil, message.Errorf(message.CodeRejected, "%v", rule)
	case err != nil:
		return nil, err
	}
	c.index.touch()
	return message.Hash(tx.TxHash()), nil
}

// plausibleTx walks over the lists of a transaction, because the decoder
// reserves room for as many items as the transaction claims to have.
func plausibleTx(b []byte) bool {
	if len(b) < 10 {
		return false
	}
	b = b[4:] // version
	witness := b[0] == 0 && b[1] == 1
	if witness {
		b = b[2:]
	}
	skip := func(n uint64) bool {
		if n > uint64(len(b)) {
			return false
		}
		b = b[n:]
		return true
	}
	count := func() (uint64, bool) {
		r := bytes.NewReader(b)
		n, err := wire.ReadVarInt(r, 0)
		b = b[len(b)-r.Len():]
		return n, err == nil
	}
	// list walks over a list whose items are a fixed part, a text behind its
	// length, and another fixed part.
	list := func(before, after uint64) (n uint64, ok bool) {
		n, ok = count()
		if !ok || n > uint64(len(b)) {
			return n, false
		}
		for range n {
			if !skip(before) {
				return n, false
			}
			text, ok := count()
			if !ok || !skip(text) || !skip(after) {
				return n, false
			}
		}
		return n, true
	}
	inputs, ok := list(36, 4)
	if !ok {
		return false
	}
	if _, ok := list(8, 0); !ok {
		return false
	}
	for i := uint64(0); witness && i < inputs; i++ {
		if _, ok := list(0, 0); !ok {
			return false
		}
	}
	return len(b) == 4 // lock time
}
