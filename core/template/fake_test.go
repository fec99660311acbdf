//go:build !js

package template_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/pow"
	"goldpan/core/template"
)

// recorder is a handler that keeps what it hears.
type recorder struct {
	client *template.Client
	jobs   chan *pow.Job
	states chan pow.State
	ended  chan error
	cancel context.CancelFunc
}

func (r *recorder) Job(j *pow.Job)    { r.jobs <- j }
func (r *recorder) State(s pow.State) { r.states <- s }

// record runs a client without an engine until the test ends.
func record(t testing.TB, c template.Config) *recorder {
	t.Helper()
	r := &recorder{jobs: make(chan *pow.Job, 1<<12), states: make(chan pow.State, 1<<12), ended: make(chan error, 1)}
	c.Handler = r
	if c.Backoff == nil {
		c.Backoff = func(int) time.Duration { return 10 * time.Millisecond }
	}
	var err error
	if r.client, err = template.New(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	done := make(chan struct{})
	go func() { r.ended <- r.client.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// down waits until the node counts as down.
func (r *recorder) down(t testing.TB) pow.State {
	t.Helper()
	return r.state(t, pow.Down)
}

func (r *recorder) state(t testing.TB, p pow.Phase) pow.State {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case s := <-r.states:
			if s.Phase == p {
				return s
			}
		case <-timeout:
			t.Fatalf("never %s", p)
		}
	}
}

// job waits for the next job; nil is one too.
func (r *recorder) job(t testing.TB) *pow.Job {
	t.Helper()
	select {
	case j := <-r.jobs:
		return j
	case <-time.After(patience):
		t.Fatal("no job in time")
		return nil
	}
}

// fake is a node that does what a test wants. What answer returns is sent as it is,
// with its status; a handled request was answered already.
type fake struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	template map[string]any // as getblocktemplate gives it
	tip      chan struct{}  // closed when it changes
	calls    map[string]int
	blocks   []string

	// answer, if not nil, may answer in place of the node; false leaves it to the node.
	answer func(w http.ResponseWriter, r *http.Request, q question) bool
}

// question is what a node is asked.
type question struct {
	ID     uint64
	Method string
	Params []json.RawMessage
}

const (
	regtestGenesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
	payout         = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080" // the key of BIP 173's examples
)

func prev(n int) string { return fmt.Sprintf("%064x", n) }

func newFake(t testing.TB) *fake {
	t.Helper()
	f := &fake{t: t, tip: make(chan struct{}), calls: map[string]int{}, template: map[string]any{
		"version": 0x20000000, "height": 17, "previousblockhash": prev(1), "transactions": []any{}, "coinbaseaux": map[string]string{},
		"coinbasevalue": 5_000_000_000, "longpollid": "1", "bits": "207fffff", "curtime": 1_700_000_000, "mintime": 1_600_000_000,
	}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() { f.CloseClientConnections(); f.Close() })
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request question
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		f.t.Errorf("asked nonsense: %v", err)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body) // so that a client that leaves is noticed
	f.mu.Lock()
	f.calls[request.Method]++
	answer := f.answer
	f.mu.Unlock()
	if answer != nil && answer(w, r, request) {
		return
	}
	var result any
	switch request.Method {
	case "getblockhash":
		result = regtestGenesis
	case "getblocktemplate":
		var asked struct{ LongPollID string }
		_ = json.Unmarshal(request.Params[0], &asked)
		f.mu.Lock()
		current := asked.LongPollID == f.template["longpollid"]
		tip := f.tip
		f.mu.Unlock()
		if current {
			select {
			case <-tip:
			case <-r.Context().Done():
				return
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		result = f.template
	case "submitblock":
		var block string
		_ = json.Unmarshal(request.Params[0], &block)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.blocks = append(f.blocks, block)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"result": result, "error": nil, "id": request.ID})
}

// set changes the template without telling those who wait.
func (f *fake) set(field string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := map[string]any{}
	for k, v := range f.template {
		changed[k] = v
	}
	if changed[field] = value; value == nil {
		delete(changed, field)
	}
	f.template = changed
}

// move changes the tip and tells those who wait.
func (f *fake) move(n int) {
	f.set("previousblockhash", prev(n))
	f.set("longpollid", fmt.Sprint(n))
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.tip)
	f.tip = make(chan struct{})
}

func (f *fake) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

func (f *fake) config() template.Config {
	f.t.Helper()
	u, err := url.Parse(f.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	return template.Config{Node: u, User: "us", Password: "sesame", Coin: cointest.Params(f.t, "bitcoin", coin.Regtest), Payout: payout}
}

// solve returns a share of j that is a block; on regtest every second hash is one.
func solve(t testing.TB, j *pow.Job) pow.Share {
	t.Helper()
	for nonce := range uint32(1000) {
		if s, ok := j.Check(pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Version: j.Version, Time: j.Time, Nonce: nonce}); ok {
			return s
		}
	}
	t.Fatal("no hash of a thousand is a block")
	return pow.Share{}
}

// submit gives a share and waits for its fate.
func (r *recorder) submit(t testing.TB, s pow.Share) pow.Result {
	t.Helper()
	fate := make(chan pow.Result, 1)
	r.client.Submit(s, func(r pow.Result) { fate <- r })
	select {
	case r := <-fate:
		return r
	case <-time.After(patience):
		t.Fatal("no fate in time")
		return pow.Result{}
	}
}

// clean fails on words that only the node, a file or the person can know.
func clean(t testing.TB, words string) {
	t.Helper()
	for _, secret := range []string{"sesame", "<script>", "\x1b", "\n"} {
		if strings.Contains(words, secret) {
			t.Errorf("%q holds %q", words, secret)
		}
	}
}
