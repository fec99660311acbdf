//go:build !js

package exchange

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// maxLead is how far a provider's clock may be from this computer's: one that is
// further away is told to the person.
const maxLead = 24 * time.Hour

// client makes requests and reads answers, which all providers need.
type client struct {
	do    vault.Doer
	title string
	test  bool
	lead  atomic.Int64 // of the provider's clock, in nanoseconds
}

// a judge tells what is wrong with an answer: the provider's code and one of this
// package's errors, or nil.
type judge func(status int, body []byte) (code string, err error)

// call makes a request and decodes its answer. When the provider says that the time
// is wrong, it is asked once more by the provider's own clock.
func (c *client) call(ctx context.Context, r vault.Request, j judge, into any) error {
	for again := false; ; again = true {
		r.Lead = time.Duration(c.lead.Load())
		answer, err := c.do.Do(ctx, r)
		if err != nil {
			return err
		}
		code, refused := j(answer.Status, answer.Body)
		if refused == nil && answer.Status/100 != 2 {
			refused = byStatus(answer.Status)
		}
		if refused == nil {
			if reply.Decode(answer.Body, into) != nil {
				return &vault.Error{Store: c.title, Err: reply.ErrUnreadable, Hint: "Try again later. If it stays so, the exchange has changed its ways: look for a new version of Goldpan."}
			}
			return nil
		}
		// Who wants a fresh signature may call an old one wrong.
		wrong := errors.Is(refused, ErrClock) || errors.Is(refused, ErrKey) && c.off(answer.Header) > farOff
		if wrong && !again && c.learn(answer.Header) {
			continue
		}
		return c.explain(refused, code, answer.Status)
	}
}

// farOff is a difference between clocks that may spoil a signature; Date is exact to a
// second.
const farOff = 3 * time.Second

// off is how far an answer's Date is from the time that was signed for.
func (c *client) off(h http.Header) time.Duration {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return (time.Until(at) - time.Duration(c.lead.Load())).Abs()
}

// learn sets the clock by an answer's Date, which is exact to a second.
func (c *client) learn(h http.Header) bool {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return false
	}
	lead := time.Until(at)
	if lead.Abs() > maxLead {
		return false
	}
	c.lead.Store(int64(lead))
	return true
}

func byStatus(status int) error {
	switch {
	case status == http.StatusUnauthorized:
		return ErrKey
	case status == http.StatusForbidden:
		return ErrDenied
	case status == http.StatusTooManyRequests, status == http.StatusTeapot, status >= 500:
		return ErrBusy
	}
	return ErrRefused
}

func (c *client) explain(err error, code string, status int) error {
	told := &vault.Error{Store: c.title, Err: err}
	if code = plainCode(code); code != "" {
		told.Detail = "code " + code
	} else if status/100 != 2 {
		told.Detail = "status " + strconv.Itoa(status)
	}
	switch {
	case errors.Is(err, ErrKey):
		told.Hint = "Look there whether the key still exists, and enter it anew with goldpan key rotate. Some exchanges say the same when this computer's address is not on the key's list."
	case errors.Is(err, ErrDenied):
		told.Hint = "Look at the exchange what this key may do, and from which addresses."
	case errors.Is(err, ErrClock):
		told.Hint = "Set this computer's clock by the network, and try again."
	case errors.Is(err, ErrShared):
		told.Hint = "Make a key for Goldpan alone, and enter it with goldpan key rotate."
	case errors.Is(err, vault.ErrEnvironment):
		told.Hint = "Add the key again with the environment that it was made for: goldpan key add --environment live or test."
	case errors.Is(err, ErrBusy):
		told.Hint = "Wait a few minutes, and try again."
	case errors.Is(err, ErrNoAddress):
		told.Hint = "Look at the exchange how it calls the coin and the network, and whether an address was made there."
	}
	return told
}

// plainCode keeps of a provider's code what cannot be anything else.
func plainCode(s string) string {
	if len(s) > 40 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:_ ") != "" {
		return ""
	}
	return s
}

func unreadable(title string) error {
	return &vault.Error{Store: title, Err: reply.ErrUnreadable}
}
