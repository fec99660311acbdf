package stratum

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"goldpan/core/pow"
)

// maxWait is how long a pool may ask us to stay away.
const maxWait = time.Minute

// errMoved ends a connection at the pool's wish.
var errMoved = errors.New("pool asks for a new connection")

// moveError is an errMoved with where to and after how long.
type moveError struct {
	to   URL // zero: where we came from
	wait time.Duration
}

func (e *moveError) Error() string { return errMoved.Error() }
func (e *moveError) Unwrap() error { return errMoved }

// reconnect follows the pool to another of its servers, by ending the connection with a moveError. It refuses to be
// led anywhere else, says so once, and keeps the connection.
func (l *link) reconnect(m *message) error {
	move, err := parseReconnect(m.params, l.at)
	if err == nil {
		return move
	}
	l.answer(m, message{result: json.RawMessage(null), err: &Rejection{Code: CodeOther, Reason: "not to that address"}})
	if !l.warned {
		l.warned = true
		s := pow.State{Phase: pow.Connecting, Pool: l.cfg.URL.String(), Reason: reason(err), Err: err}
		if l.current != nil {
			s.Phase, s.Difficulty = pow.Mining, l.shown
		}
		l.cfg.Handler.State(s)
	}
	return nil
}

// parseReconnect reads the params of reconnect: host, port and seconds to wait, each of which may be missing. It
// returns a *moveError. What leads from the address at to somebody else, or into the clear, is ErrRedirect.
func parseReconnect(params json.RawMessage, at URL) (*moveError, error) {
	args, err := parseList(params, maxParams)
	if err != nil {
		return nil, fmt.Errorf("%w: params not understood", ErrRedirect)
	}
	arg := func(i int) json.RawMessage {
		if i < len(args) && !isNull(args[i]) && string(args[i]) != `""` {
			return args[i]
		}
		return nil
	}
	move := &moveError{wait: parseWait(arg(2))}
	if arg(0) == nil && arg(1) == nil {
		return move, nil
	}
	host, port, err := net.SplitHostPort(at.host)
	if err != nil {
		return nil, fmt.Errorf("%w: no address of our own", ErrRedirect)
	}
	scheme := at.scheme
	if raw := arg(0); raw != nil {
		if host, err = parseString(raw, MaxName); err != nil {
			return nil, fmt.Errorf("%w: host not understood", ErrRedirect)
		}
		if s, rest, ok := strings.Cut(host, "://"); ok {
			scheme, host = s, rest
		}
	}
	if raw := arg(1); raw != nil {
		n, err := parseInt(raw, 1, 1<<16-1)
		if err != nil {
			return nil, fmt.Errorf("%w: port not understood", ErrRedirect)
		}
		port = strconv.Itoa(n)
	}
	if strings.ContainsAny(host, "/?#@") {
		return nil, fmt.Errorf("%w: host not understood", ErrRedirect)
	}
	to, err := ParseURL(scheme + "://" + net.JoinHostPort(strings.Trim(host, "[]"), port) + at.path)
	if err != nil {
		return nil, fmt.Errorf("%w: host not understood", ErrRedirect)
	}
	switch {
	case at.TLS() && !to.TLS():
		return nil, fmt.Errorf("%w: it would end the encryption", ErrRedirect)
	case at.webSocket() != to.webSocket():
		return nil, fmt.Errorf("%w: another kind of connection", ErrRedirect)
	case !sameOwner(at.hostname(), to.hostname()):
		return nil, fmt.Errorf("%w: another owner's name or another address", ErrRedirect)
	}
	if to.TLS() {
		to.pins = at.pins
	}
	if to != at {
		move.to = to
	}
	return move, nil
}

// parseWait reads seconds, and makes the best of what is none.
func parseWait(raw json.RawMessage) time.Duration {
	f, err := parseNumber(raw)
	if err != nil || !(f > 0) {
		return 0
	}
	return time.Duration(min(f, maxWait.Seconds()) * float64(time.Second))
}

// hostname is the host without its port.
func (u URL) hostname() string {
	host, _, err := net.SplitHostPort(u.host)
	if err != nil {
		return ""
	}
	return host
}

// sameOwner reports whether two names belong to one registrable domain, or are the same name or IP address.
func sameOwner(a, b string) bool {
	if a == b {
		return a != ""
	}
	// An IP address belongs to nobody that its text would tell.
	ipA, errA := netip.ParseAddr(a)
	ipB, errB := netip.ParseAddr(b)
	if errA == nil || errB == nil {
		return errA == nil && errB == nil && ipA.Unmap() == ipB.Unmap()
	}
	return sameDomain(a, b)
}
