//go:build !js

package stratum

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// encrypted serves a pool under a certificate that nobody vouches for, over both transports, and returns their
// addresses and the certificate's pin.
func encrypted(t *testing.T, srv *Server) (addresses map[string]string, pin string) {
	ctx, cancel := context.WithCancel(context.Background())
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := jsonrpc.AcceptWebSocket(w, r, MaxMessage, nil)
		if err == nil {
			_ = srv.ServeConn(ctx, c)
		}
	}))
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // of refused handshakes
	web.StartTLS()
	ln := tls.NewListener(listen(t), &tls.Config{Certificates: web.TLS.Certificates})
	served := make(chan error)
	go func() { served <- srv.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		web.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return map[string]string{
		"stratum+tls": "stratum+tls://" + ln.Addr().String(),
		"wss":         strings.Replace(web.URL, "https", "wss", 1) + "/stratum",
	}, jsonrpc.PinOf(web.Certificate()).String()
}

// A pool that nobody vouches for is refused, with what a person needs to decide; once its key is pinned, or trusted,
// it is mined at.
func TestMineEncrypted(t *testing.T) {
	addresses, pin := encrypted(t, NewServer(newPool(t), Options{}))
	for scheme, address := range addresses {
		t.Run(scheme, func(t *testing.T) {
			_, in, _ := start(t, address, "panner")
			s := in.awaitDown(t)
			var refused *jsonrpc.CertificateError
			if !errors.As(s.Err, &refused) || !refused.MayTrust() || refused.Fingerprint != pin || s.Retry == 0 {
				t.Errorf("got %+v", s)
			}
			if s.Reason != reason(jsonrpc.ErrCertificate) {
				t.Errorf("the reason is %q", s.Reason)
			}

			c, in, _ := start(t, address+"?pin="+pin, "panner")
			accepted(t, c, in)

			u, err := ParseURL(address)
			if err != nil {
				t.Fatal(err)
			}
			in = newInbox()
			c = NewClient(Config{
				URL: u, User: "panner", Algorithm: hasher.SHA256d, Handler: in,
				Dialer: &jsonrpc.Dialer{Trust: func(host string, leaf *x509.Certificate, why error) error {
					if host != u.Host() || jsonrpc.PinOf(leaf).String() != pin {
						return why
					}
					return nil
				}},
			})
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() {
				defer close(done)
				if err := c.Run(ctx); err != nil {
					t.Error(err)
				}
			}()
			defer func() { cancel(); <-done }()
			accepted(t, c, in)
		})
	}
}

// accepted mines one share.
func accepted(t *testing.T, c *Client, in *inbox) {
	t.Helper()
	results := make(chan pow.Result, 1)
	c.Submit(mine(t, await(t, in.jobs), 0), func(r pow.Result) { results <- r })
	if r := await(t, results); r.Status != pow.Accepted {
		t.Errorf("got %+v", r)
	}
}
