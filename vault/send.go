//go:build !js

package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// send signs a request and sends it. Its errors are in words of our own: those
// of net/http repeat addresses, and a key may stand in one.
func (b *Broker) send(ctx context.Context, e Entry, c Credential, r Request, o *Outgoing) (Response, error) {
	use := Use{Provider: e.Provider, Environment: e.Environment, Key: e.ID, Host: o.Host, Method: o.Method, Path: o.Path, Cost: r.Cost}
	if use.Cost == 0 {
		use.Cost = 1
	}
	if b.o.Limits != nil {
		if err := b.o.Limits.Wait(ctx, use); err != nil {
			return Response{}, fmt.Errorf("%w: %w", ErrUnsent, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	// After the wait: a signature holds for seconds.
	o.Time = b.v.now().Add(r.Lead)
	signed := c
	plain := o.Header.Clone()
	switch e.Scheme {
	case "": // public data
	case SchemeOAuth:
		access, err := b.accessToken(ctx, e, c)
		if err != nil {
			return Response{}, err
		}
		defer access.Wipe()
		signed = Credential{Key: c.Key, Secret: access, Passphrase: c.Passphrase}
		o.Header.Set("Authorization", "Bearer "+string(access.Expose()))
	default:
		signer, ok := signerOf(e.Scheme)
		if !ok {
			return Response{}, refuse("signing in this way")
		}
		err := signer.Sign(c, o)
		if err == nil && !o.plainHeaders() {
			err = ErrCredential
		}
		if err != nil {
			return Response{}, &Error{Store: vaultName, Detail: "it could not sign", Hint: "Enter the key anew with goldpan key rotate.", Err: err}
		}
	}
	response, err := b.exchange(ctx, e, o)
	if err != nil {
		return Response{}, err
	}
	hide := func(b []byte) []byte { return c.mask(signed.mask(maskHeaders(b, o.Header, plain))) }
	response.Body = hide(response.Body)
	for _, values := range response.Header {
		for i, value := range values {
			if hidden := string(hide([]byte(value))); hidden != value {
				values[i] = redacted
			} else {
				values[i] = clip(value, 200)
			}
		}
	}
	if b.o.Limits != nil {
		b.o.Limits.Saw(use, response.Status, response.Header)
	}
	if e.Scheme == SchemeOAuth && response.Status == http.StatusUnauthorized {
		b.forgetToken(e.ID)
	}
	return response, nil
}

// maskHeaders hides from a reply what the signer put into the headers: a token
// made for one request can be used by another until it ends.
func maskHeaders(b []byte, signed, plain http.Header) []byte {
	for name, values := range signed {
		if _, ours := plain[name]; ours || name == "User-Agent" || name == "Content-Type" {
			continue
		}
		for _, value := range values {
			value = strings.TrimPrefix(value, "Bearer ")
			if len(value) >= minMasked {
				b = bytes.ReplaceAll(b, []byte(value), []byte(redacted))
			}
		}
	}
	return b
}

// exchange sends what is signed and reads the answer.
func (b *Broker) exchange(ctx context.Context, e Entry, o *Outgoing) (Response, error) {
	transport, err := b.transport(e)
	if err != nil {
		return Response{}, err
	}
	address := o.Scheme + "://" + o.Host + o.Path
	if o.Query != "" {
		address += "?" + o.Query
	}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	request, err := http.NewRequestWithContext(ctx, o.Method, address, bytes.NewReader(o.Body))
	if err != nil {
		return Response{}, refuse("an address like this")
	}
	request.Header = o.Header
	request.Header.Set("User-Agent", "goldpan")
	// A request that may change something is not sent twice by the transport.
	request.GetBody = nil
	reply, err := transport.RoundTrip(request) // a Client would follow redirects, keep cookies and take a proxy
	if err != nil {
		return Response{}, explainSend(ctx, o.Host, sent.Load(), err)
	}
	defer reply.Body.Close()
	if reply.StatusCode < 200 {
		// 101: what follows is no answer, may never end, and does not end with ctx.
		return Response{}, &Error{Store: o.Host, Detail: "it does not speak as such an address does", Err: ErrUnanswered}
	}
	if reply.StatusCode >= 300 && reply.StatusCode < 400 {
		return Response{}, &Error{Store: o.Host, Detail: "it points to another address, and a key does not follow", Hint: "Look on the provider's own pages whether its address has changed.", Err: ErrRedirect}
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, MaxReply+1))
	if err != nil {
		return Response{}, explainSend(ctx, o.Host, true, err)
	}
	if len(body) > MaxReply {
		return Response{}, &Error{Store: o.Host, Detail: fmt.Sprintf("its answer is longer than %d bytes", MaxReply), Err: ErrUnanswered}
	}
	header := make(http.Header)
	for name, values := range reply.Header {
		if toldHeader(name) && len(values) <= 8 {
			for _, value := range values {
				header.Add(name, value)
			}
		}
	}
	return Response{Status: reply.StatusCode, Header: header, Body: body}, nil
}

// toldHeader says which of a reply's headers a caller sees.
func toldHeader(name string) bool {
	switch name {
	case "Content-Type", "Date", "Retry-After", "Cb-After", "Cb-Before":
		return true
	}
	for _, prefix := range []string{"X-Ratelimit-", "Ratelimit", "X-Mbx-", "X-Sapi-Used-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

var errPin = errors.New("another key than the pinned one")

// explainSend says what went wrong without repeating the system's words, which
// hold the address.
func explainSend(ctx context.Context, host string, sent bool, err error) error {
	kind := ErrUnsent
	if sent {
		kind = ErrUnanswered
	}
	told := &Error{Store: host, Err: kind, Hint: "Look at your connection, and try again."}
	var unknown *tls.CertificateVerificationError
	var name *net.DNSError
	switch {
	case errors.Is(err, errPin):
		told.Err, told.Detail = ErrUnsent, "its certificate holds another key than the pinned one"
		told.Hint = "If the provider announced a new key, enter its pin; otherwise somebody may be in between: do not use this connection."
	case errors.As(err, &unknown):
		told.Err, told.Detail = ErrUnsent, "its certificate is not trusted"
		told.Hint = "Somebody may be in between: try from another network. Also look whether this computer's clock is right."
	case ctx.Err() != nil:
		told.Detail = "it took too long"
		told.Err = fmt.Errorf("%w: %w", kind, ctx.Err())
	case errors.As(err, &name):
		told.Detail = "its name was not found"
	case sent:
		told.Detail = "the connection broke before the answer was complete"
	default:
		told.Detail = "it cannot be reached"
	}
	return told
}

// transport gives the connections to an entry's endpoint.
func (b *Broker) transport(e Entry) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: b.o.roots}
	if e.Pin != "" {
		pin, err := parsePin(e.Pin)
		if err != nil {
			return nil, refuse("a pin like this")
		}
		config.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo) != pin {
				return errPin
			}
			return nil
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name := e.Endpoint + " " + e.Pin
	if t, ok := b.transports[name]; ok {
		return t, nil
	}
	t := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true, DialContext: b.dial,
		TLSHandshakeTimeout: 15 * time.Second, IdleConnTimeout: time.Minute, MaxIdleConns: 4, MaxConnsPerHost: 8,
		MaxResponseHeaderBytes: 64 << 10,
	}
	b.transports[name] = t
	return t, nil
}

func (b *Broker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if b.o.Dial != nil && !loopback(host) {
		return b.o.Dial(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}
