package template

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Errors of a node. Those of the connection are jsonrpc's.
var (
	// ErrAddress: the URL is not one of a node.
	ErrAddress = errors.New("not the address of a node")
	// ErrClearText: the password would be readable on its way.
	ErrClearText = errors.New("a password goes to another machine over https alone")
	// ErrLogin: the node does not accept the user or the password.
	ErrLogin = errors.New("the node refuses this user or password")
	// ErrNoLogin: there is no user and password to send, as when the node has not
	// written its cookie yet.
	ErrNoLogin = errors.New("no password for the node")
	// ErrForbidden: the node does not serve this machine.
	ErrForbidden = errors.New("the node does not serve this machine")
	// ErrBusy: the node has too much to do, or is still starting.
	ErrBusy = errors.New("the node is not ready")
	// ErrSyncing: the node does not have the whole chain yet.
	ErrSyncing = errors.New("the node is still catching up with the chain")
	// ErrNoPeers: the node knows no other node.
	ErrNoPeers = errors.New("the node is connected to no other node")
	// ErrProtocol: what answers is no node, or none that gives templates.
	ErrProtocol = errors.New("this is not a node that gives block templates")
	// ErrChain: the node is of another coin or network.
	ErrChain = errors.New("the node is of another coin or network")
)

// refusal is what a node answers instead of a result.
type refusal struct {
	Code  int
	Quote string // the node's words, as plain text and bounded
}

func (r *refusal) Error() string { return fmt.Sprintf("the node answered with error %d", r.Code) }

// Error codes of Bitcoin Core's src/rpc/protocol.h, which its descendants share.
const (
	codeNotConnected   = -9
	codeInitialSync    = -10
	codeDecoding       = -22
	codeWarmingUp      = -28
	codeMethodNotFound = -32601
)

func (r *refusal) Unwrap() error {
	switch r.Code {
	case codeNotConnected:
		return ErrNoPeers
	case codeInitialSync:
		return ErrSyncing
	case codeWarmingUp:
		return ErrBusy
	case codeMethodNotFound:
		return ErrProtocol
	}
	return nil
}

// Login gives a user and a password, each time a node is to be asked: a node that
// writes them into a file writes new ones whenever it starts.
type Login func() (user, password string, err error)

// node asks one node. It may be used by several at once.
type node struct {
	url    string
	http   *http.Client
	login  Login // nil: none
	agent  string
	number atomic.Uint64
}

// newNode checks u and makes nothing but preparations. Its query may pin the
// certificate's key: ?pin=sha256:….
func newNode(u *url.URL, login Login, dialer *jsonrpc.Dialer, agent string) (*node, error) {
	if u == nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "" {
		return nil, fmt.Errorf("%w: write it as http://127.0.0.1:PORT or https://HOST:PORT", ErrAddress)
	}
	if u.User != nil {
		return nil, fmt.Errorf("%w: a user and a password do not belong in it", ErrAddress)
	}
	pins := u.Query()["pin"]
	for _, pin := range pins {
		if _, err := jsonrpc.ParsePin(pin); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAddress, err)
		}
	}
	transport := &http.Transport{
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // a bound on what is sent is then one on what it becomes
		DisableKeepAlives:      true, // a node is asked seldom, and what it said meanwhile would be logged
	}
	var d jsonrpc.Dialer
	if dialer != nil {
		d = *dialer
	}
	local := isLoopback(u.Hostname())
	if local {
		d.Proxy = jsonrpc.Proxy{}
	}
	switch u.Scheme {
	case "https":
		address := url.URL{Scheme: "tls", Host: u.Host, RawQuery: url.Values{"pin": pins}.Encode()}
		transport.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := d.Open(ctx, address.String())
			if err != nil {
				return nil, err
			}
			return jsonrpc.AnswersOnly(c), nil
		}
	case "http":
		switch {
		case len(pins) > 0:
			return nil, fmt.Errorf("%w: a pin needs https", ErrAddress)
		case !local && login != nil:
			return nil, ErrClearText
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := d.Open(ctx, "tcp://"+u.Host)
			if err != nil {
				return nil, err
			}
			// A name is what somebody else says that it is: see where it leads.
			if local && !leadsHere(c.RemoteAddr()) {
				c.Close()
				return nil, ErrClearText
			}
			return jsonrpc.AnswersOnly(c), nil
		}
	default:
		return nil, fmt.Errorf("%w: it begins with http:// or https://", ErrAddress)
	}
	at := *u
	at.RawQuery, at.Fragment = "", ""
	return &node{
		url:   at.String(),
		login: login,
		agent: agent,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// leadsHere tells whether a connection has not left this machine.
func leadsHere(a net.Addr) bool {
	at, err := netip.ParseAddrPort(a.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// close lets go of the connections that are kept.
func (n *node) close() { n.http.CloseIdleConnections() }

// call asks for one method and puts what the node answers, at most limit bytes in
// all, into result. It is bounded by ctx alone.
func (n *node) call(ctx context.Context, limit int64, result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	id := n.number.Add(1)
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": id, "method": method, "params": params})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: it cannot be read", ErrAddress)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", n.agent)
	if n.login != nil {
		user, password, err := n.login()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoLogin, err)
		}
		request.SetBasicAuth(user, password)
	}
	response, err := n.http.Do(request)
	if err != nil {
		return transportError(ctx, err)
	}
	defer response.Body.Close()
	switch s := response.StatusCode; {
	case s == http.StatusUnauthorized:
		return ErrLogin
	case s == http.StatusForbidden:
		return ErrForbidden
	case s == http.StatusServiceUnavailable || s == http.StatusTooManyRequests:
		return ErrBusy
	case s >= 300 && s < 400:
		return fmt.Errorf("%w: it sends elsewhere", ErrProtocol)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case int64(len(text)) > limit:
		return jsonrpc.ErrTooLong
	case err != nil:
		return transportError(ctx, err)
	}
	return read(text, id, result)
}

// read takes a node's answer to question id apart.
func read(text []byte, id uint64, result any) error {
	var answer struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
		ID *uint64
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%w: its answer cannot be read", ErrProtocol)
	}
	switch {
	case answer.Error != nil:
		return &refusal{Code: answer.Error.Code, Quote: pow.Plain(answer.Error.Message, maxQuote)}
	case answer.ID == nil || *answer.ID != id:
		return fmt.Errorf("%w: its answer is to another question", ErrProtocol)
	case len(answer.Result) == 0:
		return fmt.Errorf("%w: its answer holds no result", ErrProtocol)
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		if errors.Is(err, ErrTemplate) {
			return err
		}
		return fmt.Errorf("%w: its answer has another form than it should", ErrProtocol)
	}
	return nil
}

// transportError says in our own words why no answer came.
func transportError(ctx context.Context, err error) error {
	var (
		refused   *jsonrpc.CertificateError
		operation *net.OpError
		timeout   net.Error
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(err, ErrClearText):
		return ErrClearText
	case errors.As(err, &refused):
		return refused
	}
	for _, known := range []error{jsonrpc.ErrProxy, jsonrpc.ErrUnreachable, jsonrpc.ErrTLS, jsonrpc.ErrNoHost, jsonrpc.ErrRefused, jsonrpc.ErrTimeout} {
		if errors.Is(err, known) {
			return known
		}
	}
	switch {
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return jsonrpc.ErrTimeout
	case errors.As(err, &operation) && operation.Op == "dial":
		return jsonrpc.ErrRefused
	}
	return errBroken
}

// errBroken: the connection ended in the middle of an answer.
var errBroken = errors.New("the connection to the node broke")

// maxQuote is how much of a node's words is kept, in characters.
const maxQuote = 120
