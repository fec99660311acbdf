//go:build !js

package jsonrpc

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Roots are authorities that may sign certificates.
type Roots = x509.CertPool

// Leaf is a server's own certificate.
type Leaf = x509.Certificate

// PinOf returns the pin that a certificate satisfies.
func PinOf(leaf *Leaf) Pin { return sha256.Sum256(leaf.RawSubjectPublicKeyInfo) }

// verify decides about the certificates that a server has shown, the leaf first. The handshake goes on only when it
// returns nil.
func (d *Dialer) verify(t target, shown []*x509.Certificate) error {
	if len(shown) == 0 {
		return ErrTLS
	}
	leaf := shown[0]
	pin := PinOf(leaf)
	refused := &CertificateError{Host: t.addr(), Fingerprint: pin.String()}
	if len(t.pins) > 0 {
		if slices.Contains(t.pins, pin) {
			return nil
		}
		refused.Err = ErrPinned
		return refused
	}
	why := judge(shown, d.Roots, t.host, time.Now())
	if why == nil {
		return nil
	}
	refused.Err = why
	if d.Trust != nil {
		err := d.Trust(t.addr(), leaf, why)
		if err == nil {
			return nil
		}
		refused.Changed = errors.Is(err, ErrChanged)
		if refused.Err = err; !errors.Is(err, why) {
			refused.Err = fmt.Errorf("%w: %w", err, why)
		}
	}
	return refused
}

// judge asks the roots, and when they say no, what alone stands in the way. The text of package x509's errors is not
// kept, for it holds the certificate's.
func judge(shown []*x509.Certificate, roots *x509.CertPool, host string, now time.Time) error {
	leaf := shown[0]
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), DNSName: host, CurrentTime: now}
	for _, c := range shown[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(opts); err == nil {
		return nil
	}
	opts.DNSName = ""
	if _, err := leaf.Verify(opts); err == nil {
		return ErrWrongHost
	}
	switch {
	case now.Before(leaf.NotBefore):
		opts.CurrentTime = leaf.NotBefore
	case now.After(leaf.NotAfter):
		opts.CurrentTime = leaf.NotAfter
	}
	_, err := leaf.Verify(opts)
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil:
		return ErrExpired
	case errors.As(err, &unknown):
		return ErrUnknownAuthority
	}
	return ErrCertificate
}
