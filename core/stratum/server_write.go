package stratum

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

// post writes to the peers of a Server. Whoever has something to be written stands in line, and a few goroutines write
// for those who are next: a job for thousands needs no goroutine for each, and idle peers have none at all. Where all
// writers wait for peers that do not read, more are called, so that nobody waits for another's peer. The zero value is
// ready.
type post struct {
	mu      sync.Mutex
	line    []*Peer // those from next on wait
	next    int
	writers int
	passed  uint64 // peers that were taken out of the line
	watched bool   // a watch is due
}

// stall is how long no writer may come back to the line before more are called.
const stall = 10 * time.Millisecond

// add puts a peer in line.
func (o *post) add(p *Peer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.line = append(o.line, p)
	if o.writers <= runtime.GOMAXPROCS(0) {
		o.writers++
		go o.write()
	} else if !o.watched {
		o.watched = true
		o.watchLater()
	}
}

// take returns who is next. When there is nobody it lets the writer go.
func (o *post) take() *Peer {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.next == len(o.line) {
		o.writers--
		o.next, o.line = 0, o.line[:0]
		return nil
	}
	p := o.line[o.next]
	o.line[o.next] = nil
	o.next++
	o.passed++
	if o.next >= 1024 && 2*o.next >= len(o.line) {
		o.line = slices.Delete(o.line, 0, o.next)
		o.next = 0
	}
	return p
}

func (o *post) write() {
	for p := o.take(); p != nil; p = o.take() {
		p.flush()
	}
}

// watchLater looks again soon whether the line moves. It is called with the lock.
func (o *post) watchLater() {
	passed := o.passed
	time.AfterFunc(stall, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.next == len(o.line) {
			o.watched = false
			return
		}
		if o.passed == passed {
			for range o.writers { // none of which comes back: twice as many
				o.writers++
				go o.write()
			}
		}
		o.watchLater()
	})
}

// queue has a message written soon.
func (p *Peer) queue(m message) error { return p.queueLine(m.append(nil)) }

func (p *Peer) queueLine(line []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over || p.gone:
		return net.ErrClosed
	case p.holding && len(p.held) < p.server.opts.Queue:
		p.held = append(p.held, line)
		return nil
	case p.holding:
		return p.drop()
	}
	if err := p.push(line); err != nil {
		return err
	}
	if !p.writing {
		p.writing = true
		p.server.post.add(p)
	}
	return nil
}

// push adds a line to those that wait. It is called with the lock.
func (p *Peer) push(line []byte) error {
	if len(p.waiting) >= p.server.opts.Queue {
		return p.drop()
	}
	p.waiting = append(p.waiting, line)
	return nil
}

// drop ends a connection whose reader is too slow: what it has missed cannot be made good. It is called with the lock.
func (p *Peer) drop() error {
	p.endLocked(ErrSlow)
	return ErrSlow
}

// hold keeps back what is queued until release.
func (p *Peer) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = true
}

// release sends an answer, if there is one, and then what was held back. It writes by itself: whoever asks and does not
// read keeps only himself waiting.
func (p *Peer) release(answer []byte) {
	p.mu.Lock()
	lines := p.held
	p.held, p.holding = nil, false
	if answer != nil && p.push(answer) != nil {
		lines = nil
	}
	for _, line := range lines {
		if p.push(line) != nil {
			break
		}
	}
	write := !p.writing && len(p.waiting) > 0
	p.writing = p.writing || write
	p.mu.Unlock()
	if write {
		p.flush()
	}
}

// flush writes all that waits. Only one goroutine does so at a time: it has set writing.
func (p *Peer) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.waiting) > 0 && !p.over {
		lines := p.waiting
		p.waiting = nil
		p.mu.Unlock()
		err := p.write(lines)
		p.mu.Lock()
		if err != nil {
			p.endLocked(err)
		}
	}
	p.waiting, p.writing = nil, false
	if p.written != nil {
		close(p.written)
		p.written = nil
	}
}

// write writes some lines. It holds no lock.
func (p *Peer) write(lines [][]byte) error {
	for _, line := range lines {
		err := p.conn.WriteBefore(time.Now().Add(writeTimeout), line)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("%w: it took nothing for %v", ErrSlow, writeTimeout)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish takes no more messages. What waits is still written, for a while: whoever is sent away for what it said shall
// read why.
func (p *Peer) finish() {
	p.mu.Lock()
	p.gone = true
	var written chan struct{}
	if p.writing {
		written = make(chan struct{})
		p.written = written
	}
	p.mu.Unlock()
	if written == nil {
		return
	}
	late := time.AfterFunc(drainTimeout, p.Close)
	<-written
	late.Stop()
}

// end closes the connection. The first cause counts.
func (p *Peer) end(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLocked(cause)
}

func (p *Peer) endLocked(cause error) {
	if p.over {
		return
	}
	p.over, p.cause = true, cause
	close(p.ended)
	_ = p.conn.Close() // it is of no more use, however it ends
}

// why is the cause of the connection's end, as far as it came from here; nil where it was wanted.
func (p *Peer) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause
}
