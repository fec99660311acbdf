//go:build !js

package poolapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// Pool is an account at a pool. Its methods may be called from several goroutines at
// once.
type Pool interface {
	Stats(ctx context.Context) (Stats, error)
}

// Stats are what a pool counts. What it does not tell is "" or zero.
type Stats struct {
	HashRate  reply.Amount `json:"hash_rate,omitempty"`     // H/s, of the last minutes
	HashRate1 reply.Amount `json:"hash_rate_day,omitempty"` // H/s, of the last 24 hours
	Online    int          `json:"online"`
	Offline   int          `json:"offline"`
	Workers   []Worker     `json:"workers,omitempty"`
	Earned    []Earned     `json:"earned,omitempty"`
	// LastShare is when the pool got the newest share.
	LastShare time.Time `json:"last_share,omitzero"`
	// BestShare is the difficulty of the best one, at pools for solo miners.
	BestShare reply.Amount `json:"best_share,omitempty"`
}

// Worker is one machine, or one name of several.
type Worker struct {
	Name      reply.Text   `json:"name"`
	Online    bool         `json:"online"`
	HashRate  reply.Amount `json:"hash_rate,omitempty"` // H/s
	LastShare time.Time    `json:"last_share,omitzero"`
}

// Earned is what was earned of one coin.
type Earned struct {
	Coin   reply.Text   `json:"coin"`
	Unpaid reply.Amount `json:"unpaid,omitempty"`
	Paid   reply.Amount `json:"paid,omitempty"`
	Day    reply.Amount `json:"day,omitempty"` // in the last 24 hours, or today
}

// Errors that callers branch on.
var (
	// ErrKey: the pool does not take the key.
	ErrKey = errors.New("it does not take this key")
	// ErrBusy: not now.
	ErrBusy = errors.New("it cannot answer now")
	// ErrUnknown: the pool knows no such address, user or coin.
	ErrUnknown = errors.New("it does not know this")
	// ErrRefused: another refusal.
	ErrRefused = errors.New("it refused")
)

// maxWorkers is how many workers are listed; the sums count all that the pool tells of.
const maxWorkers = 500

// Account says whose statistics are asked for, where a key does not say it.
type Account struct {
	User string // F2Pool's mining user
	Coin string // the coin's symbol, such as BTC; "" for the pool's main one
}

// New returns a client for the pool of e's provider; d makes the requests with its
// key.
func New(e vault.Entry, d vault.Doer, a Account) (Pool, error) {
	c := &client{do: d, title: e.Provider}
	if p, ok := vault.ProviderOf(e.Provider); ok {
		c.title = p.Title
	}
	if !plain(a.User) || !plain(a.Coin) {
		return nil, fmt.Errorf("poolapi: a user and a coin have letters, digits, '-', '_' and '.'")
	}
	switch e.Provider {
	case "litecoinpool":
		return litecoinpool{c}, nil
	case "braiins":
		return braiins{c}, nil
	case "viabtc":
		return viabtc{c, strings.ToUpper(a.Coin)}, nil
	case "f2pool":
		return f2pool{c, a}, nil
	}
	return nil, fmt.Errorf("poolapi: %s is not one that Goldpan can ask", c.title)
}

// Styles lists the kinds of pool that ByAddress knows.
func Styles() []string { return []string{"ckpool", "public-pool"} }

// ByAddress returns a client for a pool that tells about an address without a key; d
// makes requests to it: vault.Broker's Open.
func ByAddress(style, host, address string, d vault.Doer) (Pool, error) {
	if address == "" || len(address) > 100 || strings.Trim(address, letters+digits) != "" {
		return nil, errors.New("poolapi: an address has letters and digits alone")
	}
	c := &client{do: d, title: host}
	switch style {
	case "ckpool":
		return ckpool{c, address}, nil
	case "public-pool":
		return publicPool{c, address}, nil
	}
	return nil, fmt.Errorf("poolapi: a pool by address is of the kind %s", strings.Join(Styles(), " or "))
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

func plain(s string) bool { return len(s) <= 64 && strings.Trim(s, letters+digits+"-_.") == "" }

// client makes requests and reads answers, which all pools need.
type client struct {
	do    vault.Doer
	title string
}

// call makes a request and decodes its answer.
func (c *client) call(ctx context.Context, r vault.Request, into any) error {
	r.Purpose, r.Cost = "read a pool's statistics", 1
	answer, err := c.do.Do(ctx, r)
	if err != nil {
		return err
	}
	if answer.Status/100 != 2 {
		return c.explain(byStatus(answer.Status), "status "+strconv.Itoa(answer.Status))
	}
	if reply.Decode(answer.Body, into) != nil {
		if len(answer.Body) < 1<<10 && bytes.Contains(answer.Body, []byte("Invalid Access Profile token")) {
			return c.explain(ErrKey, "")
		}
		return c.explain(reply.ErrUnreadable, "")
	}
	return nil
}

func byStatus(status int) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ErrKey
	case status == http.StatusNotFound:
		return ErrUnknown
	case status == http.StatusTooManyRequests, status == http.StatusTeapot, status >= 500:
		return ErrBusy
	}
	return ErrRefused
}

func (c *client) explain(err error, detail string) error {
	told := &vault.Error{Store: c.title, Err: err, Detail: detail}
	switch {
	case errors.Is(err, ErrKey):
		told.Hint = "Look at the pool whether the key still exists and may be used from this address, and enter it anew with goldpan key rotate."
	case errors.Is(err, ErrBusy):
		told.Hint = "Wait a few minutes, and try again."
	case errors.Is(err, ErrUnknown):
		told.Hint = "Look whether the address, the user and the coin are right. A pool may know an address only after its first share."
	case errors.Is(err, reply.ErrUnreadable):
		told.Hint = "Try again later. If it stays so, the pool has changed its ways: look for a new version of Goldpan."
	}
	return told
}

// keep sorts workers by name, counts them, and keeps a list of bounded length.
func (s *Stats) keep(list []Worker) {
	slices.SortFunc(list, func(a, b Worker) int { return strings.Compare(string(a.Name), string(b.Name)) })
	for _, w := range list {
		if w.Online {
			s.Online++
		} else {
			s.Offline++
		}
		if w.LastShare.After(s.LastShare) {
			s.LastShare = w.LastShare
		}
	}
	s.Workers = list[:min(len(list), maxWorkers)]
}

// power reads the unit in which a pool writes hash rates, "Gh/s", "TH/s" or a letter
// alone, as a power of ten for H/s.
func power(unit string) (int, bool) {
	unit = strings.TrimSuffix(strings.ToLower(unit), "h/s")
	i := strings.Index("_kmgtpez", unit)
	if len(unit) > 1 || i < 0 || unit == "_" {
		return 0, false
	}
	return 3 * i, true
}

// Rate writes a hash rate for a person: "1.23 TH/s".
func Rate(a reply.Amount) string {
	whole, fraction, _ := strings.Cut(string(a), ".")
	if whole == "" || strings.HasPrefix(whole, "-") {
		return "unknown"
	}
	step := min((len(whole)-1)/3, 7)
	if step > 0 {
		cut := len(whole) - 3*step
		whole, fraction = whole[:cut], whole[cut:]
	}
	if fraction = fraction[:min(len(fraction), 2)]; strings.Trim(fraction, "0") != "" {
		whole += "." + fraction
	}
	return whole + " " + []string{"", "k", "M", "G", "T", "P", "E", "Z"}[step] + "H/s"
}
