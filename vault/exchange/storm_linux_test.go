package exchange

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/vault"
	"goldpan/vault/exchange/fake"
	"goldpan/vault/limit"
	"goldpan/vault/vaulttest"
)

// stormSize is how many requests arrive at each exchange; make storm asks for more.
func stormSize(t *testing.T) int {
	n := 150
	if text := os.Getenv("GOLDPAN_STORM"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			t.Fatal("GOLDPAN_STORM is a number of requests")
		}
	}
	return n
}

// wire joins the Broker to a fake without a network: what is dialled, under the
// exchange's own name, is a pipe.
type wire struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { w.once.Do(func() { close(w.done) }); return nil }
func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case w.conns <- theirs:
		return ours, nil
	case <-w.done:
	case <-ctx.Done():
	}
	_ = ours.Close()
	return nil, net.ErrClosed
}

// rooted is the certificate of trusted: a process reads its roots once.
var rooted struct {
	once        sync.Once
	certificate tls.Certificate
}

// trusted gives a certificate for the exchanges' names, which this process trusts, and
// no other.
func trusted(t *testing.T) tls.Certificate {
	t.Helper()
	rooted.once.Do(func() { rooted.certificate = root(t) })
	return rooted.certificate
}

func root(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// The clock of a bubble begins in the year 2000.
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames: []string{"api.binance.com", "api.kraken.com", "api.coinbase.com", "www.okx.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "roots.pem") // read before the test ends
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", path)
	t.Setenv("SSL_CERT_DIR", t.TempDir())
	if _, err := x509.SystemCertPool(); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Requests go out by the thousand while exchanges and the network fail in every way
// that is known, the clock jumps, and the program starts anew: nobody is banned, no
// request is signed wrongly, and no secret is anywhere but in the store.
func TestStorm(t *testing.T) {
	n, certificate := stormSize(t), trusted(t)
	for name, s := range providers(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var told []string
			synctest.Test(t, func(t *testing.T) { told = storm(t, name, s, certificate, dir, n) })
			c := s.Counts()
			t.Logf("%s: %d requests, %d served, peak %.0f %% of the limit, %d late, injected %v; bans %d, impatient %d, over the limit %d, wrongly signed %d",
				name, c.Requests, c.Served, 100*c.Peak, c.Late, c.Injected, c.Bans, c.Impatient, c.Limited, c.Unsigned)
			if c.Bans+c.Impatient+c.Limited+c.Unsigned != 0 || c.Requests < n || c.Served < n/2 {
				t.Error("the exchange was not treated well")
			}
			text := strings.Join(told, "\n")
			for _, part := range []string{s.Account.Key, s.Account.Secret, s.Account.Passphrase} {
				if part == "" {
					continue
				}
				if form := vaulttest.Shown([]byte(text), part); form != "" {
					t.Errorf("an error tells a part of the key in %s", form)
				}
				if files, _ := vaulttest.Search(t, dir, "", part); files < 3 {
					t.Errorf("%d files were searched", files)
				}
			}
		})
	}
}

func storm(t *testing.T, name string, s *fake.Server, certificate tls.Certificate, dir string, n int) (told []string) {
	random := mathrand.New(mathrand.NewPCG(4711, uint64(len(name))))
	s.Plan = func(int) fake.Fault {
		s.Silence = time.Duration(1+random.IntN(300)) * time.Second
		if random.IntN(100) >= 12 {
			return fake.None
		}
		return fake.Fault(1 + random.IntN(int(fake.Faults)-1))
	}
	w, stop := served(s, certificate)
	defer stop()

	store := vault.NewMemory()
	p, _ := vault.ProviderOf(name)
	for first := true; s.Counts().Requests < n; first = false {
		// A program's life, of 60 requests or so.
		v, err := vault.Open(dir, store)
		if err != nil {
			t.Fatal(err)
		}
		if first {
			secret, err := credential(s.Account).Encode()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Add(t.Context(), vault.Entry{ID: "key", Name: "key", Kind: p.Kind, Environment: vault.Live, Provider: name, Endpoint: p.Live[0], Scheme: p.Scheme}, secret); err != nil {
				t.Fatal(err)
			}
		}
		l, err := limit.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		e, err := v.Show(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		b := vault.NewBroker(v, vault.BrokerOptions{Limits: l, Dial: w.dial})
		x, err := New(e, l.Patient(e, b.Key("key")))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for caller := range 3 {
			wg.Go(func() {
				for i := range 20 {
					var err error
					switch (i + caller) % 3 {
					case 0:
						_, err = x.Balances(t.Context())
					case 1:
						_, err = x.Permissions(t.Context())
					default:
						_, err = x.DepositAddress(t.Context(), "BTC", "")
					}
					var held *limit.Held
					if err == nil {
						continue
					}
					mu.Lock()
					told = append(told, err.Error()+" "+vault.Hint(err))
					mu.Unlock()
					// Two callers obey, and one asks again at once.
					if errors.As(err, &held) && caller > 0 {
						time.Sleep(time.Until(held.Until))
					}
				}
			})
		}
		wg.Wait()
		b.Close()
	}
	return told
}

// served plays an exchange on a wire.
func served(s *fake.Server, certificate tls.Certificate) (w *wire, stop func()) {
	w = &wire{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0), TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}, ReadHeaderTimeout: time.Hour}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.ServeTLS(w, "", "") }()
	return w, func() { _ = server.Close(); <-ended }
}

// The fakes ban who asks too often and goes on when told to stop: the storm that finds
// no ban has looked for one. Here nothing keeps to a limit.
func TestFakesBan(t *testing.T) {
	certificate := trusted(t)
	for name, s := range providers(t) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			w, stop := served(s, certificate)
			defer stop()
			v, err := vault.Open(dir, vault.NewMemory())
			if err != nil {
				t.Fatal(err)
			}
			b := vault.NewBroker(v, vault.BrokerOptions{Dial: w.dial})
			defer b.Close()
			// A key that is kept: its nonces grow even where the clock stands still.
			p, _ := vault.ProviderOf(name)
			secret, err := credential(s.Account).Encode()
			if err != nil {
				t.Fatal(err)
			}
			e, err := v.Add(t.Context(), vault.Entry{ID: "key", Name: "key", Kind: p.Kind, Environment: vault.Live, Provider: name, Endpoint: p.Live[0], Scheme: p.Scheme}, secret)
			if err != nil {
				t.Fatal(err)
			}
			x, err := New(e, b.Key("key"))
			if err != nil {
				t.Fatal(err)
			}
			for range 400 {
				if s.Counts().Bans > 0 {
					break
				}
				_, _ = x.Balances(t.Context())
			}
		})
		if c := s.Counts(); c.Limited == 0 || c.Impatient == 0 || c.Bans == 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
