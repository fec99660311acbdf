package desk

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/seal"
)

// selfSigned is a certificate as many pools and wallet servers have it.
func selfSigned(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func openKnown(t *testing.T, dir string) *KnownServers {
	t.Helper()
	k, err := OpenKnownServers(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A person meets a self-signed server, trusts it, and meets it again under another key: over a real TLS listener, and
// with the list read anew from the disk each time.
func TestTrustOnFirstUse(t *testing.T) {
	now := make(chan tls.Certificate, 1)
	now <- selfSigned(t)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c := <-now
		now <- c
		return &c, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	defer func() { ln.Close(); <-served }()
	dir, host := t.TempDir(), ln.Addr().String()
	dial := func() *jsonrpc.CertificateError {
		t.Helper()
		c, err := (&jsonrpc.Dialer{Trust: openKnown(t, dir).Trust()}).Dial(t.Context(), "stratum+tls://"+host, 1024)
		if err == nil {
			c.Close()
			return nil
		}
		var ce *jsonrpc.CertificateError
		if !errors.As(err, &ce) {
			t.Fatal(err)
		}
		return ce
	}
	first := dial()
	if first == nil || first.Changed || !first.MayTrust() || first.Host != host {
		t.Fatalf("got %+v", first)
	}
	if err := openKnown(t, dir).Add(first.Host, first.Fingerprint); err != nil {
		t.Fatal(err)
	}
	if ce := dial(); ce != nil {
		t.Fatalf("a trusted server is refused: %v", ce)
	}
	<-now
	now <- selfSigned(t)
	second := dial()
	if second == nil || !second.Changed || second.MayTrust() || !errors.Is(second, jsonrpc.ErrChanged) {
		t.Fatalf("got %+v", second)
	}
	if err := openKnown(t, dir).Add(second.Host, second.Fingerprint); !errors.Is(err, jsonrpc.ErrChanged) {
		t.Errorf("a changed key is taken without more ado: %v", err)
	}
	if ce := dial(); ce == nil {
		t.Error("and trusted")
	}
	k := openKnown(t, dir)
	if err := k.Remove(host); err != nil {
		t.Fatal(err)
	}
	if err := k.Add(second.Host, second.Fingerprint); err != nil {
		t.Fatal(err)
	}
	if ce := dial(); ce != nil {
		t.Errorf("got %v", ce)
	}
	if message, hint := Explain(fmt.Errorf("dial: %w", second)); !strings.Contains(message, "another key") || hint == "" {
		t.Errorf("explained as %q, %q", message, hint)
	}
	if message, hint := Explain(first); message == first.Error() || hint == "" {
		t.Errorf("explained as %q, %q", message, hint)
	}
}

var someFingerprint = "sha256:" + strings.Repeat("0f", 32)

func TestKnownServersFile(t *testing.T) {
	dir := t.TempDir()
	k := openKnown(t, dir)
	if len(k.List()) != 0 || k.Restored() {
		t.Errorf("%v", k.List())
	}
	for _, host := range []string{"Pool.Test:3334", "[::1]:1", "127.0.0.1:50002"} {
		if err := k.Add(host, strings.ToUpper(someFingerprint[:7])+someFingerprint[7:]); !errors.Is(err, ErrServerAddress) {
			t.Errorf("%s: %v", host, err)
		}
		if err := k.Add(host, someFingerprint); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if err := k.Add(host, someFingerprint); err != nil {
			t.Errorf("%s again: %v", host, err)
		}
	}
	for _, host := range []string{"", "pool.test", "pool.test:0", "pool.test:65536", ":3334", "pool test:1", "pool.test\n:1", "[fe80::1%eth0]:1",
		strings.Repeat("a", 254) + ":1", "\u0440ool.test:1"} {
		if err := k.Add(host, someFingerprint); !errors.Is(err, ErrServerAddress) {
			t.Errorf("%q: %v", host, err)
		}
	}
	want := []string{"127.0.0.1:50002", "[::1]:1", "pool.test:3334"}
	check := func(k *KnownServers) {
		t.Helper()
		var got []string
		for _, s := range k.List() {
			if got = append(got, s.Host); s.Fingerprint != someFingerprint || time.Since(s.Since) > time.Hour {
				t.Errorf("%+v", s)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	check(k)
	check(openKnown(t, dir))
	st, err := os.Stat(filepath.Join(dir, "known-servers.json"))
	if err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if err := k.Remove("nobody.test:1"); err != nil {
		t.Error(err)
	}
	if err := k.Remove("POOL.test:3334"); err != nil {
		t.Error(err)
	}
	want = want[:2]
	check(openKnown(t, dir))
}

func TestKnownServersAreBounded(t *testing.T) {
	k := openKnown(t, t.TempDir())
	for i := range maxKnownServers {
		host := net.JoinHostPort("pool.test", fmt.Sprint(i+1))
		k.servers[host] = KnownServer{Host: host, Fingerprint: someFingerprint}
	}
	if err := k.Add("one.more:1", someFingerprint); !errors.Is(err, ErrTooManyServers) {
		t.Errorf("got %v", err)
	}
	if err := k.Remove("pool.test:1"); err != nil { // writes the longest list
		t.Fatal(err)
	}
	if got := len(openKnown(t, filepath.Dir(k.path)).List()); got != maxKnownServers-1 {
		t.Errorf("%d servers are read", got)
	}
}

// A list that cannot be written is not used: what is trusted now would not be tomorrow.
func TestKnownServersNotWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	k := openKnown(t, dir) // a folder that is not there
	if err := k.Add("pool.test:1", someFingerprint); err == nil || len(k.List()) != 0 {
		t.Errorf("got %v, %v", err, k.List())
	}
}

func TestDamagedKnownServers(t *testing.T) {
	entry := `{"host":"pool.test:1","fingerprint":"` + someFingerprint + `","since":"2026-01-02T03:04:05Z"}`
	for name, text := range map[string]string{
		"empty":             "",
		"torn":              `{"version":1,"servers":[` + entry,
		"no object":         `[]`,
		"no version":        `{"servers":[` + entry + `]}`,
		"a later version":   `{"version":2,"servers":[]}`,
		"a host of no form": `{"version":1,"servers":[` + strings.Replace(entry, "pool", "hunter2 pool", 1) + `]}`,
		"capital letters":   `{"version":1,"servers":[` + strings.Replace(entry, "pool", "POOL", 1) + `]}`,
		"no fingerprint":    `{"version":1,"servers":[` + strings.Replace(entry, "sha256", "hunter2", 1) + `]}`,
		"twice":             `{"version":1,"servers":[` + entry + "," + entry + `]}`,
		"too long":          `{"version":1,"servers":[]}` + strings.Repeat(" ", maxKnownServersFile),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, knownServersFile)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time is no different
				k, err := OpenKnownServers(dir)
				if k != nil || !errors.Is(err, ErrKnownServers) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("got %v, %v", k, err)
				}
				if message, hint := Explain(err); !strings.Contains(message, knownServersFile) || hint == "" {
					t.Errorf("explained as %q, %q", message, hint)
				}
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("the file was changed: %q, %v", got, err)
			}
			kept, err := ForgetKnownServers(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(kept); err != nil || string(got) != text {
				t.Errorf("the file was not kept: %q, %v", got, err)
			}
			if k := openKnown(t, dir); len(k.List()) != 0 || k.Restored() {
				t.Errorf("%v", k.List())
			}
		})
	}
}

// After damage the list before the last change is used, says so, and the damaged file stays.
func TestKnownServersRestored(t *testing.T) {
	dir := t.TempDir()
	k := openKnown(t, dir)
	for _, host := range []string{"a.test:1", "b.test:1"} {
		if err := k.Add(host, someFingerprint); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, knownServersFile)
	if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if k = openKnown(t, dir); !k.Restored() || len(k.List()) != 1 {
		t.Errorf("restored %v: %v", k.Restored(), k.List())
	}
	if got, err := os.ReadFile(path + seal.Damaged); err != nil || string(got) != "torn" {
		t.Errorf("the damaged file was not kept: %q, %v", got, err)
	}
	if k = openKnown(t, dir); k.Restored() || len(k.List()) != 1 {
		t.Errorf("restored %v: %v", k.Restored(), k.List())
	}
}

func FuzzKnownServers(f *testing.F) {
	f.Add([]byte(`{"version":1,"servers":[{"host":"pool.test:1","fingerprint":"` + someFingerprint + `","since":"2026-01-02T03:04:05Z"}]}`))
	f.Add([]byte(`{"version":1,"servers":null}`))
	f.Add([]byte(`{"version":1,"servers":[{"host":"[::1]:1"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		servers, err := parseKnownServers(data)
		if err != nil {
			return
		}
		for host, s := range servers {
			if _, err := jsonrpc.ParsePin(s.Fingerprint); err != nil || host != s.Host {
				t.Fatalf("%q: %+v", host, s)
			}
			if _, _, err := net.SplitHostPort(host); err != nil {
				t.Fatal(err)
			}
		}
		k := &KnownServers{path: filepath.Join(t.TempDir(), knownServersFile)}
		if err := k.keep(servers); err != nil {
			t.Fatal(err)
		}
		again, err := OpenKnownServers(filepath.Dir(k.path))
		if err != nil || len(again.List()) != len(servers) {
			t.Fatalf("what was read does not write and read again: %v", err)
		}
	})
}
