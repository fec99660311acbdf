//go:build !js

package stratum_test

import (
	"context"
	"fmt"
	"net"

	"goldpan/core/hasher"
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
