package desk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/practice"
	"goldpan/core/stratum"
	"goldpan/wallet"
)

// PracticeOptions say how to practise. The zero value is a good start.
type PracticeOptions struct {
	Algorithm hasher.Algorithm // sha256d if empty
	Threads   int              // 0: one a processor
	Limit     int              // percent of each thread's time; 0: all of it
	Web       string           // address to serve the page on; "" for none
	WebHosts  []string         // further names, lower case, that the page may be asked for by
	Listen    string           // address to serve Stratum on for other programs; "" for none

	// What follows may be nil. They are called from several goroutines and must
	// not block.
	Progress func(string)     // what is being prepared, in words
	Block    func(Block)      // a block that the chain has accepted
	Share    func(pow.Result) // how a share of this machine fared
}

// Block is a block of the practice chain.
type Block struct {
	Height int32
	Hash   string
	Time   time.Time
	Worker string // what the device that found it calls itself, or words for one without a name
	Mine   bool   // its reward is for this wallet
}

// Practice is the whole journey on one machine: a chain, a pool, a wallet, and
// a session that mines. Its coins are worth nothing.
type Practice struct {
	options PracticeOptions
	params  *coin.Params
	network *practice.Network
	wallet  *wallet.Wallet
	session *core.Session
	address string
	web     *webServer

	mu   sync.Mutex
	last *Block
}

// PracticeSnapshot is all that a screen shows of a practice.
type PracticeSnapshot struct {
	Mining  core.Snapshot
	Coin    coin.Coin
	Balance wallet.Balance
	Synced  bool   // the wallet has seen the chain's tip
	Address string // of the wallet; blocks pay it
	Height  int32
	Last    *Block // nil before the first one of this run
	Note    string // why blocks are slow, when they are
	Devices int    // connected to the pool, this machine among them
	WebURL  string // where the page is, or nothing
	Listen  string // where other miner programs connect, as a URL, or nothing
}

const (
	pausedByUser = "you paused it"
	// measuring takes this long, once, when a chain is made.
	measuring = 700 * time.Millisecond
)

// Practice prepares the embedded network, a wallet and a session. It listens at
// once, on this machine alone unless the options say otherwise; Run starts the
// work. Close it when Run is not called.
func (d *Desk) Practice(ctx context.Context, o PracticeOptions) (_ *Practice, err error) {
	if o.Algorithm == "" {
		o.Algorithm = hasher.SHA256d
	}
	if o.Threads == 0 {
		o.Threads = runtime.NumCPU()
	}
	if o.Limit == 0 {
		o.Limit = 100
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	p := &Practice{options: o}
	for _, address := range []string{o.Web, o.Listen} {
		if address == "" {
			continue
		}
		if err := checkListen(address); err != nil {
			return nil, err
		}
	}
	if p.params, err = coin.ForPractice(o.Algorithm).Params(coin.Practice); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	o.Progress("Opening your practice wallet")
	if p.wallet, err = d.practiceWallet(p.params); err != nil {
		return nil, err
	}
	// A fresh address each time: an Electrum server serves no endless history of
	// one, and a block every ten seconds makes it long.
	if p.address, _, err = p.wallet.NextUnused(); err != nil {
		return nil, err
	}
	o.Progress("Measuring how fast this machine is")
	kernel, err := hasher.Select(o.Algorithm)
	if err != nil {
		return nil, err
	}
	speed := hasher.Measure(ctx, kernel, o.Threads, measuring).Hashrate() * float64(o.Limit) / 100
	o.Progress("Opening the practice chain")
	p.network, err = practice.Open(practice.Config{
		Dir:       filepath.Join(d.dir, "practice"),
		Algorithm: o.Algorithm,
		Hashrate:  speed,
		Payout:    p.address,
		Listen:    o.Listen,
		Events:    p.found,
	})
	if err != nil {
		return nil, err
	}
	// A chain that was thrown away and begun anew must not look like a cheating
	// server to the wallet.
	if err = p.wallet.FixGenesis(p.network.Genesis()); err != nil {
		return nil, err
	}
	pool, err := stratum.ParseURL(p.network.PoolURL())
	if err != nil {
		return nil, err
	}
	p.session, err = core.NewSession(core.Config{
		Pools:     []stratum.Pool{{URL: pool, User: p.address + ".desk", Password: "x"}},
		Algorithm: o.Algorithm,
		Lanes:     o.Threads,
		Rules:     engine.Rules{Percent: o.Limit, OnBattery: true, WhileActive: true},
		Machine:   sensors(),
		Shares:    o.Share,
	})
	if err != nil {
		return nil, err
	}
	if o.Web != "" {
		if p.web, err = p.listenWeb(o.Web); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// found is told of each block that the chain accepts.
func (p *Practice) found(e practice.Event) {
	b := Block{Height: e.Height, Hash: e.Hash.String(), Time: e.Time, Worker: e.Worker, Mine: e.Payee == p.address}
	if b.Worker == "" {
		b.Worker = "a device without a name"
	}
	p.mu.Lock()
	p.last = &b
	p.mu.Unlock()
	if p.options.Block != nil {
		p.options.Block(b)
	}
}

// Run mines, serves and keeps the wallet in step until ctx ends, which is no
// error.
func (p *Practice) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{p.network.Run, p.session.Run, p.followChain}
	if p.web != nil {
		parts = append(parts, p.web.Run)
	}
	ended := make(chan error, len(parts))
	for _, run := range parts {
		go func() { ended <- run(ctx) }()
	}
	var all error
	for range parts {
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			all = errors.Join(all, err)
		}
		cancel() // one that ends takes the others with it
	}
	return errors.Join(all, p.close())
}

// Close gives up a practice that has not been run.
func (p *Practice) Close() error { return p.close() }

func (p *Practice) close() (err error) {
	if p.web != nil {
		err = errors.Join(err, p.web.close())
	}
	if p.network != nil {
		err = errors.Join(err, p.network.Close())
	}
	if p.wallet != nil {
		err = errors.Join(err, p.wallet.Close())
	}
	return err
}

// followChain keeps the wallet in step with the chain.
func (p *Practice) followChain(ctx context.Context) error {
	return p.wallet.Run(ctx, p.network.ElectrumURL())
}

// Wallet is the practice wallet. It is open until Run ends.
func (p *Practice) Wallet() *wallet.Wallet { return p.wallet }

// SetMining starts and stops the hashing; everything else goes on. A practice
// begins mining.
func (p *Practice) SetMining(on bool) {
	if on {
		p.session.SetPaused("")
	} else {
		p.session.SetPaused(pausedByUser)
	}
}

// Snapshot returns the practice as it is now.
func (p *Practice) Snapshot() PracticeSnapshot {
	status := p.network.Status()
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	s := PracticeSnapshot{
		Mining:  p.session.Snapshot(),
		Coin:    p.params.Coin,
		Balance: p.wallet.Balance(),
		Synced:  p.wallet.Height() >= status.Height,
		Address: p.address,
		Height:  status.Height,
		Last:    last,
		Note:    status.Note,
		Devices: status.Devices,
	}
	if s.Mining.State == core.StatePaused && s.Devices <= 1 {
		s.Note = "" // the pause explains it
	}
	if p.web != nil {
		s.WebURL = p.web.url()
	}
	if a := p.network.ListenAddr(); a != "" {
		s.Listen = "stratum+tcp://" + a
	}
	return s
}

var errPort = errors.New("an address is HOST:PORT, for example 127.0.0.1:8080")

// checkListen refuses what cannot be listened on, before anything is opened.
func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", address, errPort)
	}
	return nil
}

func httpURL(host string) string { return (&url.URL{Scheme: "http", Host: host, Path: "/"}).String() }
