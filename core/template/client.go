package template

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Config is what a Client needs. Node, Coin, Payout and Handler must be set; the
// rest has defaults.
type Config struct {
	// Node is the address of the node's RPC port: https, or http on this machine.
	// Without a port it is the coin's. ?pin=sha256:… names the key that may answer.
	Node           *url.URL
	User, Password string
	Login          Login // instead of User and Password, where they change
	Coin           *coin.Params
	Payout         string // the address that is paid; it must be one of Coin
	Handler        pow.Handler
	// Block, if not nil, is told of each block that the node has taken. It is called
	// from the goroutine of Run and must not block.
	Block func(Block)

	// Dialer opens connections: who may sign the node's certificate, and the proxy,
	// which is not used for this machine; nil for the zero value.
	Dialer *jsonrpc.Dialer
	Agent  string // how we introduce ourselves; default "goldpan"

	// Patience is how long the node may take to answer; default 30 s.
	Patience time.Duration
	// Refresh is how old a template may grow; default 30 s.
	Refresh time.Duration
	// Poll is how often a node without long polling is asked; default 5 s.
	Poll time.Duration
	// LongPoll is how long one long poll may last; default 10 minutes.
	LongPoll time.Duration
	// Backoff is how long to wait before the attempt that follows n failed ones, n
	// from 1; default Backoff.
	Backoff func(n int) time.Duration
}

// Block is a block that was found here and that the node has taken.
type Block struct {
	Height int64
	Hash   pow.Hash    // the one that names the block
	Reward coin.Amount // subsidy and fees
}

// Client mines on one node. It implements [pow.Source] and may be used by several
// at once.
type Client struct {
	config      Config
	genesis     []string
	most        coin.Amount // that a reward can be
	node        *node
	script      []byte // that is paid
	fixed       bool   // the password does not change
	extranonce1 []byte

	calls  chan func()    // what the goroutine of Run is to do
	blocks sync.WaitGroup // being submitted

	tell sync.Mutex // held while the handler is called; taken before mu

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before and after
	works   []work          // the jobs that a block may come from, the newest last
	pending int             // blocks being submitted: until the node has answered, the lanes rest
	era     int             // raised with each answer to a block: what was asked before is out of date
	jobs    int             // so far
	found   uint64
}

// work is a job with the template that it was made of.
type work struct {
	*template
	job *pow.Job
}

// maxWorks is how many jobs are kept: a block of an older template of the same
// height is as good as one of the newest.
const maxWorks = 4

var _ pow.Source = (*Client)(nil)

// New checks c and prepares a client; Run starts it.
func New(c Config) (*Client, error) {
	if c.Handler == nil || c.Coin == nil {
		panic("template: Config.Handler or Config.Coin is nil")
	}
	first := genesis(c.Coin)
	if first == nil {
		return nil, fmt.Errorf("%w: there are no nodes of %s's network %s", ErrChain, c.Coin.Coin.Name, c.Coin.Network)
	}
	script, err := c.Coin.Script(c.Payout)
	if err != nil {
		return nil, err
	}
	fixed := c.Login == nil
	if fixed && (c.User != "" || c.Password != "") {
		c.Login = func() (string, string, error) { return c.User, c.Password, nil }
	}
	if c.Agent == "" {
		c.Agent = "goldpan"
	}
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&c.Patience, 30 * time.Second}, {&c.Refresh, 30 * time.Second}, {&c.Poll, 5 * time.Second}, {&c.LongPoll, 10 * time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	if c.Backoff == nil {
		c.Backoff = Backoff
	}
	if u := c.Node; u != nil && u.Hostname() != "" && u.Port() == "" {
		with := *u
		with.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(c.Coin.RPCPort))
		c.Node = &with
	}
	n, err := newNode(c.Node, c.Login, c.Dialer, c.Agent)
	if err != nil {
		return nil, err
	}
	extranonce1 := make([]byte, extranonce1Size)
	_, _ = rand.Read(extranonce1) // it never fails
	return &Client{config: c, genesis: first, most: mostMoney(c.Coin), node: n, script: script, fixed: fixed, extranonce1: extranonce1, calls: make(chan func())}, nil
}

// Backoff waits a second after the first failed attempt and twice as long after
// each further one, up to half a minute, give or take a quarter. A node is the
// user's own: it is often just starting.
func Backoff(n int) time.Duration {
	bound := 30 * time.Second
	if n < 6 {
		bound = min(bound, time.Second<<max(n-1, 0))
	}
	return bound*3/4 + time.Duration(mathrand.Int64N(int64(bound)/2))
}

// Address returns the node's address, as statuses show it.
func (c *Client) Address() string { return c.node.url }

// steady is how long a node must have given work to count as good again.
const steady = time.Minute

// grace is how long blocks may still be on their way once Run is to end.
const grace = 1200 * time.Millisecond

// Run mines until ctx ends, which is no error, and connects again whenever the node
// is lost. It ends with an error where trying again is of no use: the node is of
// another chain, or refuses a password that cannot change. Run may be called once.
func (c *Client) Run(ctx context.Context) error {
	defer c.node.close()
	c.mu.Lock()
	c.ctx = ctx
	c.mu.Unlock()
	defer c.finish()
	failed, worked := 0, false
	for {
		c.state(pow.State{Phase: pow.Connecting})
		lasted, err := c.connect(ctx)
		if ctx.Err() != nil {
			return nil
		}
		worked = worked || lasted > 0
		if errors.Is(err, ErrChain) || errors.Is(err, ErrClearText) || errors.Is(err, ErrLogin) && c.fixed && !worked {
			c.state(pow.State{Phase: pow.Down, Reason: reason(err), Err: err})
			return err
		}
		if lasted >= steady {
			failed = 0
		}
		failed++
		wait := c.config.Backoff(failed)
		c.state(pow.State{Phase: pow.Down, Reason: reason(err), Err: err, Retry: wait})
		again := time.NewTimer(wait)
		for waiting := true; waiting; {
			select {
			case call := <-c.calls:
				call()
			case <-again.C:
				waiting = false
			case <-ctx.Done():
				again.Stop()
				return nil
			}
		}
	}
}

// finish waits for the blocks that are on their way.
func (c *Client) finish() {
	c.mu.Lock()
	c.ctx, c.works = nil, nil
	c.mu.Unlock()
	done := make(chan struct{})
	go func() { c.blocks.Wait(); close(done) }()
	for {
		select {
		case call := <-c.calls:
			call()
		case <-done:
			return
		}
	}
}

func (c *Client) state(s pow.State) {
	s.Pool = c.node.url
	c.tell.Lock()
	defer c.tell.Unlock()
	c.config.Handler.State(s)
}

// event is a template, or why there is none.
type event struct {
	template *template
	err      error
	polled   bool // by a long poll
	era      int  // when it was asked for
}

// connect lives through one connection and returns for how long it gave work.
func (c *Client) connect(ctx context.Context) (lasted time.Duration, err error) {
	if err := c.checkChain(ctx); err != nil {
		return 0, err
	}
	l := &loop{Client: c, events: make(chan event), refresh: time.NewTimer(time.Hour), poll: time.NewTimer(time.Hour)}
	inner, cancel := context.WithCancel(ctx)
	err = l.run(inner)
	cancel()
	l.asking.Wait()
	l.refresh.Stop()
	l.poll.Stop()
	c.tell.Lock()
	c.mu.Lock()
	c.works = nil
	c.mu.Unlock()
	c.config.Handler.Job(nil)
	c.tell.Unlock()
	if !l.since.IsZero() {
		lasted = max(time.Since(l.since), 1)
	}
	return lasted, err
}

// checkChain asks for the first block: an address that looks right on two chains is
// paid on one alone.
func (c *Client) checkChain(ctx context.Context) error {
	var first string
	ctx, cancel := context.WithTimeout(ctx, c.config.Patience)
	defer cancel()
	if err := c.node.call(ctx, 64<<10, &first, "getblockhash", 0); err != nil {
		return err
	}
	if !slices.Contains(c.genesis, first) {
		return ErrChain
	}
	return nil
}

// loop is one connection. Its fields belong to the goroutine of Run.
type loop struct {
	*Client
	events   chan event
	asking   sync.WaitGroup
	asked    bool // a template is on its way
	again    bool // and is to be asked for once more
	polling  bool // a long poll is under way
	pollID   string
	pollFrom time.Time
	refresh  *time.Timer
	poll     *time.Timer // until the next poll
	since    time.Time   // of the first work; zero before
	prev     pow.Hash    // of the present work
}

func (l *loop) run(ctx context.Context) error {
	l.ask(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case call := <-l.calls:
			call()
			l.ask(ctx)
		case <-l.refresh.C:
			l.ask(ctx)
		case <-l.poll.C:
			if l.pollID == "" {
				l.ask(ctx)
			} else {
				l.longPoll(ctx)
			}
		case e := <-l.events:
			if err := l.take(ctx, e); err != nil {
				return err
			}
		}
	}
}

// ask fetches a template at once.
func (l *loop) ask(ctx context.Context) {
	if l.asked {
		l.again = true
		return
	}
	l.asked = true
	l.start(ctx, "", l.config.Patience)
}

// longPoll fetches the template that follows the one the node knows by pollID.
func (l *loop) longPoll(ctx context.Context) {
	if l.polling {
		return
	}
	l.polling, l.pollFrom = true, time.Now()
	l.start(ctx, l.pollID, l.config.LongPoll)
}

func (l *loop) start(ctx context.Context, pollID string, patience time.Duration) {
	l.mu.Lock()
	e := event{polled: pollID != "", era: l.era}
	l.mu.Unlock()
	l.asking.Go(func() {
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		e.template, e.err = l.fetch(limited, pollID)
		select {
		case l.events <- e:
		case <-ctx.Done():
		}
	})
}

// fetch asks for a template; with a pollID the node answers when it has a better
// one.
func (c *Client) fetch(ctx context.Context, pollID string) (*template, error) {
	request := map[string]any{"rules": append([]string{}, c.config.Coin.Template.Rules...), "capabilities": []string{"coinbasevalue", "longpoll", "workid"}}
	if pollID != "" {
		request["longpollid"] = pollID
	}
	var a answer
	if err := c.node.call(ctx, maxAnswer, &a, "getblocktemplate", request); err != nil {
		return nil, err
	}
	return newTemplate(&a, c.most)
}

// take uses what a fetch brought.
func (l *loop) take(ctx context.Context, e event) error {
	if e.polled {
		l.polling = false
		if e.err != nil {
			// Something between us and the node may not like long answers. Whether
			// the node is still there is for a plain question to find out.
			if !errors.Is(e.err, jsonrpc.ErrTimeout) {
				l.ask(ctx)
			}
			l.poll.Reset(l.config.Poll)
			return nil
		}
	} else {
		l.asked = false
		if e.err != nil {
			return e.err
		}
	}
	l.refresh.Reset(l.config.Refresh)
	if fresh := l.give(e); !fresh || l.again && !e.polled {
		l.again = false
		l.ask(ctx)
	}
	l.pollID = e.template.longPoll
	switch {
	case l.pollID == "":
		l.poll.Reset(l.config.Poll)
	case e.polled && time.Since(l.pollFrom) < time.Second:
		// A node that answers at once, again and again, is not asked again and again.
		l.poll.Reset(min(time.Second, l.config.Poll))
	default:
		l.longPoll(ctx)
	}
	return nil
}

// give hands a template's job to the handler, unless it is out of date.
func (l *loop) give(e event) (fresh bool) {
	t := e.template
	l.tell.Lock()
	defer l.tell.Unlock()
	l.mu.Lock()
	if l.pending > 0 || e.era != l.era {
		l.mu.Unlock()
		return l.pending > 0 // the answer to the block asks again
	}
	l.jobs++
	clean := len(l.works) == 0 || l.prev != t.prev
	w := work{t, t.job(strconv.Itoa(l.jobs), l.config.Coin.Algorithm, l.script, l.extranonce1, clean)}
	if clean {
		l.works = nil
	}
	l.works = append(l.works[max(0, len(l.works)-maxWorks+1):], w)
	l.prev = t.prev
	l.mu.Unlock()
	if l.since.IsZero() {
		l.since = time.Now()
	}
	l.config.Handler.Job(w.job)
	l.config.Handler.State(pow.State{Phase: pow.Mining, Pool: l.node.url, Difficulty: w.job.Difficulty})
	return true
}

// Status is what a Client has in hand.
type Status struct {
	Height       int64       // of the block that is looked for; 0 without work
	Reward       coin.Amount // of that block: subsidy and fees
	Transactions int         // in it, with the coinbase
	Hashes       float64     // that it takes on average to find it
	Blocks       uint64      // found here and taken by the node, since Run
}

// Status returns what c has in hand now.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Blocks: c.found}
	if n := len(c.works); n > 0 {
		t := c.works[n-1]
		s.Height, s.Reward, s.Transactions, s.Hashes = t.height, t.value, 1+len(t.data), t.target.Expected()
	}
	return s
}

// reason says for people why there is no work. It holds nothing of the node's words.
func reason(err error) string {
	for _, r := range []struct {
		err  error
		text string
	}{
		{ErrLogin, "the node refuses this user or password"},
		{ErrNoLogin, "the node's password could not be read; does the node run?"},
		{ErrForbidden, "the node does not serve this machine; see rpcallowip in its settings"},
		{ErrBusy, "the node is starting, or has too much to do"},
		{ErrSyncing, "the node is still catching up with the chain; mining begins by itself when it has"},
		{ErrNoPeers, "the node is connected to no other node; a block found now would reach nobody"},
		{ErrChain, "the node is of another coin or network"},
		{ErrClearText, "that name leads to another machine, where a password would be readable on its way"},
		{ErrTemplate, "the node sent a template that no valid block can be made of"},
		{ErrProtocol, "what answers at this address is not a node that gives block templates"},
		{jsonrpc.ErrTooLong, "the node sent more than a template can be"},
		{jsonrpc.ErrPinned, "another key answers than the one that was pinned"},
		{jsonrpc.ErrExpired, "the node's certificate is out of date, or this machine's clock is wrong"},
		{jsonrpc.ErrWrongHost, "the node's certificate is made for another name"},
		{jsonrpc.ErrCertificate, "the node's certificate is signed by nobody that is trusted"},
		{jsonrpc.ErrTLS, "what answers at this address does not speak https"},
		{jsonrpc.ErrProxy, "the proxy does not serve"},
		{jsonrpc.ErrUnreachable, "the proxy cannot reach the node"},
		{jsonrpc.ErrRefused, "nothing answers at the node's address; does the node run?"},
		{jsonrpc.ErrNoHost, "the node's name could not be found"},
		{jsonrpc.ErrTimeout, "the node did not answer in time"},
	} {
		if errors.Is(err, r.err) {
			return r.text
		}
	}
	var r *refusal
	if errors.As(err, &r) {
		return r.Error()
	}
	return "the connection to the node broke"
}
