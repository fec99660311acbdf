package home

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// lookEvery is how often a certificate's files are looked at, at most.
const lookEvery = 10 * time.Second

// certificate is a pair of files that a program like certbot renews while the gateway runs. One that cannot be used does
// not take the place of the one in use.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  [2]fileStamp
	looked time.Time
	told   func(error) // of a pair that cannot be used; may be nil
}

type fileStamp struct {
	at   time.Time
	size int64
}

func newCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: time.Now}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// config is for listeners.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, // a WebSocket begins in it
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current(), nil
		},
	}
}

// current is the pair in use, after a look at the files if the last was long ago.
func (c *certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookEvery || now.Before(c.looked) {
		c.looked = now
		if c.stamps() != c.stamp {
			_ = c.try() // told, and the one in use stays
		}
	}
	return c.pair
}

// doubt says why browsers and miners will refuse the certificate that is in use, and what to do; "" if nothing is known against
// it. host is the public page's, or "" where none is asked for. Who vouches for it is not looked at: a household may do that
// itself.
func (c *certificate) doubt(host string) string {
	leaf, now := c.current().Leaf, c.now()
	switch {
	case now.After(leaf.NotAfter):
		return "The certificate ended on " + leaf.NotAfter.UTC().Format(time.DateOnly) + ": devices will refuse it. Renew it; the new one is taken up by itself."
	case now.Before(leaf.NotBefore):
		return "The certificate begins on " + leaf.NotBefore.UTC().Format(time.DateOnly) + " only: devices will refuse it until then. Check this machine's date and time."
	case host != "" && leaf.VerifyHostname(host) != nil:
		return "The certificate is not made for " + host + ", the host of --public-url: browsers will refuse it. Give the certificate of that name, or the URL of that certificate."
	}
	return ""
}

// reload reads the files at once.
func (c *certificate) reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.try()
}

// try is called with the lock.
func (c *certificate) try() error {
	err := c.load()
	if err != nil && c.told != nil {
		c.told(err)
	}
	return err
}

func (c *certificate) load() error {
	stamp := c.stamps() // before they are read: a change in between is seen at the next look
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	c.stamp = stamp
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return fmt.Errorf("%w: %w", ErrCertificate, err)
		}
	}
	c.pair = &pair
	return nil
}

func (c *certificate) stamps() (all [2]fileStamp) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			all[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return all
}
