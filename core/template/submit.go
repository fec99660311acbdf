package template

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Submit gives the node the block that s makes, and calls done once with its fate:
// from Submit itself when the block is not sent, else from the goroutine of Run,
// which done must not block. Submit never waits. Until the node has answered, the
// lanes get no work: a second block after the same one would be of no use.
func (c *Client) Submit(s pow.Share, done func(pow.Result)) {
	began := time.Now()
	result := pow.Result{Status: pow.Stale, Difficulty: s.Difficulty, Pool: c.node.url, Reason: "it is of an older block"}
	if s.Job != nil {
		result.Target = s.Job.Difficulty
	}
	c.tell.Lock() // the handler hears of the pause before anybody can hand out work
	c.mu.Lock()
	w, ctx := c.workOf(s.Job), c.ctx
	switch {
	case ctx == nil || ctx.Err() != nil:
		w, result.Reason = nil, "mining has ended"
	case c.pending > 0:
		w, result.Reason = nil, "another block was found here just before"
	case w != nil && !w.target.Met(s.Hash):
		w, result.Status, result.Reason = nil, pow.Rejected, "it is no block"
	}
	if w == nil {
		c.mu.Unlock()
		c.tell.Unlock()
		done(result)
		return
	}
	c.pending++
	c.works = nil
	c.blocks.Go(func() { c.deliver(ctx, *w, s, began, result, done) })
	c.mu.Unlock()
	c.config.Handler.Job(nil)
	c.tell.Unlock()
}

func (c *Client) workOf(j *pow.Job) *work {
	for i := range c.works {
		if c.works[i].job == j {
			return &c.works[i]
		}
	}
	return nil
}

// deliver brings the block to the node, however often it takes, and hands the
// outcome to the goroutine of Run.
func (c *Client) deliver(ctx context.Context, w work, s pow.Share, began time.Time, result pow.Result, done func(pow.Result)) {
	result.Status, result.Code, result.Reason = c.bring(ctx, w, hex.EncodeToString(w.block(s)))
	result.Latency = time.Since(began)
	if result.Status == pow.Rejected {
		// The next block may fare no better: where blocks are easy, the node is not
		// to be flooded with them.
		pause := time.NewTimer(min(time.Second, c.config.Poll))
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
	c.calls <- func() {
		c.mu.Lock()
		c.pending--
		c.era++
		if result.Status == pow.Accepted {
			c.found++
		}
		c.mu.Unlock()
		done(result)
		if result.Status == pow.Accepted && c.config.Block != nil {
			c.config.Block(Block{Height: w.height, Hash: s.Job.Header(s.Solution).BlockHash(), Reward: w.value})
		}
	}
}

// A block is worth much: it is brought again until the node answers.
const (
	bringFor   = time.Hour
	bringEvery = 5 * time.Second
)

func (c *Client) bring(ctx context.Context, w work, block string) (pow.Status, int, string) {
	// The end of Run leaves a block that is on its way a moment.
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), bringFor)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	params := []any{block}
	if w.work != "" {
		params = append(params, map[string]string{"workid": w.work})
	}
	for {
		var verdict *string
		call, end := context.WithTimeout(late, c.config.Patience)
		err := c.node.call(call, 64<<10, &verdict, "submitblock", params...)
		end()
		var no *refusal
		switch {
		case err == nil && verdict == nil:
			return pow.Accepted, 0, ""
		case err == nil:
			return judge(*verdict)
		case errors.As(err, &no) && !errors.Is(err, ErrBusy):
			return pow.Rejected, no.Code, quoted("the node refused the block", no.Quote)
		case errors.Is(err, jsonrpc.ErrTooLong), errors.Is(err, ErrProtocol):
			return pow.Rejected, 0, reason(err)
		}
		wait := time.NewTimer(min(bringEvery, c.config.Poll))
		select {
		case <-wait.C:
		case <-late.Done():
		case <-ctx.Done():
		}
		wait.Stop()
		if late.Err() != nil || ctx.Err() != nil {
			return pow.Stale, 0, "the node could not be reached with it: " + reason(err)
		}
	}
}

// judge reads what a node says of a block (BIP 22). Newer nodes have more words than
// that, and btcd has sentences.
func judge(verdict string) (pow.Status, int, string) {
	word := strings.TrimPrefix(verdict, "rejected: ")
	switch {
	case word == "duplicate", strings.HasPrefix(word, "already have block"):
		// The answer to an earlier attempt was lost.
		return pow.Accepted, 0, ""
	case word == "inconclusive", word == "duplicate-inconclusive":
		return pow.Stale, 0, "another block was first; yours is kept aside"
	case word == "stale-prevblk", word == "stale-work", word == "bad-prevblk", word == "prev-blk-not-found", word == "inconclusive-not-best-prevblk":
		return pow.Stale, 0, "another block was first"
	case word == "high-hash":
		return pow.Rejected, 0, "its hash does not meet the block's target"
	}
	return pow.Rejected, 0, quoted("the node refused the block", pow.Plain(word, maxQuote))
}

// quoted adds a node's words, which are plain text by now, to our own.
func quoted(ours, theirs string) string {
	if theirs == "" {
		return ours
	}
	return ours + ": “" + theirs + "”"
}
