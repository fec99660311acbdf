//go:build !js

package limit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"goldpan/vault"
)

const (
	tries      = 4
	firstPause = time.Second
	longPause  = 30 * time.Second
)

// Patient wraps a Doer of requests that only look: one that got no answer, or an
// answer that says "not now" (429, 500 and above), is made again, at most three
// times, after pauses that double and differ. It knows the limits that e's provider
// tells of in the body of an answer. It makes one request to a host at a time: one on
// its way would arrive after the answer that asks for silence. It is not for orders:
// they are looked up first.
func (l *Limits) Patient(e vault.Entry, d vault.Doer) vault.Doer { return patient{l, e, d} }

type patient struct {
	l *Limits
	e vault.Entry
	d vault.Doer
}

func (p patient) Do(ctx context.Context, r vault.Request) (vault.Response, error) {
	for n := 1; ; n++ {
		answer, err := p.one(ctx, r)
		again := false
		switch {
		case errors.Is(err, ErrHeld), ctx.Err() != nil:
		case errors.Is(err, vault.ErrUnsent), errors.Is(err, vault.ErrUnanswered):
			again = true
		case err == nil && p.says(answer), err == nil && (answer.Status == http.StatusTooManyRequests || answer.Status >= 500):
			again = true
		}
		if !again || n == tries {
			return answer, err
		}
		// Anywhere between half of the pause and the whole.
		pause := min(firstPause<<(n-1), longPause)
		timer := time.NewTimer(pause/2 + rand.N(pause/2)) //nolint:gosec // pauses that differ are no secret
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return answer, errors.Join(err, ctx.Err())
		}
	}
}

// one makes a request when no other is on its way to the host.
func (p patient) one(ctx context.Context, r vault.Request) (vault.Response, error) {
	_, host, _ := strings.Cut(p.e.Endpoint, "://")
	p.l.mu.Lock()
	name := site(p.e.Provider, host)
	turn := p.l.turns[name]
	if turn == nil {
		turn = make(chan struct{}, 1)
		p.l.turns[name] = turn
	}
	p.l.mu.Unlock()
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return vault.Response{}, fmt.Errorf("%w: %w", vault.ErrUnsent, ctx.Err())
	}
	defer func() { <-turn }()
	answer, err := p.d.Do(ctx, r)
	if err == nil {
		p.notice(host, answer)
	}
	return answer, err
}

// says tells whether a body is about a limit.
func (p patient) says(answer vault.Response) bool {
	return slices.ContainsFunc(RulesOf(p.e.Provider).Notices, func(n Notice) bool { return n.in(answer.Body) })
}

func (n Notice) in(body []byte) bool {
	return len(body) <= maxNotice && bytes.Contains(body, []byte(n.Text))
}

// notice keeps a limit that the body tells of.
func (p patient) notice(host string, answer vault.Response) {
	for _, n := range RulesOf(p.e.Provider).Notices {
		if n.in(answer.Body) {
			p.l.Hold(vault.Use{Provider: p.e.Provider, Key: p.e.ID, Host: host}, http.StatusTooManyRequests, n.wait(answer, time.Now()))
		}
	}
}

// wait is how long to stay silent: until the time that stands behind the text, in
// seconds since 1970, and not less than Wait.
func (n Notice) wait(answer vault.Response, now time.Time) time.Duration {
	if !n.Until {
		return n.Wait
	}
	_, rest, _ := bytes.Cut(answer.Body, []byte(n.Text))
	rest = bytes.TrimLeft(rest, ": ")
	digits := rest[:len(rest)-len(bytes.TrimLeft(rest, "0123456789"))]
	at, ok := number(string(digits))
	if !ok {
		return n.Wait
	}
	return max(seconds(max(at-float64(theirs(answer.Header, now).Unix()), 0)), n.Wait)
}

// maxNotice is how long a body may be that tells of a limit: longer ones are data.
const maxNotice = 4 << 10
