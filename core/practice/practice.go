//go:build !js

package practice

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"goldpan/core/coin"
	"goldpan/core/disk"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/stratum"
	"goldpan/wallet/electrum/message"
)

// Config says which network to open.
type Config struct {
	// Dir holds the chain; it is made if it is not there. Each algorithm has a
	// chain of its own in it.
	Dir       string
	Algorithm hasher.Algorithm
	// Hashrate is what this machine was measured to do, in hashes a second. It
	// counts for a new chain's first difficulty only; 0 is a guess.
	Hashrate float64
	// Payout is the address of the person who opened the network. It is shown
	// to devices that join, and is paid for those whose user name holds no
	// address ("" or ".worker"). It may be empty.
	Payout string
	// Listen is one more address, host:port, at which the pool listens besides
	// the loopback interface; "" is none.
	Listen string
	// Events hears of every block that the chain took, in order. It is called
	// on the goroutine that brought the block, so it must return soon, and it
	// must not call Close. It may be nil.
	Events func(Event)
}

// Event is a block that joined the chain.
type Event struct {
	Height int32
	Hash   pow.Hash
	Payee  string    // the address that the reward went to
	Worker string    // the finder's name behind that address, or ""
	Time   time.Time // of the block, UTC
}

// Network is an open practice network. Its methods are safe for concurrent use.
type Network struct {
	cfg     Config
	lock    *disk.Lock
	chain   *chain
	pool    *pool
	wallets *walletServer
	stratum *stratum.Server

	poolListeners  []net.Listener // the first is on the loopback interface
	walletListener net.Listener

	closing sync.Once
	closed  error
}

// Open opens the network in cfg.Dir, or makes a new one, and begins to listen;
// [Network.Run] answers. The error is ErrLocked if another process has it
// open, ErrDamaged if the chain cannot be read back, and otherwise says which
// part of the directory or address is at fault.
func Open(cfg Config) (*Network, error) { return open(cfg, time.Now) }

func open(cfg Config, now func() time.Time) (*Network, error) {
	if _, err := hasher.ParseAlgorithm(string(cfg.Algorithm)); err != nil {
		return nil, err
	}
	params, err := coin.ForPractice(cfg.Algorithm).Params(coin.Practice)
	if err != nil {
		return nil, err
	}
	if cfg.Payout != "" {
		if _, err := params.ParseAddress(cfg.Payout); err != nil {
			return nil, fmt.Errorf("payout address of the practice network: %w", err)
		}
	}
	n := &Network{cfg: cfg}
	if err := n.openParts(params, now); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Network) openParts(params *coin.Params, now func() time.Time) error {
	if err := os.MkdirAll(n.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("make the practice network's directory: %w", err)
	}
	var err error
	if n.lock, err = disk.LockDir(n.cfg.Dir); err != nil {
		return fmt.Errorf("open the practice network: %w", err)
	}
	n.chain, err = openChain(filepath.Join(n.cfg.Dir, string(n.cfg.Algorithm)), params, n.cfg.Hashrate, now)
	if err != nil {
		return fmt.Errorf("open the practice chain: %w", err)
	}
	n.pool = newPool(n.chain, n.cfg.Payout, now, n.cfg.Events)
	n.wallets = newWalletServer(n.chain)
	n.stratum = stratum.NewServer(backend{n.pool}, stratum.Options{Agent: "goldpan practice", Algorithm: n.cfg.Algorithm})
	for _, addr := range []string{"127.0.0.1:0", n.cfg.Listen} {
		if addr == "" {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("listen for devices: %w", err)
		}
		n.poolListeners = append(n.poolListeners, l)
	}
	if n.walletListener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen for wallets: %w", err)
	}
	return nil
}

// Run serves devices and wallets until ctx ends, which is not an error. It is
// called once; the network stays open until [Network.Close].
func (n *Network) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{n.keepWork, n.serveWallets}
	for _, l := range n.poolListeners {
		parts = append(parts, func(ctx context.Context) error { return n.stratum.Serve(ctx, l) })
	}
	errs := make(chan error, len(parts))
	for _, part := range parts {
		go func() {
			err := part(ctx)
			cancel() // one part does not go on without the others
			errs <- err
		}()
	}
	var failed error
	for range parts {
		err := <-errs
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, net.ErrClosed) && failed == nil {
			failed = err
		}
	}
	return failed
}

// keepWork renews the devices' work when it is due.
func (n *Network) keepWork(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := n.pool.tick(); err != nil {
				return err
			}
		}
	}
}

// serveWallets accepts wallets until ctx ends, and waits for the last to be
// gone.
func (n *Network) serveWallets(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = n.walletListener.Close() })
	defer stop()
	var open sync.WaitGroup
	defer open.Wait()
	for {
		c, err := n.walletListener.Accept()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept a wallet: %w", err)
		default: // too many open files, mostly: it passes
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		open.Go(func() {
			_ = n.wallets.serve(ctx, jsonrpc.NewLineConn(c, message.MaxRequest))
		})
	}
}

// PoolURL is the pool's address on this machine: stratum+tcp://127.0.0.1:PORT.
func (n *Network) PoolURL() string { return "stratum+tcp://" + n.poolListeners[0].Addr().String() }

// ListenAddr is the further address at which the pool listens, host:port with
// the port that it really has, or "" if there is none.
func (n *Network) ListenAddr() string {
	if len(n.poolListeners) < 2 {
		return ""
	}
	return n.poolListeners[1].Addr().String()
}

// ElectrumURL is the wallet server's address on this machine:
// tcp://127.0.0.1:PORT.
func (n *Network) ElectrumURL() string { return "tcp://" + n.walletListener.Addr().String() }

// StratumConn serves one device that came another way, such as a WebSocket,
// until it leaves or ctx ends. It closes conn.
func (n *Network) StratumConn(ctx context.Context, conn jsonrpc.Conn) error {
	return n.stratum.ServeConn(ctx, conn)
}

// ElectrumConn serves one wallet that came another way, until it leaves or ctx
// ends. It closes conn.
func (n *Network) ElectrumConn(ctx context.Context, conn jsonrpc.Conn) error {
	return n.wallets.serve(ctx, conn)
}

// Payout is the address that Config gave.
func (n *Network) Payout() string { return n.cfg.Payout }

// Height is the height of the newest block; a new chain has 0.
func (n *Network) Height() int32 { return n.chain.tip().Height }

// Close stops listening, writes everything to the disk and gives the directory
// back. Run must have returned, or its context have ended.
func (n *Network) Close() error {
	n.closing.Do(func() {
		var errs []error
		for _, l := range n.poolListeners {
			errs = append(errs, l.Close())
		}
		if n.walletListener != nil {
			errs = append(errs, n.walletListener.Close())
		}
		if n.chain != nil {
			errs = append(errs, n.chain.close())
		}
		if n.lock != nil {
			errs = append(errs, n.lock.Close())
		}
		for _, err := range errs {
			if err != nil && !errors.Is(err, net.ErrClosed) {
				n.closed = errors.Join(n.closed, err)
			}
		}
	})
	return n.closed
}

// Genesis is the hash of the chain's first block, which every new chain makes
// for itself.
func (n *Network) Genesis() pow.Hash { return pow.Hash(*n.chain.net.GenesisHash) }
