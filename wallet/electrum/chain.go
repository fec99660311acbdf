package electrum

import (
	"context"
	"errors"
	"math/big"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

var (
	// ErrGenesis says that the server is on another chain: its first block is not the one expected.
	ErrGenesis = errors.New("the server is on another chain")
	// ErrLowWork says that the server's chain parts from the known one and has no more work, or that it has less
	// than the network's best chain is known to have.
	ErrLowWork = errors.New("the server's chain has less work than the one known")
	// ErrBehind says that the server knows only a beginning of the known chain.
	ErrBehind = errors.New("the server is behind the chain known")
	// ErrUnlinked says that a range of headers does not link to the known chain at its beginning.
	ErrUnlinked = errors.New("headers do not link")
	// ErrTooMuch says that a server sent more than any honest one would.
	ErrTooMuch = errors.New("the server sent too much")
)

// maxChain bounds a chain's length: 336 MB of headers, and more than any coin has.
const maxChain = 4 << 20

type rawHeader = [message.HeaderSize]byte

// Chain is a verified chain of headers from the first block on. It is not for concurrent use. A failed Connect
// leaves it as it was.
type Chain struct {
	params  *coin.Params
	genesis pow.Hash
	limit   *big.Int
	least   *big.Int
	now     func() time.Time

	headers []rawHeader
	tip     pow.Hash // of the last header
	work    *big.Int // of all of them
}

// NewChain is an empty chain that begins with the block of that hash.
func NewChain(p *coin.Params, genesis pow.Hash) *Chain {
	return &Chain{params: p, genesis: genesis, limit: limit(p), least: least(p), now: time.Now, work: new(big.Int)}
}

// Genesis is the hash of the first block.
func (c *Chain) Genesis() pow.Hash { return c.genesis }

// Height is that of the last header, -1 for an empty chain.
func (c *Chain) Height() int32 { return int32(len(c.headers)) - 1 }

// Header is the header at height, and false when there is none.
func (c *Chain) Header(height int32) (pow.Header, bool) {
	if height < 0 || height > c.Height() {
		return pow.Header{}, false
	}
	return c.at(height), true
}

func (c *Chain) at(height int32) pow.Header {
	h, err := pow.ParseHeader(c.headers[height][:])
	if err != nil {
		panic(err) // as below
	}
	return h
}

// Hash is the block hash at height, and false when there is none.
func (c *Chain) Hash(height int32) (pow.Hash, bool) {
	switch {
	case height < 0 || height > c.Height():
		return pow.Hash{}, false
	case height == c.Height():
		return c.tip, true
	}
	return c.at(height + 1).Prev, true
}

// Raw is the headers from height on, one after the other, at most count of them.
func (c *Chain) Raw(height int32, count int) []byte {
	if height < 0 || height > c.Height() {
		return nil
	}
	part := c.headers[height:min(len(c.headers), int(height)+count)]
	raw := make([]byte, 0, len(part)*message.HeaderSize)
	for i := range part {
		raw = append(raw, part[i][:]...)
	}
	return raw
}

// Trust appends headers that this program verified before and kept under authentication: only
// their links are checked.
func (c *Chain) Trust(ctx context.Context, raw []byte) error {
	return c.connect(ctx, c.Height()+1, raw, false)
}

// Connect checks whole headers and takes them on. They begin at height start: one past the tip, or lower, and then
// they replace the headers from there on if their work is greater than what they replace; else ErrLowWork. It fails
// with ErrUnlinked when the first does not follow the header below it, ErrGenesis, ErrHeader, ErrTooMuch or the
// context's error.
func (c *Chain) Connect(ctx context.Context, start int32, raw []byte) error {
	return c.connect(ctx, start, raw, true)
}

func (c *Chain) connect(ctx context.Context, start int32, raw []byte, verify bool) error {
	if len(raw) == 0 || start < 0 || start > c.Height()+1 {
		return ErrUnlinked
	}
	b := c.fork(start)
	if err := b.extend(ctx, raw, verify); err != nil {
		return err
	}
	return b.replace()
}

// branch is a candidate for what follows the chain from start on. It is checked as it grows, so that a server must
// do the work before it takes the memory.
type branch struct {
	chain   *Chain
	start   int32
	headers []rawHeader
	tip     pow.Hash
	work    *big.Int
}

func (c *Chain) fork(start int32) *branch {
	prev, _ := c.Hash(start - 1) // the zero hash below the first
	return &branch{chain: c, start: start, tip: prev, work: new(big.Int)}
}

func (b *branch) next() int32 { return b.start + int32(len(b.headers)) }

func (b *branch) at(height int32) pow.Header {
	if height < b.start {
		return b.chain.at(height)
	}
	h, err := pow.ParseHeader(b.headers[height-b.start][:])
	if err != nil {
		panic(err) // 80 bytes are always a header
	}
	return h
}

// extend checks whole headers and appends them; after a failure the branch is of no more use.
func (b *branch) extend(ctx context.Context, raw []byte, verify bool) error {
	if len(raw)%message.HeaderSize != 0 {
		return ErrUnlinked
	}
	if len(raw)/message.HeaderSize > maxChain-int(b.next()) {
		return ErrTooMuch
	}
	for i := 0; len(raw) > 0; i++ {
		if i%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		height := b.next()
		header := rawHeader(raw[:message.HeaderSize])
		raw = raw[message.HeaderSize:]
		h, err := pow.ParseHeader(header[:])
		if err != nil {
			return ErrHeader
		}
		if h.Prev != b.tip {
			return ErrUnlinked
		}
		hash := h.BlockHash()
		switch {
		case height == 0 && hash != b.chain.genesis:
			return ErrGenesis
		case height > 0 && verify:
			if err := b.chain.check(h, height, b.at); err != nil {
				return err
			}
		}
		b.headers = append(b.headers, header)
		b.work.Add(b.work, work(h.Bits))
		b.tip = hash
	}
	return nil
}

// replace puts the branch in the place of what the chain has from its start on, if there is more work in it.
func (b *branch) replace() error {
	c := b.chain
	lost := new(big.Int)
	for height := b.start; height <= c.Height(); height++ {
		lost.Add(lost, work(c.at(height).Bits))
	}
	if b.work.Cmp(lost) <= 0 {
		return ErrLowWork
	}
	c.headers = append(c.headers[:b.start], b.headers...)
	c.tip = b.tip
	c.work.Add(c.work.Sub(c.work, lost), b.work)
	return nil
}

// Work is how many hashes the chain stands for, on average.
func (c *Chain) Work() *big.Int { return new(big.Int).Set(c.work) }

// HeaderSource gives headers: the Client, or a test.
type HeaderSource interface {
	Headers(ctx context.Context, start int32, count int) ([]byte, error)
}

// Follow takes on the headers up to tip, which the server announced, from the source. It finds where a
// reorganisation begins, and keeps the known chain unless the other has more work. It fails as Connect does, and
// with ErrBehind when the server has nothing that is not known, but lacks what is. Headers that are worth too little
// altogether are kept, because they may be the beginning of the best chain, and fail with ErrLowWork.
func (c *Chain) Follow(ctx context.Context, src HeaderSource, tip message.HeaderNotice) error {
	if err := c.follow(ctx, src, tip); err != nil {
		return err
	}
	if c.work.Cmp(c.least) < 0 {
		return ErrLowWork
	}
	return nil
}

func (c *Chain) follow(ctx context.Context, src HeaderSource, tip message.HeaderNotice) error {
	if len(tip.Header) != message.HeaderSize {
		return ErrHeader // merge-mined headers are longer; their proof is not read yet
	}
	announced, err := pow.ParseHeader(tip.Header)
	if err != nil {
		return ErrHeader
	}
	if known, ok := c.Hash(tip.Height); ok && known == announced.BlockHash() {
		if tip.Height < c.Height() {
			return ErrBehind
		}
		return nil
	}
	if tip.Height == c.Height()+1 && (c.Height() < 0 || announced.Prev == c.tip) {
		return c.Connect(ctx, tip.Height, tip.Header)
	}
	return c.download(ctx, src, tip.Height)
}

// download fetches from the tip on, stepping back in doubling steps while the headers do not link.
func (c *Chain) download(ctx context.Context, src HeaderSource, tip int32) error {
	start, back := c.Height()+1, int32(1)
	for {
		raw, err := c.ask(ctx, src, start, tip)
		if err != nil {
			return err
		}
		if len(raw) > 0 {
			first, err := pow.ParseHeader(raw[:message.HeaderSize])
			if err != nil {
				return ErrHeader
			}
			if prev, _ := c.Hash(start - 1); first.Prev == prev {
				return c.adopt(ctx, src, start, raw, tip)
			}
		}
		if start == 0 {
			return ErrGenesis
		}
		start = max(0, c.Height()+1-back)
		back *= 2
	}
}

// ask gives the next range from start, and nothing when tip is below it.
func (c *Chain) ask(ctx context.Context, src HeaderSource, start, tip int32) ([]byte, error) {
	if tip < start {
		return nil, nil
	}
	return src.Headers(ctx, start, int(min(int64(tip)-int64(start)+1, message.MaxHeaders)))
}

// adopt takes on range after range. What only lengthens the chain is taken as it comes; a branch that parts from it
// must be whole before its work can be weighed.
func (c *Chain) adopt(ctx context.Context, src HeaderSource, start int32, raw []byte, tip int32) error {
	for len(raw) > 0 && start <= c.Height() && rawHeader(raw[:message.HeaderSize]) == c.headers[start] {
		raw = raw[message.HeaderSize:] // known
		start++
	}
	b := c.fork(start)
	for {
		if err := b.extend(ctx, raw, true); err != nil {
			return err
		}
		if len(b.headers) > 0 && b.start == c.Height()+1 {
			if err := b.replace(); err != nil {
				return err
			}
			b = c.fork(c.Height() + 1)
		}
		if b.next() > tip {
			break
		}
		more, err := c.ask(ctx, src, b.next(), tip)
		if err != nil {
			return err
		}
		if len(more) == 0 {
			break // the server has fewer than it announced, or lost them meanwhile
		}
		raw = more
	}
	switch {
	case len(b.headers) > 0:
		return b.replace()
	case tip < c.Height():
		return ErrBehind
	}
	return nil
}
