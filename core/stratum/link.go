package stratum

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// errMoved ends a connection at the pool's wish.
var errMoved = errors.New("pool asks for a new connection")

// Ids of the requests that begin a connection; shares follow.
const (
	idSubscribe uint64 = iota + 1
	idAuthorize
	idExtranonce
	idFirstShare
)

const (
	// maxQueue is how many messages may wait for a pool that reads slowly.
	maxQueue = 128
	// maxUnanswered is how many shares may wait for the pool's answer.
	maxUnanswered = 1024
	// maxRemembered is how many shares are remembered, at least, to send none twice.
	maxRemembered = 2048
)

// link is one connection of a Client: what is learnt on it, and what was sent over it, ends with it.
type link struct {
	cfg  *Config
	id   uint64 // random, so that no two clients of a program share one
	conn jsonrpc.Conn
	out  chan []byte

	// Of the reading goroutine alone.
	begun      time.Time
	since      time.Time // of the first job; zero before
	accepted   bool      // the pool has accepted the user, or a share
	next       extranonce
	subscribed bool
	difficulty float64
	early      *pow.Job // the last job that came before the answer to subscribe
	shown      float64  // the difficulty that the handler knows

	mu         sync.Mutex
	gone       bool
	lastID     uint64
	unanswered map[uint64]sent
	recent     map[shareKey]struct{}
	older      map[shareKey]struct{}
}

// sent is a share on its way.
type sent struct {
	at         time.Time
	difficulty float64
	done       func(pow.Result)
}

// shareKey tells shares of one connection apart.
type shareKey struct {
	job, extranonce2 string
	time, nonce      uint32
}

func newLink(cfg *Config, conn jsonrpc.Conn) *link {
	return &link{
		cfg:        cfg,
		id:         rand.Uint64() | 1, // never 0, which is a job's that came over no connection
		conn:       conn,
		out:        make(chan []byte, maxQueue),
		begun:      time.Now(),
		difficulty: 1,
		lastID:     idFirstShare,
		unanswered: make(map[uint64]sent),
		recent:     make(map[shareKey]struct{}),
	}
}

// run talks until the connection ends, and says why it did.
func (l *link) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	w := startWriter(ctx, l.conn, l.out)
	err := l.talk(ctx)
	cancel()
	l.conn.Close()
	return w.cause(err)
}

func (l *link) talk(ctx context.Context) error {
	l.send(message{id: strconv.FormatUint(idSubscribe, 10), method: methodSubscribe, params: texts(l.cfg.Agent)})
	for {
		line, err := l.read(ctx)
		if err != nil {
			return err
		}
		m, err := parseMessage(line)
		if err != nil {
			return err
		}
		if m.method == "" {
			err = l.reply(&m)
		} else {
			err = l.request(&m)
		}
		if err != nil {
			return err
		}
		l.expire()
	}
}

// read waits for the next message, for as long as a living pool may take.
func (l *link) read(ctx context.Context) ([]byte, error) {
	until := time.Now().Add(l.cfg.Silence)
	switch {
	case !l.subscribed:
		until = l.begun.Add(l.cfg.Handshake)
	case l.since.IsZero(): // talk alone does not make a pool
		until = l.begun.Add(l.cfg.Silence)
	}
	return readUntil(ctx, l.conn, until)
}

// send queues a message; one that finds the queue full is dropped, and none is so vital that it would be missed.
func (l *link) send(m message) bool {
	select {
	case l.out <- m.append(nil):
		return true
	default:
		return false
	}
}

// reply takes the answer to a request of ours.
func (l *link) reply(m *message) error {
	id, ok := m.number()
	switch {
	case !ok:
		if m.err != nil && !l.subscribed { // "banned", said to nobody in particular
			return m.err
		}
		return nil
	case id == idSubscribe && !l.subscribed:
		return l.subscribe(m)
	case id == idAuthorize:
		if r := m.refusal(); r != nil {
			return fmt.Errorf("%w: %w", ErrUnauthorized, r)
		}
		l.accepted = true
		return nil
	}
	l.mu.Lock()
	s, ok := l.unanswered[id]
	delete(l.unanswered, id)
	l.mu.Unlock()
	if !ok {
		return nil // an optional request, or the second answer to a share
	}
	result := pow.Result{Latency: time.Since(s.at), Difficulty: s.difficulty}
	r := m.verdict()
	if l.accepted = l.accepted || r == nil; r != nil {
		result.Status, result.Code, result.Reason = pow.Rejected, r.Code, r.Reason
		if r.Code == CodeJobNotFound {
			result.Status = pow.Stale
		}
		if result.Reason == "" {
			result.Reason = r.meaning()
		}
	}
	s.done(result)
	return nil
}

func (l *link) subscribe(m *message) error {
	if m.err != nil {
		return fmt.Errorf("subscribe: %w", m.err)
	}
	var err error
	if l.next, err = parseSubscribed(m.result); err != nil {
		return err
	}
	l.subscribed = true
	l.send(message{id: strconv.FormatUint(idAuthorize, 10), method: methodAuthorize, params: texts(l.cfg.User, l.cfg.Password)})
	// Optional: pools that know it may change the extranonce later; others refuse or say nothing.
	l.send(message{id: strconv.FormatUint(idExtranonce, 10), method: methodExtranonceSubscribe, params: texts()})
	if early := l.early; early != nil {
		l.early = nil
		l.job(early)
	}
	return nil
}

// request takes what the pool asks or tells.
func (l *link) request(m *message) error {
	switch m.method {
	case methodNotify:
		j, err := parseNotify(m.params)
		if err != nil {
			return err
		}
		j.Difficulty = l.difficulty
		if !l.subscribed {
			l.early = j
			return nil
		}
		l.job(j)
	case methodSetDifficulty:
		d, err := parseSetDifficulty(m.params)
		if err != nil {
			return err
		}
		l.difficulty = d
	case methodSetExtranonce:
		args, err := m.args()
		if err != nil {
			return malformed(methodSetExtranonce, err)
		}
		e, err := parseExtranonce(args, 0)
		if err != nil {
			return err
		}
		if l.subscribed {
			l.next = e
		}
	case methodReconnect:
		// Where to is not looked at: another host is a hijack as long as nobody has checked it.
		return errMoved
	case methodGetVersion:
		l.answer(m, message{result: appendString(nil, l.cfg.Agent)})
	case methodPing:
		l.answer(m, message{result: json.RawMessage(`"pong"`)})
	default:
		l.answer(m, message{result: json.RawMessage(null), err: &Rejection{Code: CodeOther, Reason: "unknown method"}})
	}
	return nil
}

// answer replies to what the pool asked; a notification gets no reply.
func (l *link) answer(m *message, reply message) {
	if m.id != null {
		reply.id = m.id
		l.send(reply)
	}
}

// job completes a job with what holds on the connection, and hands it on.
func (l *link) job(j *pow.Job) {
	j.Algorithm = l.cfg.Algorithm
	j.Extranonce1, j.Extranonce2Size = l.next.first, l.next.size
	j.Target = pow.TargetFromDifficulty(j.Algorithm, j.Difficulty)
	j.Conn = l.id
	if l.since.IsZero() {
		l.since = time.Now()
	}
	l.cfg.Handler.Job(j)
	if l.shown != j.Difficulty {
		l.shown = j.Difficulty
		l.cfg.Handler.State(pow.State{Phase: pow.Mining, Difficulty: j.Difficulty})
	}
}

// submit queues a share. It returns the share's fate when that is settled at once.
func (l *link) submit(s pow.Share, done func(pow.Result)) *pow.Result {
	refuse := func(status pow.Status, reason string) *pow.Result {
		return &pow.Result{Status: status, Reason: reason, Difficulty: s.Difficulty}
	}
	if len(s.Extranonce2) != s.Job.Extranonce2Size {
		return refuse(pow.Rejected, "its extranonce2 has a wrong length")
	}
	key := shareKey{job: s.Job.ID, extranonce2: string(s.Extranonce2), time: s.Time, nonce: s.Nonce}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.gone:
		return refuse(pow.Stale, "its connection is gone")
	case l.known(key):
		return refuse(pow.Rejected, "it was sent before")
	case len(l.unanswered) >= maxUnanswered:
		return refuse(pow.Stale, "the pool answers no shares")
	}
	submission := Submission{User: l.cfg.User, JobID: s.Job.ID, Extranonce2: s.Extranonce2, Time: s.Time, Nonce: s.Nonce}
	id := l.lastID + 1
	m := message{id: strconv.FormatUint(id, 10), method: methodSubmit, params: appendSubmit(nil, submission)}
	// Known before it is sent: the answer may be faster than this goroutine.
	l.unanswered[id] = sent{at: time.Now(), difficulty: s.Difficulty, done: done}
	if !l.send(m) {
		delete(l.unanswered, id)
		return refuse(pow.Stale, "the pool reads too slowly")
	}
	l.lastID = id
	l.remember(key)
	return nil
}

func (l *link) known(key shareKey) bool {
	_, recent := l.recent[key]
	_, older := l.older[key]
	return recent || older
}

func (l *link) remember(key shareKey) {
	if len(l.recent) >= maxRemembered {
		l.older, l.recent = l.recent, make(map[shareKey]struct{})
	}
	l.recent[key] = struct{}{}
}

// expire gives up on shares that the pool has not answered for as long as a pool may be silent.
func (l *link) expire() {
	var late []sent
	l.mu.Lock()
	for id, s := range l.unanswered {
		if time.Since(s.at) > l.cfg.Silence {
			late = append(late, s)
			delete(l.unanswered, id)
		}
	}
	l.mu.Unlock()
	for _, s := range late {
		s.done(pow.Result{Status: pow.Stale, Reason: "the pool never answered", Difficulty: s.difficulty})
	}
}

// abandon takes no more shares, and settles those that wait. What was sent and not answered is not sent again:
// the pool may have counted it.
func (l *link) abandon() {
	l.mu.Lock()
	l.gone = true
	left := l.unanswered
	l.unanswered = nil
	l.mu.Unlock()
	for _, s := range left {
		s.done(pow.Result{Status: pow.Stale, Reason: "the connection ended before the pool answered", Difficulty: s.difficulty})
	}
}
