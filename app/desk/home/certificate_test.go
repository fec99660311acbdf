package home

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate for this machine, and returns the roots that trust it.
func certify(t *testing.T, dir string, number int64) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "home"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"home.test", "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &made, &made, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	return certFile, keyFile, roots
}

func TestRenewedCertificate(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, _ := certify(t, dir, 1)
	c, err := newCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	var told []error
	c.told = func(err error) { told = append(told, err) }
	serial := func() int64 { return c.current().Leaf.SerialNumber.Int64() }
	if got := serial(); got != 1 {
		t.Fatalf("certificate %d", got)
	}
	older := time.Now().Add(-time.Minute) // file times may be coarse
	if err := os.Chtimes(certFile, older, older); err != nil {
		t.Fatal(err)
	}
	c.stamp = c.stamps()
	certify(t, dir, 2)
	if got := serial(); got != 1 {
		t.Errorf("looked again at once: certificate %d", got)
	}
	now = now.Add(lookEvery)
	if got := serial(); got != 2 {
		t.Errorf("renewed, but certificate %d", got)
	}
	if err := os.WriteFile(certFile, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery)
	if got := serial(); got != 2 || len(told) != 1 || !errors.Is(told[0], ErrCertificate) {
		t.Errorf("a broken one: certificate %d, told %v", got, told)
	}
	now = now.Add(lookEvery)
	if serial(); len(told) != 1 {
		t.Errorf("told again: %v", told)
	}
	certify(t, dir, 3)
	if err := c.reload(); err != nil || serial() != 3 {
		t.Errorf("asked to: %v, certificate %d", err, serial())
	}
	if _, err := newCertificate(certFile, filepath.Join(dir, "none")); !errors.Is(err, ErrCertificate) {
		t.Errorf("no key: %v", err)
	}
}

// TestDoubtedCertificate: what browsers and miners will surely refuse is told beforehand.
func TestDoubtedCertificate(t *testing.T) {
	certFile, keyFile, _ := certify(t, t.TempDir(), 1)
	c, err := newCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, test := range []struct {
		host string
		at   time.Duration
		want string
	}{
		{"home.test", 0, ""}, {"", 0, ""}, {"other.test", 0, "not made for other.test"},
		{"home.test", 2 * time.Hour, "ended on"}, {"", 2 * time.Hour, "ended on"}, {"home.test", -2 * time.Hour, "date and time"},
	} {
		c.now = func() time.Time { return now.Add(test.at) }
		if got := c.doubt(test.host); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%q after %v: %q", test.host, test.at, got)
		}
	}
}
