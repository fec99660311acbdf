//go:build !js

package stratum

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The kinds of faults that a gate makes on a connection.
const (
	faultReset       = "reset"        // both ends are reset
	faultClose       = "close"        // both ends are closed in order
	faultHalfPool    = "half-close"   // the pool stops speaking, and listens on
	faultHalfMiner   = "half-close-2" // the pool is told that the miner stopped speaking
	faultDelay       = "delay"
	faultSplit       = "split"
	faultGarblePool  = "garble"   // of what the pool says
	faultGarbleMiner = "garble-2" // of what the miner says
	faultSilent      = "silent"
)

// gate stands between the miner and one pool, and does to the connections what it is told.
type gate struct {
	ln     net.Listener
	target string
	found  func(extranonce2 string) // each share that comes from the miner, whatever becomes of it
	ends   sync.WaitGroup

	mu       sync.Mutex
	down     bool
	passages []*passage
	accepted int
	tainted  map[string]bool // connections, as the pool names them, on which the miner was told wrong things
}

// passage is one connection through a gate.
type passage struct {
	gate        *gate
	miner, pool net.Conn
	begun       time.Time
	ended       chan struct{}
	end         sync.Once
	line        []byte // of the miner's, that is not complete yet

	mu      sync.Mutex
	faulted bool // something was done to it
	lost    bool // it will end
	silent  bool
	delay   time.Duration
	split   int     // chunks that are still to be split
	garble  [2]bool // the next chunk of each direction
	random  *rand.Rand
}

func newGate(t *testing.T, target string, found func(string)) *gate {
	g := &gate{ln: listen(t), target: target, found: found, tainted: make(map[string]bool)}
	g.ends.Go(g.accept)
	t.Cleanup(func() {
		g.ln.Close()
		g.setDown(true)
		g.ends.Wait()
	})
	return g
}

func (g *gate) accept() {
	for {
		c, err := g.ln.Accept()
		if err != nil {
			return
		}
		g.ends.Go(func() { g.pass(c) })
	}
}

// setDown has the pool refuse whoever comes, and loses who is there; or ends that.
func (g *gate) setDown(down bool) {
	g.mu.Lock()
	g.down = down
	passages := slices.Clone(g.passages)
	g.mu.Unlock()
	if down {
		for _, p := range passages {
			p.inject(faultReset, 0, nil)
		}
	}
}

// healthy returns the connections on which nothing has happened yet.
func (g *gate) healthy() []*passage {
	return g.those(func(p *passage) bool { return !p.faulted })
}

// usable returns the connections that are not lost yet.
func (g *gate) usable() []*passage {
	return g.those(func(p *passage) bool { return !p.lost })
}

func (g *gate) those(are func(*passage) bool) []*passage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(g.passages), func(p *passage) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !are(p)
	})
}

func (g *gate) count() (now, ever int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.passages), g.accepted
}

func (g *gate) taint(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tainted[address] = true
}

func (g *gate) isTainted(address string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tainted[address]
}

func (g *gate) pass(miner net.Conn) {
	p := &passage{gate: g, miner: miner, begun: time.Now(), ended: make(chan struct{})}
	pool, err := net.Dial("tcp", g.target)
	g.mu.Lock()
	down := g.down
	if err == nil && !down {
		p.pool = pool
		g.passages = append(g.passages, p)
		g.accepted++
	}
	g.mu.Unlock()
	if err != nil || down {
		reset(miner)
		if err == nil {
			reset(pool)
		}
		return
	}
	var directions sync.WaitGroup
	directions.Go(func() { p.forward(p.miner, p.pool, 0) })
	directions.Go(func() { p.forward(p.pool, p.miner, 1) })
	directions.Wait()
	p.close()
	g.mu.Lock()
	g.passages = slices.DeleteFunc(g.passages, func(other *passage) bool { return other == p })
	g.mu.Unlock()
}

func (p *passage) close() {
	p.end.Do(func() { close(p.ended) })
	p.miner.Close()
	p.pool.Close()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

func closeWrite(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// forward carries what one end says to the other; direction 0 is from the miner.
func (p *passage) forward(from, to net.Conn, direction int) {
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if direction == 0 {
				p.look(buffer[:n])
			}
			if !p.write(to, buffer[:n], direction) {
				p.close()
				return
			}
		}
		if err != nil {
			closeWrite(to)
			return
		}
	}
}

// write writes as the faults will have it.
func (p *passage) write(to net.Conn, b []byte, direction int) bool {
	p.mu.Lock()
	silent, delay, split, garble := p.silent, p.delay, p.split > 0, p.garble[direction]
	p.delay, p.garble[direction] = 0, false
	if split {
		p.split--
	}
	var parts [][]byte
	if garble {
		b = p.spoil(b, direction)
	}
	for split && len(b) > 1 {
		n := 1 + p.random.IntN(min(len(b)-1, 40))
		parts = append(parts, b[:n])
		b = b[n:]
	}
	p.mu.Unlock()
	if silent {
		return true
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-p.ended:
			return false
		case <-timer.C:
		}
	}
	for _, part := range append(parts, b) {
		if _, err := to.Write(part); err != nil {
			return false
		}
	}
	return true
}

// spoil alters a chunk. What the miner says is never made into another share, so that what the pool hears of is what
// the miner has said. It is called with the lock.
func (p *passage) spoil(b []byte, direction int) []byte {
	b = slices.Clone(b)
	i := p.random.IntN(len(b))
	kind := 0
	if direction == 1 {
		kind = p.random.IntN(4)
	}
	switch kind {
	case 0:
		b[i] = 0
	case 1:
		return slices.Insert(b, i, []byte("\nHTTP/1.1 502 Bad Gateway\r\n\r\n")...)
	case 2:
		return append(b[:i], b[min(len(b), i+1+p.random.IntN(64)):]...)
	default:
		for range 1 + p.random.IntN(8) {
			b[p.random.IntN(len(b))] ^= 1 << p.random.IntN(7)
		}
	}
	return b
}

// look finds the shares in what the miner says.
func (p *passage) look(b []byte) {
	p.line = append(p.line, b...)
	for {
		line, rest, ok := bytes.Cut(p.line, []byte("\n"))
		if !ok {
			return
		}
		p.line = rest
		var m struct {
			Method string
			Params []json.RawMessage
		}
		if json.Unmarshal(line, &m) != nil || m.Method != methodSubmit || len(m.Params) < 5 {
			continue
		}
		if extranonce2, err := strconv.Unquote(string(m.Params[2])); err == nil {
			p.gate.found(extranonce2)
		}
	}
}

// inject does one fault to the connection.
func (p *passage) inject(kind string, delay time.Duration, random *rand.Rand) {
	if kind == faultGarblePool {
		p.gate.taint(p.pool.LocalAddr().String())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faulted = true
	if random != nil { // a reset needs none, and what is spoilt still may
		p.random = random
	}
	switch kind {
	case faultDelay, faultSplit, faultGarblePool, faultGarbleMiner: // it may live
	default:
		p.lost = true
	}
	switch kind {
	case faultReset:
		p.end.Do(func() { close(p.ended) })
		reset(p.miner)
		reset(p.pool)
	case faultClose:
		p.end.Do(func() { close(p.ended) })
		p.miner.Close()
		p.pool.Close()
	case faultHalfPool:
		closeWrite(p.miner)
	case faultHalfMiner:
		closeWrite(p.pool)
	case faultDelay:
		p.delay = delay
	case faultSplit:
		p.split = 20
	case faultGarblePool:
		p.garble[1] = true
	case faultGarbleMiner:
		p.garble[0] = true
	case faultSilent:
		p.silent = true
	}
}
