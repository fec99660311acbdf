//go:build !js

package stratum_test

import (
	"context"
	"fmt"
	"net"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// oneJob is a pool with one job, which takes every share.
type oneJob struct{}

func (oneJob) Connected(*stratum.Peer)    {}
func (oneJob) Disconnected(*stratum.Peer) {}

func (oneJob) Subscribe(*stratum.Peer, string) ([]byte, int, error) {
	return []byte{0, 0, 0, 1}, 4, nil
}

func (oneJob) Authorize(p *stratum.Peer, user, _ string) error {
	p.SetDifficulty(0.5)
	return p.Notify(&pow.Job{ID: "1", Coinbase1: []byte{1}, Clean: true})
}

func (oneJob) Submit(*stratum.Peer, stratum.Submission) error { return nil }
func (oneJob) SuggestDifficulty(*stratum.Peer, float64)       {}

// handler prints what happens, and stops the client after one share.
type handler struct {
	client *stratum.Client
	stop   context.CancelFunc
}

func (h *handler) State(s pow.State) { fmt.Println(s.Phase) }

func (h *handler) Job(j *pow.Job) {
	if j == nil {
		return
	}
	fmt.Println("job", j.ID, "at difficulty", j.Difficulty)
	share := pow.Share{Job: j, Solution: pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Time: j.Time, Nonce: 42}}
	h.client.Submit(share, func(r pow.Result) {
		fmt.Println("share", r.Status)
		h.stop()
	})
}

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	served := make(chan error)
	go func() { served <- stratum.NewServer(oneJob{}, stratum.Options{}).Serve(ctx, ln) }()

	url, err := stratum.ParseURL("stratum+tcp://" + ln.Addr().String())
	if err != nil {
		panic(err)
	}
	h := &handler{stop: stop}
	h.client = stratum.NewClient(stratum.Config{URL: url, User: "panner", Algorithm: hasher.SHA256d, Handler: h})
	if err := h.client.Run(ctx); err != nil {
		fmt.Println(err)
	}
	<-served
	// Output:
	// connecting
	// job 1 at difficulty 0.5
	// mining
	// share accepted
}

// jobs prints whose jobs come.
type jobs struct{ stop context.CancelFunc }

func (jobs) State(pow.State) {}

func (h jobs) Job(j *pow.Job) {
	if j != nil {
		fmt.Println("job", j.ID)
		h.stop()
	}
}

// Two pools in order: the first is down, so the second is used until the first works again.
func ExampleFailover() {
	ctx, stop := context.WithCancel(context.Background())
	first, err := stratum.ParseURL("stratum+tcp://first.test:3333")
	if err != nil {
		panic(err)
	}
	second, err := stratum.ParseURL("stratum+tcp://second.test:3333")
	if err != nil {
		panic(err)
	}
	server := stratum.NewServer(oneJob{}, stratum.Options{})
	served := make(chan error, 1)
	f := stratum.NewFailover(stratum.FailoverConfig{
		Pools: []stratum.Pool{{URL: first, User: "panner"}, {URL: second, User: "panner"}},
		Client: stratum.Config{
			Algorithm: hasher.SHA256d,
			Handler:   jobs{stop},
			Dial: func(_ context.Context, u stratum.URL) (jsonrpc.Conn, error) {
				if u == first {
					return nil, jsonrpc.ErrRefused
				}
				ours, theirs := net.Pipe()
				go func() { served <- server.ServeConn(ctx, jsonrpc.NewLineConn(theirs, stratum.MaxMessage)) }()
				return jsonrpc.NewLineConn(ours, stratum.MaxMessage), nil
			},
		},
		Event: func(e stratum.Event) {
			if e.Kind == stratum.Moved {
				fmt.Println("at", e.Pool, "because", e.Reason)
			}
		},
	})
	if err := f.Run(ctx); err != nil {
		fmt.Println(err)
	}
	<-served
	// Output:
	// job 1
	// at stratum+tcp://second.test:3333 because nothing answers at the pool's address
}
