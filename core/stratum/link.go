package stratum

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Ids of the requests that begin a connection; shares follow.
const (
	idSubscribe uint64 = iota + 1
	idAuthorize
	idExtranonce
	idConfigure // the last: shares and suggestions follow
)

const (
	// maxQueue is how many messages may wait for a pool that reads slowly.
	maxQueue = 128
	// maxUnanswered is how many shares may wait for the pool's answer.
	maxUnanswered = 1024
	// maxIgnored is how many shares in a row a pool may leave unanswered, each for as long as it may be silent.
	maxIgnored = 5
	// maxRemembered is how many shares are remembered, at least, to send none twice.
	maxRemembered = 2048
	// maxRoll is how many seconds a share's time may be ahead of its job's.
	maxRoll = 7000
	// A pool may say so many things to a person at once, and then one more in so many seconds.
	maxMessages, messageEvery = 5, 30
	// maxText is how long each of them may be, in characters.
	maxText = 200
)

const reasonTwice = "it was sent before"

// link is one connection of a Client: what is learnt on it, and what was sent over it, ends with it.
type link struct {
	cfg  *Config
	id   uint64 // random, so that no two clients of a program share one
	conn jsonrpc.Conn
	out  chan []byte
	mask atomic.Uint32 // the bits of a version that may be rolled now

	// Set before run, and not changed.
	at       URL    // where the connection leads
	bare     bool   // ask for nothing that is optional
	resuming string // the session to ask for; "" for a new one
	ready    func() // called when the pool has answered subscribe; may be nil

	// Of the reading goroutine alone.
	begun      time.Time
	since      time.Time // of the first job; zero before
	accepted   bool      // the pool has accepted the user, or a share
	next       extranonce
	subscribed bool
	difficulty float64
	early      *pow.Job // the last job that came before the answer to subscribe
	current    *pow.Job // the last that was handed on
	shown      float64  // the difficulty that the handler knows
	session    string   // the name to resume this connection by; "" when the pool gave none
	rolling    bool     // the pool has agreed to version rolling
	follows    bool     // the pool knows that the extranonce may change
	suggested  uint64   // the id of suggest_difficulty; 0 when it was not sent
	ignored    int      // shares given up since the pool answered one
	warned     bool     // the person knows of a redirect that was refused
	chatter    limiter  // of what the pool says to a person

	mu         sync.Mutex
	gone       bool
	lastID     uint64
	unanswered map[uint64]sent
	recent     map[shareKey]struct{}
	older      map[shareKey]struct{}
	former     former
}

// sent is a share on its way.
type sent struct {
	share pow.Share
	at    time.Time
	done  func(pow.Result)
}

// shareKey tells shares apart.
type shareKey struct {
	conn                 uint64
	job, extranonce2     string
	version, time, nonce uint32
}

func keyOf(s pow.Share) shareKey {
	return shareKey{s.Job.Conn, s.Job.ID, string(s.Extranonce2), s.Version, s.Time, s.Nonce}
}

func newLink(cfg *Config, conn jsonrpc.Conn) *link {
	return &link{
		cfg:        cfg,
		id:         rand.Uint64() | 1, // never 0, which is a job's that came over no connection
		conn:       conn,
		out:        make(chan []byte, maxQueue),
		at:         cfg.URL,
		begun:      time.Now(),
		difficulty: 1,
		chatter:    newLimiter(1.0/messageEvery, maxMessages),
		lastID:     idConfigure,
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
	l.configure()
	params := []string{l.cfg.Agent}
	if l.resuming != "" {
		params = append(params, l.resuming)
	}
	l.send(message{id: strconv.FormatUint(idSubscribe, 10), method: methodSubscribe, params: texts(params...)})
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
		if err := l.expire(); err != nil {
			return err
		}
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
	case id == idConfigure:
		l.configured(m)
		return nil
	case id == l.suggested && id != 0 && m.err != nil:
		l.suggested = 0
		l.suggestTarget()
		return nil
	}
	l.mu.Lock()
	s, ok := l.unanswered[id]
	delete(l.unanswered, id)
	l.mu.Unlock()
	if !ok {
		return nil // an optional request, or the second answer to a share
	}
	l.ignored = 0
	result := l.cfg.result(s.share)
	result.Latency = time.Since(s.at)
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
	l.subscribed, l.session = true, parseSession(m.result)
	l.send(message{id: strconv.FormatUint(idAuthorize, 10), method: methodAuthorize, params: texts(l.cfg.User, l.cfg.Password)})
	if !l.follows {
		// Optional: pools that know it may change the extranonce later; others refuse or say nothing.
		l.send(message{id: strconv.FormatUint(idExtranonce, 10), method: methodExtranonceSubscribe, params: texts()})
	}
	l.suggest()
	if l.ready != nil {
		l.ready()
	}
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
	case methodSetVersionMask:
		if !l.rolling { // a pool that never agreed on a mask has none to set
			return nil
		}
		args, err := m.args()
		if err != nil || len(args) == 0 {
			return malformed(methodSetVersionMask, errList)
		}
		mask, err := parseWord(args[0])
		if err != nil {
			return malformed(methodSetVersionMask, err)
		}
		l.setMask(mask)
	case methodReconnect:
		return l.reconnect(m)
	case methodShowMessage:
		l.showMessage(m)
	case methodGetVersion:
		l.answer(m, message{result: appendString(nil, l.cfg.Agent)})
	case methodPing, methodClientPing:
		l.answer(m, message{result: json.RawMessage(`"pong"`)})
	default:
		l.answer(m, message{result: json.RawMessage(null), err: &Rejection{Code: CodeOther, Reason: "unknown method"}})
	}
	return nil
}

// showMessage passes on what the pool says to a person, within bounds.
func (l *link) showMessage(m *message) {
	l.answer(m, message{result: json.RawMessage("true")})
	args, err := m.args()
	if err != nil || len(args) == 0 || l.cfg.Message == nil {
		return
	}
	text, err := parseString(args[0], MaxMessage)
	if err != nil {
		return
	}
	if text = pow.Plain(text, maxText); text != "" && l.chatter.take(time.Now()) {
		l.cfg.Message(text)
	}
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
	l.hand(j)
}

// hand gives the handler a job with the bits that may be rolled now.
func (l *link) hand(j *pow.Job) {
	j.VersionMask = freeBits(l.mask.Load(), j.Version)
	l.current = j
	l.cfg.Handler.Job(j)
	if l.shown != j.Difficulty {
		l.shown = j.Difficulty
		l.cfg.Handler.State(pow.State{Phase: pow.Mining, Pool: l.cfg.URL.String(), Difficulty: j.Difficulty})
	}
}

// submit queues a share of a job that l takes. It returns the share's fate when that is settled at once.
func (l *link) submit(s pow.Share, done func(pow.Result)) *pow.Result {
	refuse := func(status pow.Status, why string) *pow.Result { return l.cfg.refuse(s, status, why) }
	if len(s.Extranonce2) != s.Job.Extranonce2Size {
		return refuse(pow.Rejected, "its extranonce2 has a wrong length")
	}
	if s.Time-s.Job.Time > maxRoll { // a time that went back is far ahead, too
		return refuse(pow.Rejected, "its time is out of range")
	}
	version, status, why := l.checkVersion(s)
	if why != "" {
		return refuse(status, why)
	}
	key := keyOf(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.gone:
		return refuse(pow.Stale, reasonGone)
	case l.known(key):
		return refuse(pow.Rejected, reasonTwice)
	case len(l.unanswered) >= maxUnanswered:
		return refuse(pow.Stale, "the pool answers no shares")
	}
	submission := Submission{User: l.cfg.User, JobID: s.Job.ID, Extranonce2: s.Extranonce2, Time: s.Time, Nonce: s.Nonce, Version: version}
	id := l.lastID + 1
	m := message{id: strconv.FormatUint(id, 10), method: methodSubmit, params: appendSubmit(nil, submission)}
	// Known before it is sent: the answer may be faster than this goroutine.
	l.unanswered[id] = sent{share: s, at: time.Now(), done: done}
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

// expire gives up on shares that the pool has not answered for as long as a pool may be silent. Its error is
// ErrUnanswered when they become too many.
func (l *link) expire() error {
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
		s.done(*l.cfg.refuse(s.share, pow.Stale, "the pool never answered"))
	}
	if l.ignored += len(late); l.ignored >= maxIgnored {
		return fmt.Errorf("%w: %d in a row", ErrUnanswered, l.ignored)
	}
	return nil
}

// abandon takes no more shares, and returns those that wait: the ones that were never handed to the connection, and
// those that the pool may have. It is called after run.
func (l *link) abandon() (unsent, unanswered []sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	for len(l.out) > 0 {
		m, err := parseMessage(<-l.out)
		if id, ok := m.number(); err == nil && ok && m.method == methodSubmit {
			if s, ok := l.unanswered[id]; ok {
				unsent = append(unsent, s)
				delete(l.unanswered, id)
				l.unremember(keyOf(s.share))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.unanswered)) {
		unanswered = append(unanswered, l.unanswered[id])
	}
	l.unanswered = nil
	return unsent, unanswered
}

// unremember takes back that a share was sent.
func (l *link) unremember(key shareKey) {
	delete(l.recent, key)
	delete(l.older, key)
}
