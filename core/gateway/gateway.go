package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// Gateway divides a pool's work among devices. Its methods are safe for concurrent use. It must be running, by Run, for
// devices to be served.
type Gateway struct {
	cfg     Config
	now     func() time.Time
	miners  *stratum.Server
	lanes   *stratum.Server
	started chan struct{}

	mu        sync.Mutex
	open      func(*upstream) // starts one; nil while the Gateway does not run
	over      <-chan struct{} // the end of Run
	opened    int
	upstreams []*upstream
	devices   map[string]*seat   // authorized, by Device.ID
	rates     map[string]float64 // what devices did when they left, in hashes a second
	held      map[string]bool    // devices that get no jobs, by Device.ID
	enough    time.Time          // until when the pool is asked for no further connection: it refused one
}

const (
	maxRates     = 1024             // devices that left are remembered by their speed
	maxEased     = 1000             // devices that get an easier job in one second
	idleUpstream = 5 * time.Minute  // that a further connection to the pool is kept for nobody
	refusal      = 10 * time.Minute // that a pool is let alone that refused a further connection
)

// New returns a Gateway that connects when Run is called.
func New(cfg Config) (*Gateway, error) {
	switch {
	case len(cfg.Pools) == 0:
		return nil, fmt.Errorf("gateway: %w: no pool given", stratum.ErrAddress)
	case cfg.Devices == nil:
		return nil, errors.New("gateway: nobody says which devices may join")
	case cfg.Algorithm == "":
		return nil, errors.New("gateway: no algorithm given")
	}
	if cfg.Accounts == nil {
		cfg.Accounts = nobody{}
	}
	if cfg.MaxDevices <= 0 {
		cfg.MaxDevices = 32
	}
	if cfg.MaxUpstreams <= 0 {
		cfg.MaxUpstreams = 4
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 3 * time.Second
	}
	if cfg.Server.MaxConnections <= 0 {
		cfg.Server.MaxConnections = 2*cfg.MaxDevices + 16
	}
	if cfg.Source == nil {
		cfg.Source = func(f stratum.FailoverConfig) Source { return stratum.NewFailover(f) }
	}
	cfg.Server.Agent, cfg.Server.Algorithm = "goldpan gateway", cfg.Algorithm
	g := &Gateway{cfg: cfg, now: time.Now, started: make(chan struct{}), devices: map[string]*seat{}, rates: map[string]float64{}, held: map[string]bool{}}
	g.miners = stratum.NewServer(door{g: g}, cfg.Server)
	g.lanes = stratum.NewServer(door{g: g, lanes: true}, cfg.Server)
	return g, nil
}

// Payee is who is paid.
func (g *Gateway) Payee() Payee { return g.cfg.Payee }

// Run mines for the devices until ctx ends, and then returns nil when all are gone. It returns an error when no pool
// can be used at all. Run may be called once.
func (g *Gateway) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var runs sync.WaitGroup
	failed := make(chan error, 1)
	defer func() {
		g.mu.Lock()
		g.open = nil
		g.mu.Unlock()
		cancel()
		runs.Wait()
	}()
	g.mu.Lock()
	g.over = ctx.Done()
	g.open = func(u *upstream) {
		ctx, stop := context.WithCancel(ctx)
		u.cancel = stop
		runs.Go(func() {
			defer stop()
			if err := u.source.Run(ctx); err != nil && !g.spare(u) {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	g.add()
	g.mu.Unlock()
	close(g.started)

	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return fmt.Errorf("gateway: %w", err)
		case <-tick.C:
			g.tick()
		}
	}
}

// tick sends an easier job to devices from which nothing comes, and closes connections to the pool that nobody needs.
func (g *Gateway) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for i := len(g.upstreams) - 1; i > 0; i-- { // the first stays, for whoever comes
		if u := g.upstreams[i]; u.count() == 0 && now.Sub(u.empty) > idleUpstream {
			u.cancel()
			g.upstreams = slices.Delete(g.upstreams, i, i+1)
		}
	}
	eased := 0
	for _, s := range g.devices { // in another order each time
		if s.up.job != nil && s.up.work != nil && s.diff.due(now, s.up.work.limit) {
			if s.offer(now, false); eased == maxEased {
				break
			}
			eased++
		}
	}
}

// spare does without a connection that the pool refused for good, where there is another: its devices come again, and
// find a place there or none. It reports whether the gateway can go on.
func (g *Gateway) spare(u *upstream) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	others := slices.DeleteFunc(slices.Clone(g.upstreams), func(o *upstream) bool { return o == u })
	if len(others) == len(g.upstreams) {
		return true // it was given up before
	}
	if !slices.ContainsFunc(others, func(o *upstream) bool { return o.last != nil }) {
		return false
	}
	g.upstreams, g.enough = others, g.now().Add(refusal)
	if u.job = nil; u.last == nil {
		close(u.known) // whoever waits for it need not
	}
	for s := range u.here() {
		s.peer.Close()
	}
	return true
}

// add opens one more connection to the pool. It is called with the lock, while the Gateway runs.
func (g *Gateway) add() *upstream {
	u := &upstream{g: g, index: g.opened, known: make(chan struct{}), empty: g.now(), division: usual, slots: slots{total: usual.slots()}}
	g.opened++
	client := g.cfg.Client
	client.Algorithm, client.Handler, client.VersionRolling = g.cfg.Algorithm, u, true
	u.source = g.cfg.Source(stratum.FailoverConfig{
		Pools:  g.cfg.Pools,
		Client: client,
		Event:  func(e stratum.Event) { g.tell(Event{Upstream: u.index, Pool: &e}) },
	})
	g.upstreams = append(g.upstreams, u)
	g.open(u)
	return u
}

func (g *Gateway) tell(e Event) {
	if g.cfg.Events != nil {
		g.cfg.Events(e)
	}
}

// ServeMiner speaks with a miner's program until it leaves or ctx ends. It closes conn. The error says why the miner
// was sent away.
func (g *Gateway) ServeMiner(ctx context.Context, conn jsonrpc.Conn) error {
	return g.serve(ctx, g.miners, conn, door{g: g})
}

// ServeLanes does the same for a page, or for another client that can do with two bytes of extranonce2.
func (g *Gateway) ServeLanes(ctx context.Context, conn jsonrpc.Conn) error {
	return g.serve(ctx, g.lanes, conn, door{g: g, lanes: true})
}

func (g *Gateway) serve(ctx context.Context, srv *stratum.Server, conn jsonrpc.Conn, d door) error {
	select {
	case <-g.started:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), conn.Close())
	}
	return srv.ServeFor(ctx, conn, d)
}

// Drop ends the connection of a device, and reports whether there was one. What it may do next time Devices decides.
func (g *Gateway) Drop(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.devices[id]
	if s != nil {
		s.peer.Close()
	}
	return s != nil
}

// Counts are what a device has done on its present connection.
type Counts struct {
	Shares, Refused uint64
	Work            float64 // the sum of the difficulties that shares had to meet
	Best            float64 // the highest difficulty that a share met
	Difficulty      float64 // asked for now
	Hashrate        float64 // as its shares show, in hashes a second; 0 before the first
}

// Connected is one device that is here now.
type Connected struct {
	Device
	Counts
	Address string
}

// Snapshot is how the Gateway stands.
type Snapshot struct {
	Upstreams []pow.State
	Devices   []Connected // in order of their ID
}

// Snapshot returns how the Gateway stands now.
func (g *Gateway) Snapshot() Snapshot {
	all := g.copy()
	slices.SortFunc(all.Devices, func(a, b Connected) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (g *Gateway) copy() Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := Snapshot{Devices: make([]Connected, 0, len(g.devices))}
	for _, u := range g.upstreams {
		all.Upstreams = append(all.Upstreams, u.state)
	}
	now := g.now()
	for _, s := range g.devices {
		c := Connected{Device: s.device, Counts: s.count, Address: s.peer.RemoteAddr()}
		if s.diff.Shares() > 0 {
			s.diff.Advance(now)
			c.Hashrate = s.diff.Rate()
		}
		all.Devices = append(all.Devices, c)
	}
	return all
}
