package stratum

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Peer is one miner's connection to a Server. Its methods are safe for concurrent use and never block.
type Peer struct {
	// Data is the backend's own; the package does not touch it.
	Data any

	id      uint64
	session string
	server  *Server
	backend Backend
	conn    jsonrpc.Timed
	begun   time.Time

	// Of whoever reads and answers alone.
	limiter  limiter
	users    []string
	failures int
	asked    []byte
	handled  chan error

	mu         sync.Mutex
	extranonce extranonce
	earlier    extranonce // before the last SetExtranonce: its jobs are still worked on
	follows    bool       // the miner knows that the extranonce may change
	rolls      bool       // the miner knows that the version mask may change
	mask       uint32
	holding    bool
	held       [][]byte // queued while a request is answered
	waiting    [][]byte // to be written
	writing    bool     // somebody writes, or stands in line for it
	written    chan struct{}
	gone       bool // nothing more is taken
	over       bool // the connection is closed, because of cause
	cause      error
	ended      chan struct{} // closed when over; nil until somebody waits for that
}

// newPeer returns a peer of the server.
func (s *Server) newPeer(b Backend, conn jsonrpc.Timed) *Peer {
	return &Peer{
		id: s.peers.Add(1), session: s.session(), server: s, backend: b, conn: conn, begun: time.Now(),
		limiter: newLimiter(s.opts.Rate, s.opts.Burst), handled: make(chan error, 1),
	}
}

// ID tells the peers of a server apart.
func (p *Peer) ID() uint64 { return p.id }

// Session is the name by which the miner may resume this connection's work on another; see Resumer.
func (p *Peer) Session() string { return p.session }

// RemoteAddr names the miner's address for people.
func (p *Peer) RemoteAddr() string { return p.conn.RemoteAddr() }

// Subscribed reports whether the miner can take jobs.
func (p *Peer) Subscribed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.extranonce.size != 0
}

// Extranonce1 returns the peer's extranonce1, for the jobs that follow; nil before Backend.Subscribe.
func (p *Peer) Extranonce1() []byte { return p.current().first }

func (p *Peer) current() extranonce {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.extranonce
}

// fits reports whether the peer has, or just had, an extranonce2 of this size in bytes.
func (p *Peer) fits(size int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return size == p.extranonce.size || size == p.earlier.size && size > 0
}

// VersionMask returns the bits of a header's version that the miner may roll; 0 until it has asked for some.
func (p *Peer) VersionMask() uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mask
}

func (p *Peer) setMask(mask uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mask, p.rolls = mask, mask != 0
}

// follow takes note that the miner knows what set_extranonce is.
func (p *Peer) follow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.follows = true
}

// SetVersionMask changes the bits that the miner may roll, at once. Errors are ErrNotSubscribed if the miner has not
// asked for version rolling, or did not get it; ErrSlow and net.ErrClosed.
func (p *Peer) SetVersionMask(mask uint32) error {
	p.mu.Lock()
	rolls := p.rolls
	if rolls {
		p.mask = mask
	}
	p.mu.Unlock()
	if !rolls {
		return ErrNotSubscribed
	}
	params := append(appendWord(json.RawMessage{'['}, mask), ']')
	return p.queue(message{id: null, method: methodSetVersionMask, params: params})
}

// SetExtranonce changes the extranonce of the jobs that follow; those before keep theirs. Errors are ErrNotSubscribed
// if the miner has not said that it knows such changes, ErrSlow, net.ErrClosed.
func (p *Peer) SetExtranonce(extranonce1 []byte, extranonce2Size int) error {
	checkExtranonce(extranonce1, extranonce2Size)
	p.mu.Lock()
	able := p.follows && p.extranonce.size != 0
	if able {
		p.earlier, p.extranonce = p.extranonce, extranonce{first: extranonce1, size: extranonce2Size}
	}
	p.mu.Unlock()
	if !able {
		return ErrNotSubscribed
	}
	params := append(appendHex(json.RawMessage{'['}, extranonce1), ',')
	params = append(strconv.AppendInt(params, int64(extranonce2Size), 10), ']')
	return p.queue(message{id: null, method: methodSetExtranonce, params: params})
}

// ShowMessage tells the person who mines something, if the miner's program shows it.
func (p *Peer) ShowMessage(text string) error {
	return p.queue(message{id: null, method: methodShowMessage, params: texts(pow.Plain(text, maxText))})
}

func (p *Peer) setExtranonce(e extranonce) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.extranonce = e
}

// SetDifficulty sets the difficulty of the jobs that follow. Errors are ErrNotSubscribed, ErrSlow, net.ErrClosed,
// or say that d is out of range.
func (p *Peer) SetDifficulty(d float64) error {
	if !(d >= MinDifficulty && d <= MaxDifficulty) {
		return fmt.Errorf("difficulty %g out of range", d)
	}
	if !p.Subscribed() {
		return ErrNotSubscribed
	}
	params := append(appendDifficulty(json.RawMessage{'['}, d), ']')
	return p.queue(message{id: null, method: methodSetDifficulty, params: params})
}

// Notify sends a job. Of the job's fields those count that the wire carries; extranonce and target are the peer's.
// Errors are ErrNotSubscribed, ErrSlow, net.ErrClosed, or say that the job is out of bounds.
func (p *Peer) Notify(j *pow.Job) error {
	if err := checkJob(j); err != nil {
		return err
	}
	if !p.Subscribed() {
		return ErrNotSubscribed
	}
	return p.queue(message{id: null, method: methodNotify, params: appendNotify(nil, j)})
}

// Notice is a job made ready to be sent to many peers. It is immutable.
type Notice struct{ line []byte }

// NewNotice makes a job ready, for Peer.Post. The error says that the job is out of bounds.
func NewNotice(j *pow.Job) (Notice, error) {
	if err := checkJob(j); err != nil {
		return Notice{}, err
	}
	return Notice{message{id: null, method: methodNotify, params: appendNotify(nil, j)}.append(nil)}, nil
}

// Post sends a job as Notify does.
func (p *Peer) Post(n Notice) error {
	if !p.Subscribed() {
		return ErrNotSubscribed
	}
	return p.queueLine(n.line)
}

// Close sends the miner away at once.
func (p *Peer) Close() { p.end(nil) }
