package electrum

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"sync"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

var (
	// ErrGenesis says that the server is on another chain: its first block, or one that every wallet knows, is not the
	// one expected.
	ErrGenesis = errors.New("the server is on another chain")
	// ErrLowWork says that the server's chain parts from the known one and has no more work.
	ErrLowWork = errors.New("the server's chain has less work than the one known")
	// ErrBehind says that the server knows only a beginning of the known chain.
	ErrBehind = errors.New("the server is behind the chain known")
	// ErrStale says that a real network's last block is long ago: the server has stopped, or this machine's clock
	// runs ahead.
	ErrStale = errors.New("the server's last block is over a day old, or this computer's clock is wrong")
	// ErrUnlinked says that a range of headers does not link to the known chain at its beginning.
	ErrUnlinked = errors.New("headers do not link")
	// ErrTooMuch says that a server sent more than any honest one would.
	ErrTooMuch = errors.New("the server sent too much")

	errMoved = errors.New("electrum: the chain changed meanwhile") // and the branch must begin anew
)

// maxChain bounds a chain's length: 336 MB of headers, and more than any coin has since its last checkpoint.
const maxChain = 4 << 20

type rawHeader = [message.HeaderSize]byte

// Chain is a chain of headers, verified from the network's last checkpoint on, or from the first block where there is
// none. Its methods may be called by several goroutines. A failed Connect leaves it as it was.
type Chain struct {
	params  *coin.Params
	genesis pow.Hash
	limit   *big.Int
	aux     *auxRule // nil where nothing is merge-mined
	now     func() time.Time
	anchor  Checkpoint   // the block that an empty chain must have
	marks   []Checkpoint // in ascending order, from start on: nothing parts from the chain below one that it has
	start   int32        // the height of the first header that is kept

	mu      sync.RWMutex
	headers []rawHeader
	tip     pow.Hash // of the last header
	work    *big.Int // of all of them
}

// NewChain is an empty chain of the network whose first block has that hash. Where checkpoints are built in, headers
// are kept from shortly before the last one on.
func NewChain(p *coin.Params, genesis pow.Hash) *Chain {
	if list := Checkpoints(p); len(list) > 0 {
		if own, ok := Genesis(p); ok && own == genesis {
			return NewChainAt(p, genesis, list[len(list)-1])
		}
	}
	return NewChainAt(p, genesis, Checkpoint{Hash: genesis})
}

// NewChainAt is an empty chain that has the block of the checkpoint.
func NewChainAt(p *coin.Params, genesis pow.Hash, at Checkpoint) *Chain {
	c := ResumeChain(p, genesis, at.Height-lead(p, at.Height))
	c.anchor = at
	if at.Height > 0 && !slices.Contains(c.marks, at) {
		c.marks = []Checkpoint{at}
	}
	return c
}

// ResumeChain is a chain for the headers of an earlier one, whose Start that was; Trust gives them back to it.
func ResumeChain(p *coin.Params, genesis pow.Hash, start int32) *Chain {
	c := &Chain{params: p, genesis: genesis, limit: limit(p), now: time.Now, start: start, work: new(big.Int)}
	if rule, ok := auxRules[p.Coin.ID][p.Network]; ok {
		c.aux = &rule
	}
	for _, m := range Checkpoints(p) {
		if m.Height >= start {
			c.marks = append(c.marks, m)
		}
	}
	return c
}

// Genesis is the hash of the first block.
func (c *Chain) Genesis() pow.Hash { return c.genesis }

// Start is the height of the first header that is kept. What is below it is settled for good.
func (c *Chain) Start() int32 { return c.start }

// Height is that of the last header, -1 for an empty chain.
func (c *Chain) Height() int32 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(c.headers) == 0 {
		return -1
	}
	return c.next() - 1
}

// Empty tells whether no header is known yet.
func (c *Chain) Empty() bool { return c.Height() < 0 }

// next is the height after the last header; the caller holds mu, as for all methods below with a small letter.
func (c *Chain) next() int32 { return c.start + int32(len(c.headers)) }

// Header is the header at height, and false when there is none.
func (c *Chain) Header(height int32) (pow.Header, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if height < c.start || height >= c.next() {
		return pow.Header{}, false
	}
	return c.at(height), true
}

func (c *Chain) at(height int32) pow.Header { return header(c.headers[height-c.start]) }

// Hash is the block hash at height, and false when it is not known.
func (c *Chain) Hash(height int32) (pow.Hash, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.hash(height)
}

func (c *Chain) hash(height int32) (pow.Hash, bool) {
	switch {
	case len(c.headers) == 0 || height < c.start-1 || height < 0 || height >= c.next():
		return pow.Hash{}, false
	case height == c.next()-1:
		return c.tip, true
	}
	return c.at(height + 1).Prev, true
}

// Raw is the headers from height on, one after the other, at most count of them.
func (c *Chain) Raw(height int32, count int) []byte {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if height < c.start || height >= c.next() {
		return nil
	}
	i := int(height - c.start)
	part := c.headers[i:min(len(c.headers), i+count)]
	raw := make([]byte, 0, len(part)*message.HeaderSize)
	for i := range part {
		raw = append(raw, part[i][:]...)
	}
	return raw
}

// Work is how many hashes the headers that are kept stand for, on average.
func (c *Chain) Work() *big.Int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return new(big.Int).Set(c.work)
}

// Trust appends headers, without proofs of merged mining, that this program verified before and kept under
// authentication: only their links are checked.
func (c *Chain) Trust(ctx context.Context, raw []byte) error {
	c.mu.RLock()
	b := c.fork(c.next())
	c.mu.RUnlock()
	if len(raw) == 0 || len(raw)%message.HeaderSize != 0 {
		return ErrUnlinked
	}
	if err := b.extend(ctx, raw, len(raw)/message.HeaderSize, false); err != nil {
		return err
	}
	return b.replace()
}

// Connect checks whole headers, each with its proof if it is merge-mined, and takes them on. They begin at height
// start: one past the tip, or lower, and then they replace the headers from there on if their work is greater than
// what they replace; else ErrLowWork. It fails with ErrUnlinked when the first does not follow the header below it,
// ErrGenesis, ErrHeader, ErrTooMuch or the context's error.
func (c *Chain) Connect(ctx context.Context, start int32, raw []byte) error {
	c.mu.RLock()
	bad := len(raw) == 0 || start < c.start || start > c.next()
	b := c.fork(start)
	c.mu.RUnlock()
	if bad {
		return ErrUnlinked
	}
	if err := b.extend(ctx, raw, maxChain, true); err != nil {
		return err
	}
	return b.replace()
}

// branch is a candidate for what follows the chain from start on. It is checked as it grows, so that a server must
// do the work before it takes the memory. It belongs to one goroutine.
type branch struct {
	chain   *Chain
	start   int32
	base    pow.Hash // of the chain's header below start
	headers []rawHeader
	tip     pow.Hash
	work    *big.Int
}

func (c *Chain) fork(start int32) *branch {
	prev, _ := c.hash(start - 1) // the zero hash below the first
	return &branch{chain: c, start: start, base: prev, tip: prev, work: new(big.Int)}
}

func (b *branch) next() int32 { return b.start + int32(len(b.headers)) }

func (b *branch) at(height int32) pow.Header {
	if height < b.start {
		return b.chain.at(height)
	}
	return header(b.headers[height-b.start])
}

// holds tells whether the chain still is what the branch began on; the caller holds the chain's mu.
func (b *branch) holds() bool {
	if b.start > b.chain.next() {
		return false
	}
	prev, _ := b.chain.hash(b.start - 1)
	return prev == b.base
}

// breath is how many headers are checked before others may look at the chain.
const breath = 64

// extend checks at most most whole headers and appends them; after a failure the branch is of no more use.
func (b *branch) extend(ctx context.Context, raw []byte, most int, verify bool) error {
	for len(raw) > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n := min(breath, most)
		if n == 0 {
			return ErrTooMuch
		}
		rest, err := b.some(raw, n, verify)
		if err != nil {
			return err
		}
		most -= n
		raw = rest
	}
	return nil
}

func (b *branch) some(raw []byte, n int, verify bool) (rest []byte, err error) {
	c := b.chain
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !b.holds() {
		return nil, errMoved
	}
	for _, m := range c.marks {
		if b.start <= m.Height && m.Height < c.next() {
			return nil, ErrGenesis
		}
	}
	for ; n > 0 && len(raw) > 0; n-- {
		h, aux, size, err := c.split(raw, verify)
		if err != nil {
			return nil, err
		}
		height := b.next()
		switch {
		case len(b.headers) >= maxChain:
			return nil, ErrTooMuch
		case h.Prev != b.tip && (verify || height != c.start): // what is kept of a chain need not begin at its root
			return nil, ErrUnlinked
		}
		hash := h.BlockHash()
		switch {
		case height == 0 && hash != c.genesis, !c.marked(height, hash):
			return nil, ErrGenesis
		case height > 0 && verify:
			if err := c.check(h, aux, height, b.at); err != nil {
				return nil, err
			}
		}
		b.headers = append(b.headers, rawHeader(raw[:message.HeaderSize]))
		b.work.Add(b.work, work(h.Bits))
		b.tip = hash
		raw = raw[size:]
	}
	return raw, nil
}

// marked tells whether a block may stand at height as far as checkpoints go.
func (c *Chain) marked(height int32, hash pow.Hash) bool {
	for _, m := range c.marks {
		if m.Height == height {
			return m.Hash == hash
		}
	}
	return true
}

// split reads the header at the beginning of raw, and its proof of merged mining if it has one.
func (c *Chain) split(raw []byte, proved bool) (h pow.Header, aux *auxProof, size int, err error) {
	if len(raw) < message.HeaderSize {
		return h, nil, 0, ErrHeader
	}
	if h, err = pow.ParseHeader(raw[:message.HeaderSize]); err != nil {
		return h, nil, 0, ErrHeader
	}
	size = message.HeaderSize
	if c.aux != nil && proved && h.Version&auxFlag != 0 {
		var n int
		if aux, n, err = parseAux(raw[size:]); err != nil {
			return h, nil, 0, err
		}
		size += n
	}
	return h, aux, size, nil
}

// replace puts the branch in the place of what the chain has from its start on, if there is more work in it.
func (b *branch) replace() error {
	c := b.chain
	c.mu.Lock()
	defer c.mu.Unlock()
	if !b.holds() {
		return errMoved
	}
	lost := new(big.Int)
	for height := b.start; height < c.next(); height++ {
		lost.Add(lost, work(c.at(height).Bits))
	}
	if b.work.Cmp(lost) <= 0 {
		return ErrLowWork
	}
	c.headers = append(c.headers[:b.start-c.start], b.headers...)
	c.tip = b.tip
	c.work.Add(c.work.Sub(c.work, lost), b.work)
	return nil
}

func header(raw rawHeader) pow.Header {
	h, err := pow.ParseHeader(raw[:])
	if err != nil {
		panic(err) // 80 bytes are always a header
	}
	return h
}
