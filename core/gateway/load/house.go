//go:build !js

package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"goldpan/core/gateway"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// A house is the gateway that is put to the test, with its three doors. It says on its output where they are, and
// answers each line on its input with a count.
type house struct {
	gw   *gateway.Gateway
	book book
}

// doors are where devices come in.
type doors struct {
	TCP, WS, WSS string
	Cert         []byte // DER, of WSS
}

// count is how a house stands.
type count struct {
	Devices  int
	Counted  uint64        // shares that counted
	Sent     uint64        // of them, passed on to the pool
	Accepted uint64        // by the pool
	Refused  uint64        // shares that did not count
	Snapshot time.Duration // that Gateway.Snapshot took
}

// book is the house's accounts.
type book struct{ counted, sent, accepted, refused atomic.Uint64 }

func (b *book) Joined(gateway.Device, time.Time) {}
func (b *book) Left(gateway.Device, time.Time)   {}
func (b *book) Counted(_ gateway.Device, s gateway.Share) {
	b.counted.Add(1)
	if s.Sent {
		b.sent.Add(1)
	}
}
func (b *book) Refused(gateway.Device, time.Time, int) { b.refused.Add(1) }
func (b *book) Answered(_ gateway.Device, r pow.Result) {
	if r.Status == pow.Accepted {
		b.accepted.Add(1)
	}
}

// anyone lets in whoever has the password of the test.
type anyone struct{}

func (anyone) Authorize(user, password string) (gateway.Device, error) {
	if password != "load" {
		return gateway.Device{}, errors.New("unknown device")
	}
	return gateway.Device{ID: user, Name: user}, nil
}

// keep runs a house until its input ends.
func keep(ctx context.Context, pool string, devices int, in io.Reader, out io.Writer) error {
	debug.SetGCPercent(gateway.Collector(devices))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u, err := stratum.ParseURL(pool)
	if err != nil {
		return err
	}
	var h house
	h.gw, err = gateway.New(gateway.Config{
		Pools:     []stratum.Pool{{URL: u, User: "house"}},
		Client:    stratum.Config{Backoff: func(int) time.Duration { return 50 * time.Millisecond }},
		Algorithm: hasher.SHA256d, Devices: anyone{}, Accounts: &h.book,
		MaxDevices: devices + 16,
		Payee:      gateway.Payee{Name: "nobody", Address: "practice coins, worth nothing"},
	})
	if err != nil {
		return err
	}
	var open sync.WaitGroup
	defer open.Wait()
	defer cancel()
	failed := make(chan error, 1)
	open.Go(func() { failed <- h.gw.Run(ctx) })
	at, err := h.open(ctx, &open)
	if err != nil {
		return err
	}
	say := json.NewEncoder(out)
	if err := say.Encode(at); err != nil {
		return err
	}
	for asked := bufio.NewScanner(in); asked.Scan(); {
		select {
		case err := <-failed:
			return fmt.Errorf("the gateway ended: %w", err)
		default:
		}
		if err := say.Encode(h.count()); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) count() count {
	begun := time.Now()
	devices := len(h.gw.Snapshot().Devices)
	return count{
		Devices: devices, Snapshot: time.Since(begun), Counted: h.book.counted.Load(), Sent: h.book.sent.Load(),
		Accepted: h.book.accepted.Load(), Refused: h.book.refused.Load(),
	}
}

// open listens on loopback, and serves until ctx ends.
func (h *house) open(ctx context.Context, open *sync.WaitGroup) (doors, error) {
	var at doors
	var all []net.Listener
	for range 3 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return at, err
		}
		open.Go(func() { <-ctx.Done(); _ = ln.Close() })
		all = append(all, ln)
	}
	at.TCP, at.WS, at.WSS = all[0].Addr().String(), all[1].Addr().String(), all[2].Addr().String()
	cert, err := selfSigned()
	if err != nil {
		return at, err
	}
	at.Cert = cert.Certificate[0]
	open.Go(func() {
		for {
			c, err := all[0].Accept()
			if err != nil {
				return
			}
			open.Go(func() { _ = h.gw.ServeMiner(ctx, jsonrpc.NewLineConn(c, stratum.MaxMessage)) })
		}
	})
	web := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := jsonrpc.AcceptWebSocket(w, r, stratum.MaxMessage, nil); err == nil {
				// Not here: what net/http keeps for a request would be kept for the connection's life.
				open.Go(func() { _ = h.gw.ServeLanes(ctx, c) })
			}
		}),
	}
	secure := tls.NewListener(all[2], &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	for _, ln := range []net.Listener{all[1], secure} {
		open.Go(func() { _ = web.Serve(ln) })
	}
	return at, nil
}

// selfSigned is a certificate for loopback, for as long as a test takes.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
