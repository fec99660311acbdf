package electrum

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

var (
	// ErrVersion says that the server speaks no protocol version that this client does.
	ErrVersion = errors.New("the server speaks no common protocol version")
	// ErrProtocol says that the server broke the protocol; the connection is of no more use.
	ErrProtocol = errors.New("the server broke the protocol")
	// ErrLongHistory says that an address, or the whole wallet, has more transactions than are read: 100,000 and
	// 200,000. An honest server may cause it.
	ErrLongHistory = errors.New("there are more transactions than this wallet can read")
	// ErrTimeout says that the server left a call unanswered.
	ErrTimeout = errors.New("the server did not answer in time")
)

// clientName is what a server is told.
const clientName = "goldpan"

const (
	callTimeout = 30 * time.Second
	maxInFlight = 16
	// Of answers of at least bigReply bytes, no more than maxBig are in memory at once, and one that is read.
	bigReply = 1 << 20
	maxBig   = 2
)

// Handler hears what a server tells unasked. Both are called from the goroutine that reads: they must not block.
type Handler interface {
	Tip(message.HeaderNotice)
	Status(message.StatusNotice)
}

// Client calls one server over one connection. Its methods may be called by any number of goroutines while Run
// runs.
type Client struct {
	conn    jsonrpc.Conn
	handler Handler
	slots   chan struct{}
	big     chan struct{} // holds one for each big answer that is not read yet
	done    chan struct{} // closed when Run ends

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan<- answer
	err     error // why Run ended
}

// answer is a response on its way to who asked for it.
type answer struct {
	*message.Response
	big bool
}

// NewClient uses a connection that was opened with message.MaxReply as its limit. Run must be called.
func NewClient(conn jsonrpc.Conn, handler Handler) *Client {
	return &Client{
		conn: conn, handler: handler,
		slots:   make(chan struct{}, maxInFlight),
		big:     make(chan struct{}, maxBig),
		done:    make(chan struct{}),
		waiting: map[uint64]chan<- answer{},
	}
}

// Run reads until the connection ends, the server breaks the protocol or ctx ends; then it closes the connection
// and every waiting call fails.
func (c *Client) Run(ctx context.Context) error {
	err := c.read(ctx)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	c.mu.Lock()
	c.err = err
	c.waiting = nil
	c.mu.Unlock()
	close(c.done)
	c.conn.Close()
	return err
}

func (c *Client) read(ctx context.Context) error {
	for {
		b, err := c.conn.ReadMessage(ctx)
		if err != nil {
			return fmt.Errorf("read from the wallet server: %w", err)
		}
		response, notice, err := message.Parse(b)
		if err != nil {
			return ErrProtocol
		}
		if notice != nil {
			if err := c.notify(notice); err != nil {
				return err
			}
			continue
		}
		a := answer{response, len(b) >= bigReply}
		if a.big {
			select {
			case c.big <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := c.deliver(a); err != nil {
			return err
		}
	}
}

func (c *Client) notify(n *message.Notification) error {
	switch n.Method {
	case message.HeadersSubscribe:
		var tip message.HeaderNotice
		if json.Unmarshal(n.Params, &tip) != nil {
			return ErrProtocol
		}
		c.handler.Tip(tip)
	case message.ScriptHashSubscribe:
		var status message.StatusNotice
		if json.Unmarshal(n.Params, &status) != nil {
			return ErrProtocol
		}
		c.handler.Status(status)
	}
	return nil
}

// done makes room for another big answer.
func (a answer) done(c *Client) {
	if a.big {
		<-c.big
	}
}

func (c *Client) deliver(r answer) error {
	id, err := strconv.ParseUint(string(r.ID), 10, 64)
	if err != nil {
		return ErrProtocol
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id >= c.next {
		return ErrProtocol // never asked
	}
	// A call that gave up is in the map no more.
	if ch := c.waiting[id]; ch != nil {
		delete(c.waiting, id)
		ch <- r
	} else {
		r.done(c)
	}
	return nil
}

// Call sends one request and reads its result into result, unless that is nil. A server's refusal is a
// *message.Error.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return c.ended()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, ErrTimeout)
	defer cancel()
	reply := make(chan answer, 1)
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return c.ended()
	}
	id := c.next
	c.next++
	c.waiting[id] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
		select {
		case r := <-reply: // it came too late
			r.done(c)
		default:
		}
	}()
	request, err := message.NewRequest(id, method, params)
	if err != nil {
		return err
	}
	if err := c.conn.WriteMessage(ctx, request.Bytes()); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return fmt.Errorf("write to the wallet server: %w", err)
	}
	select {
	case r := <-reply:
		defer r.done(c)
		if r.Error != nil {
			return r.Error
		}
		if result == nil {
			return nil
		}
		switch err := json.Unmarshal(r.Result, result); {
		case errors.Is(err, message.ErrTooMany) && method == message.ScriptHashHistory:
			return ErrLongHistory
		case err != nil:
			return ErrProtocol
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return c.ended()
	}
}

func (c *Client) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	return ErrProtocol
}

// Hello must be the first call. It agrees on a version.
func (c *Client) Hello(ctx context.Context) (message.Version, error) {
	var r message.VersionResult
	params := message.VersionParams{Client: clientName, Min: message.MinVersion, Max: message.MaxVersion}
	if err := c.Call(ctx, message.ServerVersion, params, &r); err != nil {
		var refused *message.Error
		if errors.As(err, &refused) {
			return message.Version{}, ErrVersion
		}
		return message.Version{}, err
	}
	if r.Version.Compare(message.MinVersion) < 0 || r.Version.Compare(message.MaxVersion) > 0 {
		return message.Version{}, ErrVersion
	}
	return r.Version, nil
}

// Genesis is the first block's hash, as the server tells it.
func (c *Client) Genesis(ctx context.Context) (pow.Hash, error) {
	// Not message.Features: its map of hosts, which nobody needs here, could take many times the memory of its text.
	var f struct {
		Genesis message.Hash `json:"genesis_hash"`
	}
	if err := c.Call(ctx, message.ServerFeatures, nil, &f); err != nil {
		return pow.Hash{}, err
	}
	if f.Genesis == (message.Hash{}) {
		return pow.Hash{}, ErrProtocol
	}
	return pow.Hash(f.Genesis), nil
}

// Ping finds out whether the server still answers.
func (c *Client) Ping(ctx context.Context) error { return c.Call(ctx, message.ServerPing, nil, nil) }

// SubscribeTip gives the tip, and has the Handler told of each later one.
func (c *Client) SubscribeTip(ctx context.Context) (message.HeaderNotice, error) {
	var tip message.HeaderNotice
	err := c.Call(ctx, message.HeadersSubscribe, nil, &tip)
	return tip, err
}

// SubscribeScript gives a script's status, and has the Handler told when it changes.
func (c *Client) SubscribeScript(ctx context.Context, scriptHash message.Hash) (message.Status, error) {
	var status message.Status
	err := c.Call(ctx, message.ScriptHashSubscribe, message.ScriptHashParams{ScriptHash: scriptHash}, &status)
	return status, err
}

// Headers implements HeaderSource.
func (c *Client) Headers(ctx context.Context, start int32, count int, checkpoint int32) ([]byte, error) {
	var r message.HeadersResult
	params := message.HeadersParams{Start: start, Count: int32(min(count, message.MaxHeaders)), Checkpoint: checkpoint}
	if err := c.Call(ctx, message.BlockHeaders, params, &r); err != nil {
		return nil, err
	}
	if r.Count > count || len(r.Raw) < r.Count*message.HeaderSize {
		return nil, ErrProtocol
	}
	return r.Raw, nil
}

// History gives a script's transactions, unchecked. More than message.MaxHistory are ErrLongHistory.
func (c *Client) History(ctx context.Context, scriptHash message.Hash) (message.History, error) {
	var h message.History
	err := c.Call(ctx, message.ScriptHashHistory, message.ScriptHashParams{ScriptHash: scriptHash}, &h)
	return h, err
}

// Transaction gives the transaction of that id: that it hashes to it was checked.
func (c *Client) Transaction(ctx context.Context, id pow.Hash) (*Transaction, error) {
	var raw message.Hex
	if err := c.Call(ctx, message.TransactionGet, message.TransactionParams{TxHash: message.Hash(id)}, &raw); err != nil {
		return nil, err
	}
	t, err := ParseTransaction(raw)
	if err != nil {
		return nil, err
	}
	if t.ID != id {
		return nil, ErrProof
	}
	return t, nil
}

// Prove asks for the transaction's merkle proof and checks it against the merkle root of the block at that height.
func (c *Client) Prove(ctx context.Context, t *Transaction, height int32, root pow.Hash) error {
	var r message.MerkleResult
	params := message.MerkleParams{TxHash: message.Hash(t.ID), Height: height}
	if err := c.Call(ctx, message.TransactionMerkle, params, &r); err != nil {
		return err
	}
	if r.Height != height {
		return ErrProof
	}
	return CheckProof(t, r, root)
}
