//go:build !js

package limit

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
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
// tells of in the body of an answer. It is not for orders: they are looked up first.
func (l *Limits) Patient(e vault.Entry, d vault.Doer) vault.Doer { return patient{l, e, d} }

type patient struct {
	l *Limits
	e vault.Entry
	d vault.Doer
}

func (p patient) Do(ctx context.Context, r vault.Request) (vault.Response, error) {
	for n := 1; ; n++ {
		answer, err := p.d.Do(ctx, r)
		again := false
		switch {
		case errors.Is(err, ErrHeld), ctx.Err() != nil:
		case errors.Is(err, vault.ErrUnsent), errors.Is(err, vault.ErrUnanswered):
			again = true
		case err == nil && p.notice(answer), err == nil && (answer.Status == http.StatusTooManyRequests || answer.Status >= 500):
			again = true
		}
		if !again || n == tries {
			return answer, err
		}
		// Anywhere between half of the pause and the whole.
		pause := min(firstPause<<(n-1), longPause)
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return answer, errors.Join(err, ctx.Err())
		}
	}
}

// notice finds a limit that the body tells of, and keeps it.
func (p patient) notice(answer vault.Response) bool {
	for _, n := range RulesOf(p.e.Provider).Notices {
		if len(answer.Body) <= maxNotice && bytes.Contains(answer.Body, []byte(n.Text)) {
			_, host, _ := strings.Cut(p.e.Endpoint, "://")
			p.l.Hold(vault.Use{Provider: p.e.Provider, Key: p.e.ID, Host: host}, http.StatusTooManyRequests, n.Wait)
			return true
		}
	}
	return false
}

// maxNotice is how long a body may be that tells of a limit: longer ones are data.
const maxNotice = 4 << 10
