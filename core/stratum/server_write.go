package stratum

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

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
		p.server.writers.add(p)
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
	if p.ended != nil {
		close(p.ended)
	}
	_ = p.conn.Close() // it is of no more use, however it ends
}

// why is the cause of the connection's end, as far as it came from here; nil where it was wanted.
func (p *Peer) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause
}
