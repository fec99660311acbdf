package jsonrpc

import (
	"errors"
	"fmt"
)

// What can be wrong with a server's certificate. Each stands in the Err of a CertificateError.
var (
	// ErrCertificate says that the server's certificate was not accepted. Every CertificateError is one.
	ErrCertificate = errors.New("certificate not accepted")
	// ErrUnknownAuthority says that nobody whom the roots know has signed the certificate; most often it is
	// signed by itself. What such a one says of names and dates proves nothing, so it is not looked at.
	ErrUnknownAuthority = errors.New("signed by nobody that this system trusts")
	// ErrExpired says that the certificate is good but for its dates, or that this machine's clock is wrong.
	ErrExpired = errors.New("not valid at this time")
	// ErrWrongHost says that the certificate is good, and made for another name.
	ErrWrongHost = errors.New("made for another host")
	// ErrPinned says that the server has another key than those pinned in the address.
	ErrPinned = errors.New("another key than the pinned one")
	// ErrChanged says that the server has another key than the one that was trusted before.
	ErrChanged = errors.New("another key than the one trusted before")
)

// CertificateError says why a server's certificate was not accepted, and names its key, so that a person can
// compare it with what the server's owner publishes. It holds no text of the certificate.
type CertificateError struct {
	Host        string // host:port as it was dialled
	Fingerprint string // of the key, as [Pin.String]: it serves as a pin
	Changed     bool   // another key was trusted for this host before: somebody may stand in between
	Err         error  // one of the errors above, or with one of them that of Trust
}

// Error implements error.
func (e *CertificateError) Error() string {
	return fmt.Sprintf("%v of %s: %v; its fingerprint is %s", ErrCertificate, e.Host, e.Err, e.Fingerprint)
}

// Unwrap makes errors.Is find ErrCertificate, and what Err is.
func (e *CertificateError) Unwrap() []error { return []error{ErrCertificate, e.Err} }

// MayTrust reports whether it is sound to offer that the person trusts this key from now on, once they have compared
// the fingerprint: the certificate is self-signed, or of an unknown authority, and no other key was known or pinned.
// A certificate of a known authority that is out of date or for another host is a mistake to be mended where the
// server is, or an attack.
func (e *CertificateError) MayTrust() bool {
	return errors.Is(e.Err, ErrUnknownAuthority) && !e.Changed
}
