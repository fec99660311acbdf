//go:build !js

package template_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/core/template"
)

// patience bounds every wait. It is far beyond what a loaded machine takes.
const patience = 3 * time.Minute

// process is a node that runs until the test ends.
type process struct {
	t    testing.TB
	url  string
	http *http.Client
	auth func() (user, password string, err error)
}

// launch runs a program until the test ends, and returns false if it ended before it
// was ready: another program may have taken one of its ports.
func launch(t testing.TB, ready func() error, name string, args ...string) bool {
	t.Helper()
	cmd := exec.Command(name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-ended
		}
	}
	for deadline := time.Now().Add(patience); ; {
		err := ready()
		if err == nil {
			t.Cleanup(stop)
			return true
		}
		select {
		case <-ended:
			t.Logf("%s ended at once: %s", filepath.Base(name), said.Bytes())
			return false
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			stop()
			t.Fatalf("%s does not get ready: %v\n%s", filepath.Base(name), err, said.Bytes())
		}
	}
}

// freePort returns a port of 127.0.0.1 that nobody used a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// call asks the node, and fails the test if it does not answer.
func (p *process) call(result any, method string, params ...any) {
	p.t.Helper()
	if err := p.try(result, method, params...); err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
}

func (p *process) try(result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	user, password, err := p.auth()
	if err != nil {
		return err
	}
	request.SetBasicAuth(user, password)
	response, err := p.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", response.Status, err)
	}
	if len(answer.Error) > 0 && !bytes.Equal(answer.Error, []byte("null")) {
		return errors.New(string(answer.Error))
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

func (p *process) height() (n int64) {
	p.t.Helper()
	p.call(&n, "getblockcount")
	return n
}

// eventually waits for something that another program does.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// miner is a session that mines on a node.
type miner struct {
	*core.Session
	client *template.Client
	blocks chan template.Block
	shares chan pow.Result
	stop   func() error
}

// mine runs a session on a node until it is stopped.
func mine(t testing.TB, c template.Config) *miner {
	t.Helper()
	m := &miner{blocks: make(chan template.Block, 1<<12), shares: make(chan pow.Result, 1<<16)}
	var err error
	m.Session, err = core.NewSession(core.Config{
		Algorithm: c.Coin.Algorithm,
		Lanes:     2,
		Shares:    func(r pow.Result) { m.shares <- r },
		Source: func(h pow.Handler) (pow.Source, error) {
			c.Handler, c.Block = h, func(b template.Block) { m.blocks <- b }
			client, err := template.New(c)
			m.client = client
			return client, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	stopped := false
	m.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := m.stop(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// block waits for the next block that the node has taken.
func (m *miner) block(t testing.TB) template.Block {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case b := <-m.blocks:
			return b
		case r := <-m.shares:
			if r.Status == pow.Rejected {
				t.Errorf("rejected: %+v", r)
			}
		case <-timeout.C:
			t.Fatalf("no block in time: %+v", m.Snapshot())
		}
	}
}

// litecoind finds the program. A test that needs it fails without it.
func litecoind() (string, error) {
	program, err := exec.LookPath("litecoind")
	if err != nil {
		return "", errors.New("litecoind is missing: `make test` installs it (the package litecoind of Debian); this test needs a real node and is never skipped")
	}
	return program, nil
}

func TestMissingNodeIsAnError(t *testing.T) {
	if program, err := litecoind(); err != nil || program == "" {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := litecoind(); err == nil || !strings.Contains(err.Error(), "litecoind is missing") {
		t.Errorf("without it: %v", err)
	}
}

// litecoinds runs two of Debian's litecoind on a chain of their own, connected to
// each other: alone a node gives no templates.
func litecoinds(t *testing.T) (a, b *process) {
	t.Helper()
	program, err := litecoind()
	if err != nil {
		t.Fatal(err)
	}
	start := func(extra ...string) (p *process, port string) {
		for range 5 {
			dir := t.TempDir()
			rpc, listen := freePort(t), freePort(t)
			args := append([]string{"-regtest", "-datadir=" + dir, "-server", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-rpcport=" + rpc,
				"-bind=127.0.0.1:" + listen, "-port=" + listen, "-dnsseed=0", "-discover=0", "-upnp=0", "-listenonion=0", "-printtoconsole=0",
				"-keypool=5", "-fallbackfee=0.0001", "-dbcache=4", "-rpcthreads=4",
				"-maxtipage=2000000000", // the genesis block is old, and not reason enough to wait
			}, extra...)
			p := &process{t: t, url: "http://127.0.0.1:" + rpc, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, auth: cookie(filepath.Join(dir, "regtest", ".cookie"))}
			if launch(t, func() error { return p.try(nil, "getblockcount") }, program, args...) {
				return p, listen
			}
		}
		t.Fatal("litecoind does not start")
		return nil, ""
	}
	a, port := start()
	b, _ = start("-connect=127.0.0.1:" + port)
	eventually(t, "the two nodes meet", func() bool {
		var n int
		a.call(&n, "getconnectioncount")
		return n > 0
	})
	return a, b
}

// cookie reads the password that a node writes when it starts.
func cookie(file string) template.Login {
	return func() (user, password string, err error) {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", "", err
		}
		user, password, _ = strings.Cut(string(b), ":")
		return user, password, nil
	}
}

func (p *process) config(c *coin.Params, payout string) template.Config {
	p.t.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	return template.Config{Node: u, Login: p.auth, Coin: c, Payout: payout}
}
