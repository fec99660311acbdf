package stratum

import (
	"bytes"
	"time"

	"goldpan/core/pow"
)

// resumeFor is how long a share may wait for a connection on which it can still be sent.
const resumeFor = 2 * time.Minute

// lost is what a connection leaves to the next, which may resume its session.
type lost struct {
	link *link // ended
	at   time.Time
	held []sent // that never were
}

// settled is a share whose fate is known, to be told when no lock is held.
type settled struct {
	done   func(pow.Result)
	result *pow.Result
}

func tell(list []settled) {
	for _, s := range list {
		s.done(*s.result)
	}
}

// session is the name of the last connection's session; "" when it had none.
func (c *Client) session() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		return ""
	}
	return c.lost.link.session
}

// lose takes leave of a connection. What was sent and not answered is not sent again: the pool may have counted it.
func (c *Client) lose(l *link) {
	c.mu.Lock()
	c.link = nil
	unsent, unanswered := l.abandon()
	var over []settled
	for _, s := range unanswered {
		over = append(over, settled{s.done, c.cfg.refuse(s.share, pow.Stale, "the connection ended before the pool answered")})
	}
	resumable := l.session != ""
	if resumable {
		over = append(over, c.drop(func(sent) bool { return true })...)
		c.lost = &lost{link: l, at: time.Now()}
	}
	for _, s := range unsent {
		if resumable {
			c.lost.held = append(c.lost.held, s)
		} else {
			over = append(over, settled{s.done, c.cfg.refuse(s.share, pow.Stale, reasonGone)})
		}
	}
	c.mu.Unlock()
	tell(over)
}

// hold keeps a share of the lost connection for the next. It returns the share's fate when that is settled at once.
func (o *lost) hold(s pow.Share, done func(pow.Result)) *pow.Result {
	cfg := o.link.cfg
	switch {
	case len(o.held) >= maxQueue, time.Since(o.at) > resumeFor:
		return cfg.refuse(s, pow.Stale, reasonGone)
	case o.link.known(keyOf(s)):
		return cfg.refuse(s, pow.Rejected, reasonTwice)
	}
	o.held = append(o.held, sent{share: s, at: time.Now(), done: done})
	return nil
}

// resume sends what the last connection left, if the pool gave the same extranonce again; else it is of no use, and
// dropped. It is called when l is subscribed.
func (c *Client) resume(l *link) {
	c.mu.Lock()
	var over []settled
	if o := c.lost; o != nil {
		c.lost = nil
		if l.resuming != "" {
			l.adopt(o.link)
		}
		for _, h := range o.held {
			fate := c.cfg.refuse(h.share, pow.Stale, reasonGone)
			if l.takes(h.share.Job) && time.Since(h.at) <= resumeFor {
				fate = l.submit(h.share, h.done)
			}
			if fate != nil {
				over = append(over, settled{h.done, fate})
			}
		}
	}
	c.mu.Unlock()
	tell(over)
}

// expire gives up on shares that have waited for too long.
func (c *Client) expire() {
	c.mu.Lock()
	over := c.drop(func(h sent) bool { return time.Since(h.at) > resumeFor })
	c.mu.Unlock()
	tell(over)
}

// forget gives up on all shares that wait, and takes no more.
func (c *Client) forget() {
	c.mu.Lock()
	over := c.drop(func(sent) bool { return true })
	c.lost = nil
	c.mu.Unlock()
	tell(over)
}

// drop takes shares out of those that wait. It is called with the lock.
func (c *Client) drop(which func(sent) bool) (over []settled) {
	if c.lost == nil {
		return nil
	}
	var left []sent
	for _, h := range c.lost.held {
		if which(h) {
			over = append(over, settled{h.done, c.cfg.refuse(h.share, pow.Stale, reasonGone)})
		} else {
			left = append(left, h)
		}
	}
	c.lost.held = left
	return over
}

// former is the connection that a link resumes.
type former struct {
	id         uint64
	extranonce extranonce
	until      time.Time
}

// adopt makes l take the shares of a connection that it resumes, and remember which of them were sent.
func (l *link) adopt(o *link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.former = former{id: o.id, extranonce: l.next, until: time.Now().Add(resumeFor)}
	l.recent, l.older = o.recent, o.older
}

// takes reports whether shares of a job may be sent over l.
func (l *link) takes(j *pow.Job) bool {
	if j.Conn == l.id {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.former
	return f.id != 0 && j.Conn == f.id && time.Now().Before(f.until) &&
		bytes.Equal(j.Extranonce1, f.extranonce.first) && j.Extranonce2Size == f.extranonce.size
}
