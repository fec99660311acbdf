//go:build !js

package gateway

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// practicePools are the pool of a practice network, which pays somebody.
func practicePools(t *testing.T, at string) []stratum.Pool {
	t.Helper()
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	payee, err := address.NewAddressWitnessPubKeyHash(make([]byte, 20), params.Chain)
	if err != nil {
		t.Fatal(err)
	}
	u, err := stratum.ParseURL(at)
	if err != nil {
		t.Fatal(err)
	}
	return []stratum.Pool{{URL: u, User: payee.EncodeAddress() + ".home"}}
}

// scripted is a miner's program that is not ours: lines over tcp, and nothing optional.
type scripted struct {
	t    *testing.T
	c    net.Conn
	in   *bufio.Scanner
	last int
	told string // what it was shown
	job  pow.Job
}

func script(t *testing.T, w *world) *scripted {
	t.Helper()
	c, err := net.Dial("tcp", w.miners.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(deadline))
	return &scripted{t: t, c: c, in: bufio.NewScanner(c)}
}

type line struct {
	ID     *int              `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
	Result json.RawMessage   `json:"result"`
	Error  []json.RawMessage `json:"error"`
}

// next reads one line, and follows it if it is the pool's.
func (s *scripted) next() line {
	s.t.Helper()
	if !s.in.Scan() {
		s.t.Fatalf("connection ended: %v", s.in.Err())
	}
	var l line
	if err := json.Unmarshal(s.in.Bytes(), &l); err != nil {
		s.t.Fatalf("%s: %v", s.in.Bytes(), err)
	}
	text := func(i int) (v string) {
		if err := json.Unmarshal(l.Params[i], &v); err != nil {
			s.t.Fatal(err)
		}
		return v
	}
	raw := func(v string) []byte {
		b, err := hex.DecodeString(v)
		if err != nil {
			s.t.Fatal(err)
		}
		return b
	}
	word := func(i int) (v uint32) {
		if _, err := fmt.Sscanf(text(i), "%x", &v); err != nil {
			s.t.Fatal(err)
		}
		return v
	}
	switch l.Method {
	case "client.show_message":
		s.told = text(0)
	case "mining.set_difficulty":
		if err := json.Unmarshal(l.Params[0], &s.job.Difficulty); err != nil {
			s.t.Fatal(err)
		}
		s.job.Target = pow.TargetFromDifficulty(hasher.SHA256d, s.job.Difficulty)
	case "mining.notify":
		j := &s.job
		j.ID, j.Algorithm, j.Coinbase1, j.Coinbase2 = text(0), hasher.SHA256d, raw(text(2)), raw(text(3))
		for i, b := range raw(text(1)) {
			j.Prev[i^3] = b
		}
		var branch []string
		if err := json.Unmarshal(l.Params[4], &branch); err != nil {
			s.t.Fatal(err)
		}
		j.Branch = nil
		for _, b := range branch {
			j.Branch = append(j.Branch, pow.Hash(raw(b)))
		}
		j.Version, j.Bits, j.Time = word(5), word(6), word(7)
	}
	return l
}

// ask sends a request and returns the code of the refusal; 0 if there is none.
func (s *scripted) ask(method string, params ...any) (json.RawMessage, int) {
	s.t.Helper()
	s.last++
	b, err := json.Marshal(map[string]any{"id": s.last, "method": method, "params": params})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.c.Write(append(b, '\n')); err != nil {
		s.t.Fatal(err)
	}
	for {
		l := s.next()
		if l.Method != "" || l.ID == nil || *l.ID != s.last {
			continue
		}
		code := 0
		if len(l.Error) > 0 {
			_ = json.Unmarshal(l.Error[0], &code)
		}
		return l.Result, code
	}
}

// begin logs in.
func (s *scripted) begin(user string) {
	s.t.Helper()
	result, _ := s.ask("mining.subscribe", "scripted/1.0")
	var parts []json.RawMessage
	var first string
	if json.Unmarshal(result, &parts) != nil || json.Unmarshal(parts[1], &first) != nil || json.Unmarshal(parts[2], &s.job.Extranonce2Size) != nil {
		s.t.Fatalf("subscribe: %s", result)
	}
	s.job.Extranonce1, _ = hex.DecodeString(first)
	if _, code := s.ask("mining.authorize", user, "home"); code != 0 {
		s.t.Fatalf("authorize: %d", code)
	}
}

func (s *scripted) submit(user string, job string, sol pow.Solution) int {
	s.t.Helper()
	_, code := s.ask("mining.submit", user, job, hex.EncodeToString(sol.Extranonce2), fmt.Sprintf("%08x", sol.Time), fmt.Sprintf("%08x", sol.Nonce))
	return code
}

// Our own client over tcp and as a page, and a miner's program, mine together through a gateway onto a real pool.
func TestMiningTogether(t *testing.T) {
	n := network(t, 2e4)
	w := open(t, Config{Pools: practicePools(t, n.PoolURL()), Payee: Payee{Name: "Ada", Address: "somewhere"}})
	ours, page := join(t, w.tcp, "desk"), join(t, w.ws, "phone")
	program := script(t, w)
	program.begin("bitaxe")
	if program.told != "You mine for Ada, paid to somewhere" {
		for program.told == "" {
			program.next()
		}
	}
	a, b := ours.mine(t, ours.job(t)), page.mine(t, page.job(t))
	if string(a.Extranonce1) == string(b.Extranonce1) {
		t.Error("two devices search the same space")
	}
	for program.job.ID == "" {
		program.next()
	}
	for nonce := uint32(0); ; {
		s, ok := find(&program.job, nonce)
		if !ok {
			t.Fatal("no share")
		}
		id := program.job.ID
		if code := program.submit("bitaxe", id, s.Solution); code == 0 {
			break
		} else if code != stratum.CodeJobNotFound {
			t.Fatalf("refused with %d", code)
		}
		nonce = s.Nonce + 1
		if program.job.ID != id {
			nonce = 0
		}
	}
	until(t, "all three are counted", func() bool {
		w.book.mu.Lock()
		defer w.book.mu.Unlock()
		return w.book.counted["desk"] > 0 && w.book.counted["phone"] > 0 && w.book.counted["bitaxe"] > 0
	})
	// What is passed on, the pool takes.
	page.toil(t, b, func() bool {
		w.book.mu.Lock()
		defer w.book.mu.Unlock()
		return w.book.answered[pow.Accepted] > 0
	})
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	if w.book.answered[pow.Rejected] > 0 {
		t.Errorf("the pool refused %d", w.book.answered[pow.Rejected])
	}
	if got := w.Snapshot(); len(got.Devices) != 3 || len(got.Upstreams) != 1 {
		t.Errorf("got %+v", got)
	}
}

// line to a pool, which a test can cut and mend.
type cable struct {
	ln   net.Listener
	to   string
	mu   sync.Mutex
	cut  bool
	open []net.Conn
	wg   sync.WaitGroup
}

func lay(t *testing.T, to string) *cable {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{ln: ln, to: to}
	c.wg.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			c.wg.Go(func() { c.carry(in) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); c.set(true); c.wg.Wait() })
	return c
}

func (c *cable) carry(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer out.Close()
	c.mu.Lock()
	if c.cut {
		c.mu.Unlock()
		return
	}
	c.open = append(c.open, in, out)
	c.mu.Unlock()
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(in, out)
	_ = in.Close()
	<-done
}

// set cuts the cable, or mends it.
func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

// The pool is lost while devices mine, and comes back: they keep their connections, wait, and go on together.
func TestPoolKilledAndBack(t *testing.T) {
	n := network(t, 2e4)
	line := lay(t, strings.TrimPrefix(n.PoolURL(), "stratum+tcp://"))
	w := open(t, Config{Pools: practicePools(t, "stratum+tcp://"+line.ln.Addr().String())})
	desk, phone := join(t, w.tcp, "desk"), join(t, w.ws, "phone")
	a, b := desk.mine(t, desk.job(t)), phone.mine(t, phone.job(t))
	line.set(true)
	until(t, "the loss is known", func() bool { return w.Snapshot().Upstreams[0].Phase != pow.Mining })
	if got := w.Snapshot().Devices; len(got) != 2 {
		t.Errorf("devices %+v", got)
	}
	line.set(false)
	until(t, "the pool is back", func() bool { return w.Snapshot().Upstreams[0].Phase == pow.Mining })
	a2, b2 := desk.mine(t, a), phone.mine(t, b)
	if a2.Conn != a.Conn || b2.Conn != b.Conn {
		t.Error("a device had to connect again")
	}
	w.book.mu.Lock()
	taken := w.book.answered[pow.Accepted]
	w.book.mu.Unlock()
	phone.toil(t, b2, func() bool {
		w.book.mu.Lock()
		defer w.book.mu.Unlock()
		return w.book.answered[pow.Accepted] > taken
	})
}
