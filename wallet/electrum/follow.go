package electrum

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// HeaderSource gives headers: the Client, or a test.
type HeaderSource interface {
	// Headers gives up to count headers from start on, one after the other, unchecked. Those of a merge-mined chain
	// have their proofs behind them, unless a checkpoint of at least their height is given: what lies below one needs
	// none.
	Headers(ctx context.Context, start int32, count int, checkpoint int32) ([]byte, error)
}

const (
	// batch and auxBatch are how many headers are asked for at once: without a proof, and with one of up to some
	// kilobytes each.
	batch    = message.MaxHeaders
	auxBatch = 500

	staleAfter = 24 * time.Hour
	maxMoved   = 8 // times that other servers may change the chain under one that is followed
)

// Follow takes on the headers up to tip, which the server announced, from the source. It finds where a
// reorganisation begins, and keeps the known chain unless the other has more work. It fails as Connect does, with
// ErrBehind when the server has nothing that is not known, but lacks what is, and with ErrStale when what it has is
// old. Several servers may be followed at once.
func (c *Chain) Follow(ctx context.Context, src HeaderSource, tip message.HeaderNotice) error {
	announced, _, size, err := c.split(tip.Header, true)
	if err != nil || size != len(tip.Header) {
		return ErrHeader
	}
	for range maxMoved {
		if err = c.follow(ctx, src, tip, announced); !errors.Is(err, errMoved) {
			break
		}
	}
	if errors.Is(err, errMoved) {
		return ErrBehind
	}
	if err == nil && c.params.Network == coin.Main && int64(announced.Time) < c.now().Add(-staleAfter).Unix() {
		return ErrStale
	}
	return err
}

func (c *Chain) follow(ctx context.Context, src HeaderSource, tip message.HeaderNotice, announced pow.Header) error {
	if c.Empty() && c.anchor.Height > 0 {
		if err := c.drop(ctx, src, tip.Height); err != nil {
			return err
		}
	}
	c.mu.RLock()
	known, ok := c.hash(tip.Height)
	next, last := c.next(), c.tip
	c.mu.RUnlock()
	if ok && known == announced.BlockHash() {
		if tip.Height < next-1 {
			return ErrBehind
		}
		return nil
	}
	if tip.Height == next && announced.Prev == last {
		return c.Connect(ctx, tip.Height, tip.Header)
	}
	return c.download(ctx, src, tip.Height)
}

// drop lets the anchor down: it fetches the headers up to the checkpoint, which hold because each links to the next.
func (c *Chain) drop(ctx context.Context, src HeaderSource, tip int32) error {
	if tip < c.anchor.Height {
		return ErrBehind
	}
	found := make([]rawHeader, 0, c.anchor.Height-c.start+1)
	var last pow.Hash
	total := new(big.Int)
	err := c.links(ctx, src, c.start, c.anchor, func(_ int32, raw rawHeader, h pow.Header) {
		found = append(found, raw)
		total.Add(total, work(h.Bits))
		last = h.BlockHash()
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.headers) == 0 {
		c.headers, c.tip, c.work = found, last, total
	}
	return nil
}

// links fetches the headers from start up to a block that is known, and gives each to visit. Nothing that was
// visited counts unless it ends well: each header holds because the next names it, and the block the last.
func (c *Chain) links(ctx context.Context, src HeaderSource, start int32, to Checkpoint, visit func(int32, rawHeader, pow.Header)) error {
	var tip pow.Hash
	checkpoint := int32(0) // where headers are never longer, it would cost the server a proof for nothing
	if c.aux != nil {
		checkpoint = to.Height
	}
	for height := start; height <= to.Height; {
		want := int(min(to.Height-height+1, batch))
		raw, err := src.Headers(ctx, height, want, checkpoint)
		if err != nil {
			return err
		}
		// Servers before protocol 1.4.1 give the proofs, wanted or not.
		bare := len(raw)%message.HeaderSize == 0 && len(raw)/message.HeaderSize <= want
		if len(raw) == 0 {
			return ErrBehind
		}
		for n := 0; len(raw) > 0; n++ {
			h, _, size, err := c.split(raw, !bare)
			switch {
			case err != nil:
				return err
			case n == want:
				return ErrTooMuch
			case height > start && h.Prev != tip:
				return ErrUnlinked
			}
			visit(height, rawHeader(raw[:message.HeaderSize]), h)
			tip = h.BlockHash()
			raw = raw[size:]
			height++
		}
	}
	if tip != to.Hash {
		return ErrGenesis
	}
	return nil
}

// Settled gives the headers at heights below Start, which must be sorted in ascending order. It fetches what leads
// from each to the next checkpoint above, and keeps nothing else.
func (c *Chain) Settled(ctx context.Context, src HeaderSource, heights []int32) (map[int32]pow.Header, error) {
	found := make(map[int32]pow.Header, len(heights))
	c.mu.RLock()
	below, ok := c.hash(c.start - 1)
	c.mu.RUnlock()
	if !ok {
		return nil, ErrBehind
	}
	marks := Checkpoints(c.params)
	for len(heights) > 0 {
		// The chain's own first header is the nearest where no checkpoint is in between.
		to := Checkpoint{Height: c.start - 1, Hash: below}
		for _, m := range marks {
			if m.Height >= heights[0] && m.Height < to.Height {
				to = m
				break
			}
		}
		n := 0
		for n < len(heights) && heights[n] <= to.Height {
			n++
		}
		if n == 0 {
			return nil, ErrProof
		}
		wanted := heights[:n]
		heights = heights[n:]
		err := c.links(ctx, src, wanted[0], to, func(height int32, _ rawHeader, h pow.Header) {
			for len(wanted) > 0 && wanted[0] == height {
				found[height] = h
				wanted = wanted[1:]
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// download fetches from the tip on, stepping back in doubling steps while the headers do not link.
func (c *Chain) download(ctx context.Context, src HeaderSource, tip int32) error {
	if tip < c.start {
		return ErrBehind // it is at a beginning that every wallet passes over
	}
	c.mu.RLock()
	top := c.next()
	c.mu.RUnlock()
	start, back := top, int32(1)
	for {
		raw, err := c.ask(ctx, src, start, tip)
		if err != nil {
			return err
		}
		if len(raw) > 0 {
			first, _, _, err := c.split(raw, true)
			if err != nil {
				return err
			}
			c.mu.RLock()
			prev, _ := c.hash(start - 1)
			b := c.fork(start)
			c.mu.RUnlock()
			if first.Prev == prev {
				return c.adopt(ctx, src, b, raw, tip)
			}
		}
		switch {
		case start > c.start:
		case len(raw) == 0:
			return ErrBehind // it gives nothing of what it announced
		default:
			return ErrGenesis
		}
		start = max(c.start, top-back)
		back *= 2
	}
}

// ask gives the next range from start, and nothing when tip is below it.
func (c *Chain) ask(ctx context.Context, src HeaderSource, start, tip int32) ([]byte, error) {
	if tip < start {
		return nil, nil
	}
	most := int64(batch)
	if c.aux != nil {
		most = auxBatch
	}
	return src.Headers(ctx, start, int(min(int64(tip)-int64(start)+1, most)), 0)
}

// adopt takes on range after range. What only lengthens the chain is taken as it comes; a branch that parts from it
// must be whole before its work can be weighed.
func (c *Chain) adopt(ctx context.Context, src HeaderSource, b *branch, raw []byte, tip int32) error {
	raw, b, err := c.skip(b, raw)
	if err != nil {
		return err
	}
	for {
		if err := b.extend(ctx, raw, batch, true); err != nil {
			return err
		}
		c.mu.RLock()
		end := c.next()
		c.mu.RUnlock()
		if len(b.headers) > 0 && b.start == end {
			if err := b.replace(); err != nil {
				return err
			}
			c.mu.RLock()
			b = c.fork(c.next())
			c.mu.RUnlock()
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

// skip leaves out what is known at the beginning of a range.
func (c *Chain) skip(b *branch, raw []byte) ([]byte, *branch, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !b.holds() {
		return nil, nil, errMoved
	}
	start := b.start
	for len(raw) > 0 && start < c.next() && bytes.HasPrefix(raw, c.headers[start-c.start][:]) {
		_, _, size, err := c.split(raw, true)
		if err != nil {
			return nil, nil, err
		}
		raw = raw[size:]
		start++
	}
	return raw, c.fork(start), nil
}
