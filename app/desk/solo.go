package desk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/engine"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/template"
)

// SoloOptions say on which node to mine, for whom, and who hears of it.
type SoloOptions struct {
	Coin    string // a coin's id
	Network string // "main", "test" or "regtest"; "" is main
	Payout  string // the person's own address on that network
	Node    string // the node's address, http:// or https://

	// How the node is told who asks: a user and a password, or the file that the
	// node writes both into when it starts, or nothing.
	User, Password string
	CookieFile     string
	// CertificateFile holds certificates in PEM that the node's may be signed by,
	// or the node's own; "" for the system's.
	CertificateFile string
	Proxy           string // socks5:// or http://, for a node on another machine; "" for none

	Threads int          // lanes; 0: one for each processor
	Rules   engine.Rules // may let fewer of them work
	Log     *Log         // nil for none

	// What follows may be nil. They are called from several goroutines and must
	// not block.
	Shares func(Share)
	Block  func(SoloBlock)
	Notice func(core.Notice)
}

// SoloBlock is a block that was found here and that the node has taken.
type SoloBlock = template.Block

// Solo is mining on the person's own node.
type Solo struct {
	params  *coin.Params
	session *core.Session
	client  *template.Client
	log     *slog.Logger
	threads atomic.Int64 // at most; 0 for all lanes
}

// Errors of solo mining.
var (
	// ErrCertificateFile: it cannot be read, or holds no certificate.
	ErrCertificateFile = errors.New("no certificate could be read from that file")
	// ErrCookie: the node's cookie cannot be read.
	ErrCookie = errors.New("the node's cookie could not be read")
	// ErrNoSolo: the practice network has no node.
	ErrNoSolo = errors.New("solo mining is for a coin's own networks")
)

// Bounds of the files that are read here, in bytes.
const (
	maxCookie       = 4 << 10
	maxCertificates = 1 << 20
)

// NewSolo prepares solo mining; Run starts it, and asks nobody but the node.
func NewSolo(o SoloOptions) (*Solo, error) {
	chosen, err := coin.ByID(o.Coin)
	if err != nil {
		return nil, err
	}
	network := coin.Network(o.Network)
	switch network {
	case "":
		network = coin.Main
	case coin.Practice:
		return nil, ErrNoSolo
	}
	s := &Solo{log: slog.New(slog.DiscardHandler)}
	if o.Log != nil {
		s.log = o.Log.Logger
		o.Log.Hide(o.Password)
	}
	if s.params, err = chosen.Params(network); err != nil {
		return nil, err
	}
	c := template.Config{User: o.User, Password: o.Password, Coin: s.params, Payout: o.Payout, Agent: core.Agent}
	if c.Node, err = url.Parse(o.Node); err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", template.ErrAddress)
	}
	if o.CookieFile != "" {
		c.Login = func() (user, password string, err error) { return readCookie(o.CookieFile) }
	}
	c.Dialer = new(jsonrpc.Dialer)
	if o.CertificateFile != "" {
		if c.Dialer.Roots, err = readCertificates(o.CertificateFile); err != nil {
			return nil, err
		}
	}
	if c.Dialer.Proxy, err = jsonrpc.ParseProxy(o.Proxy); err != nil {
		return nil, err
	}
	c.Block = func(b template.Block) {
		s.log.Info("block found", "height", b.Height, "hash", b.Hash, "reward", b.Reward)
		if o.Block != nil {
			o.Block(b)
		}
	}
	if o.Threads == 0 { // with room for a later wish for all of the machine
		o.Threads = max(runtime.NumCPU(), o.Rules.Threads)
	}
	s.threads.Store(int64(o.Rules.Threads))
	s.session, err = core.NewSession(core.Config{
		Source: func(h pow.Handler) (pow.Source, error) {
			c.Handler = h
			var err error
			s.client, err = template.New(c)
			return s.client, err
		},
		Algorithm: s.params.Algorithm,
		Lanes:     o.Threads,
		Rules:     o.Rules,
		Machine:   sensors(),
		Shares: func(r pow.Result) {
			if r.Status != pow.Accepted {
				s.log.Warn("block "+r.Status.String(), "code", r.Code, "reason", r.Reason)
			}
			if o.Shares != nil {
				o.Shares(r)
			}
		},
		Notice: o.Notice,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// readCookie reads the user and the password that a node writes into a file.
func readCookie(file string) (user, password string, err error) {
	b, err := readSome(file, maxCookie)
	if err != nil {
		return "", "", ErrCookie
	}
	user, password, ok := strings.Cut(strings.TrimRight(string(b), "\r\n"), ":")
	if !ok || user == "" || password == "" || strings.ContainsAny(password, "\r\n") {
		return "", "", ErrCookie
	}
	return user, password, nil
}

func readCertificates(file string) (*x509.CertPool, error) {
	b, err := readSome(file, maxCertificates)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificateFile, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, ErrCertificateFile
	}
	return pool, nil
}

// readSome reads a file that is to be short.
func readSome(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = errors.New("the file is too long")
	}
	return b, err
}

// Run mines until ctx ends, which is no error. It ends with an error where trying
// again is of no use.
func (s *Solo) Run(ctx context.Context) error {
	s.log.Info("solo mining begins", "version", core.Version, "coin", s.params.Coin.ID, "network", s.params.Network, "node", s.client.Address())
	err := s.session.Run(ctx)
	v := s.session.Snapshot()
	s.log.Info("solo mining ends", "blocks", s.client.Status().Blocks, "uptime", v.Uptime.Round(time.Second))
	return err
}

// SoloSnapshot is all that a screen shows of solo mining.
type SoloSnapshot struct {
	core.Snapshot
	Coin    coin.Coin
	Network coin.Network
	template.Status
	// Expected is how long a block takes on average at the present rate; 0 while
	// that is not known, and at most some 290 years, which is all a Duration holds.
	Expected time.Duration
	Odds     string // the chance of a block in plain words; "" while it is not known
}

// Worthless tells whether the coins that are mined are worth nothing.
func (s SoloSnapshot) Worthless() bool { return s.Network != coin.Main }

// Snapshot returns the mining as it is now.
func (s *Solo) Snapshot() SoloSnapshot {
	v := SoloSnapshot{Snapshot: s.session.Snapshot(), Coin: s.params.Coin, Network: s.params.Network, Status: s.client.Status()}
	v.Pool = s.client.Address()
	if n := int(s.threads.Load()); n > 0 {
		v.Lanes = min(v.Lanes, n)
	}
	if v.Hashrate > 0 && v.Status.Hashes > 0 {
		seconds := v.Status.Hashes / v.Hashrate
		v.Expected = time.Duration(min(seconds*float64(time.Second), math.MaxInt64/2))
		v.Odds = odds(seconds)
	}
	return v
}

// SetPaused lets the lanes rest, for a reason in words, until it is called with
// nothing.
func (s *Solo) SetPaused(why string) { s.session.SetPaused(why) }

// SetRules changes how much of the machine is used.
func (s *Solo) SetRules(r engine.Rules) error {
	err := s.session.SetRules(r)
	if err == nil {
		s.threads.Store(int64(r.Threads))
	}
	return err
}

// odds says in plain words what to expect when a block takes so many seconds on
// average.
func odds(seconds float64) string {
	const day = 24 * 60 * 60
	// Each hash has the same chance, so the time to a block has no memory.
	chance := -math.Expm1(-day / seconds)
	if chance > 0.99 {
		return fmt.Sprintf("A block takes %s on average.", span(seconds))
	}
	if chance > 0.05 {
		return fmt.Sprintf("A block takes %s on average. The chance to find one within a day is %.0f%%.", span(seconds), 100*chance)
	}
	return fmt.Sprintf("A block takes %s on average. The chance to find one within a day is 1 in %s.", span(seconds), count(1/chance))
}

// span writes a length of time for people.
func span(seconds float64) string {
	for _, u := range []struct {
		seconds float64
		name    string
	}{{365.25 * 24 * 3600, "year"}, {24 * 3600, "day"}, {3600, "hour"}, {60, "minute"}} {
		switch n := seconds / u.seconds; {
		case n >= 1.5:
			return count(n) + " " + u.name + "s"
		case n >= 0.95:
			return "one " + u.name
		}
	}
	if seconds < 1.5 {
		return "about a second"
	}
	return count(seconds) + " seconds"
}

// count writes a number with two digits that mean something.
func count(n float64) string {
	unit, word := 1.0, ""
	for _, u := range []struct {
		value float64
		word  string
	}{{1e12, " trillion"}, {1e9, " billion"}, {1e6, " million"}, {1e3, " thousand"}} {
		if n >= u.value {
			unit, word = u.value, u.word
			break
		}
	}
	n /= unit
	if n >= 1000 {
		return fmt.Sprintf("%.2g%s", n, word)
	}
	if n < 10 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + word
	}
	return fmt.Sprintf("%.0f%s", n, word)
}

// SoloRecord tells how solo mining stands.
func SoloRecord(s SoloSnapshot) Record {
	r := StatusRecord(s.Snapshot)
	r["coin"], r["network"], r["height"], r["transactions"], r["reward"] = s.Coin.ID, s.Network, s.Height, s.Transactions, s.Reward.String()
	r["blocks"], r["expected_s"] = s.Blocks, s.Expected.Seconds()
	return r
}

// SoloBlockRecord tells of a block that the node has taken.
func SoloBlockRecord(b SoloBlock) Record {
	return Record{"type": "block", "height": b.Height, "hash": b.Hash.String(), "reward": b.Reward.String()}
}
