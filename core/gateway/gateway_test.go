//go:build !js

package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/practice"
	"goldpan/core/stratum"
)

// deadline is generous: machines are slow and shared.
const deadline = time.Minute

func await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(deadline):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

// until polls.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// family lets in whoever has the password "home".
type family struct{}

func (family) Authorize(user, password string) (Device, error) {
	if password != "home" {
		return Device{}, errors.New("unknown")
	}
	return Device{ID: user, Name: "the " + user}, nil
}

// book keeps accounts in memory.
type book struct {
	mu       sync.Mutex
	counted  map[string]int
	refused  map[int]int
	answered map[pow.Status]int
	joined   int
	left     int
}

func newBook() *book {
	return &book{counted: map[string]int{}, refused: map[int]int{}, answered: map[pow.Status]int{}}
}

func (b *book) do(f func()) { b.mu.Lock(); defer b.mu.Unlock(); f() }

func (b *book) Joined(Device, time.Time)                { b.do(func() { b.joined++ }) }
func (b *book) Left(Device, time.Time)                  { b.do(func() { b.left++ }) }
func (b *book) Counted(d Device, _ Share)               { b.do(func() { b.counted[d.ID]++ }) }
func (b *book) Refused(_ Device, _ time.Time, code int) { b.do(func() { b.refused[code]++ }) }
func (b *book) Answered(_ Device, r pow.Result)         { b.do(func() { b.answered[r.Status]++ }) }

// world is a gateway that listens for miners and for pages.
type world struct {
	*Gateway
	book    *book
	tcp, ws string
	miners  net.Listener
}

func open(t *testing.T, cfg Config) *world {
	t.Helper()
	w := &world{book: newBook()}
	cfg.Accounts, cfg.Devices = w.book, family{}
	if cfg.Algorithm == "" {
		cfg.Algorithm = hasher.SHA256d
	}
	if cfg.Client.Backoff == nil {
		cfg.Client.Backoff = func(int) time.Duration { return time.Millisecond }
	}
	var err error
	if w.Gateway, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if w.miners, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		for {
			c, err := w.miners.Accept()
			if err != nil {
				return
			}
			running.Go(func() { _ = w.ServeMiner(ctx, jsonrpc.NewLineConn(c, stratum.MaxMessage)) })
		}
	})
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := jsonrpc.AcceptWebSocket(rw, r, stratum.MaxMessage, nil)
		if err == nil {
			_ = w.ServeLanes(ctx, c)
		}
	}))
	t.Cleanup(func() {
		cancel()
		_ = w.miners.Close()
		web.Close()
		running.Wait()
	})
	w.tcp = "stratum+tcp://" + w.miners.Addr().String()
	w.ws = strings.Replace(web.URL, "http", "ws", 1) + "/stratum"
	return w
}

// device is our own client, which hashes by hand.
type device struct {
	*stratum.Client
	jobs chan *pow.Job
	sum  [3]int // shares by their pow.Status
}

func (d *device) Job(j *pow.Job) {
	for {
		select {
		case d.jobs <- j:
			return
		default:
		}
		select { // the newest counts
		case <-d.jobs:
		default:
		}
	}
}

func (d *device) State(pow.State) {}

func join(t *testing.T, address, user string) *device {
	t.Helper()
	u, err := stratum.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{jobs: make(chan *pow.Job, 1)}
	d.Client = stratum.NewClient(stratum.Config{
		URL: u, User: user, Password: "home", Algorithm: hasher.SHA256d, Handler: d, VersionRolling: true,
		Backoff: func(int) time.Duration { return time.Millisecond },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = d.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return d
}

// job is the next job of a device.
func (d *device) job(t *testing.T) *pow.Job {
	t.Helper()
	for {
		if j := await(t, d.jobs); j != nil {
			return j
		}
	}
}

// find hashes until a share is found, from a nonce on.
func find(j *pow.Job, from uint32) (pow.Share, bool) {
	for nonce := from; nonce < from+1<<22; nonce++ {
		if s, ok := j.Check(pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Version: j.Version, Time: j.Time, Nonce: nonce}); ok {
			return s, true
		}
	}
	return pow.Share{}, false
}

// toil sends shares of the newest job, until it has been enough. It returns the job of the last.
func (d *device) toil(t *testing.T, j *pow.Job, enough func() bool) *pow.Job {
	t.Helper()
	for nonce, end := uint32(0), time.Now().Add(deadline); !enough(); {
		if time.Now().After(end) {
			t.Fatal("toiled in vain")
		}
		select {
		case next := <-d.jobs:
			if next == nil {
				next = d.job(t)
			}
			j, nonce = next, 0
		default:
		}
		s, ok := find(j, nonce)
		if !ok {
			t.Fatal("no share")
		}
		nonce = s.Nonce + 1
		results := make(chan pow.Result, 1)
		d.Submit(s, func(r pow.Result) { results <- r })
		r := await(t, results)
		d.sum[r.Status]++
		if r.Status == pow.Rejected && r.Code != stratum.CodeDuplicate && r.Code != 0 {
			t.Fatalf("rejected: %+v", r)
		}
	}
	return j
}

// mine sends shares until one is accepted.
func (d *device) mine(t *testing.T, j *pow.Job) *pow.Job {
	t.Helper()
	before := d.sum[pow.Accepted]
	return d.toil(t, j, func() bool { return d.sum[pow.Accepted] > before })
}

func network(t *testing.T, hashrate float64) *practice.Network {
	t.Helper()
	n, err := practice.Open(practice.Config{Dir: t.TempDir(), Algorithm: hasher.SHA256d, Hashrate: hashrate})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = n.Close()
	})
	return n
}
