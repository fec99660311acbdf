package vault

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Scheme says how a provider wants its requests signed.
type Scheme string

// The schemes, each in a file of its own.
const (
	SchemeBinance        Scheme = "binance-hmac-sha256" // HMAC-SHA-256 in hexadecimal over the query
	SchemeBinanceEd25519 Scheme = "binance-ed25519"     // Ed25519 in base64 over the query
	SchemeKraken         Scheme = "kraken-hmac-sha512"  // HMAC-SHA-512 in base64 over path, nonce and body
	SchemeOKX            Scheme = "okx-hmac-sha256"     // HMAC-SHA-256 in base64 over time, method, path and body
	SchemeCoinbase       Scheme = "coinbase-es256-jwt"  // a token for each request, signed by ECDSA on P-256
	SchemeViaBTC         Scheme = "viabtc-hmac-sha256"  // HMAC-SHA-256 in hexadecimal over query or body
	SchemeHeader         Scheme = "header"              // the key itself, in a header
	SchemeQuery          Scheme = "query"               // the key itself, in the query
	SchemeOAuth          Scheme = "oauth2-bearer"       // a bearer token of OAuth 2.0
)

// Outgoing is a request that a Signer completes. Nobody but the signer and the
// connection sees it afterwards.
type Outgoing struct {
	Method string
	Scheme string      // "https", or "http" to loopback
	Host   string      // with the port, if it is not the scheme's own
	Path   string      // as it is sent: escaped
	Query  string      // as it is sent, without the "?"
	Header http.Header // canonical names
	Body   []byte
	Time   time.Time // the time to sign for: the clock, and the provider's lead over it
	Nonce  uint64    // greater than in every request before with the same key; microseconds by habit
	Field  string    // the entry's Field
	// Test says that the key is for no real money.
	Test bool
	// Unsigned asks for the key's name without a signature, where a provider
	// knows both.
	Unsigned bool
}

// Format keeps what a signer added out of whatever is printed.
func (*Outgoing) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(request)") }

// plainHeaders says whether every header can be sent: a key that was pasted with a
// line end in it is told as what it is.
func (o *Outgoing) plainHeaders() bool {
	for _, values := range o.Header {
		for _, value := range values {
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
				return false
			}
		}
	}
	return true
}

// A Signer puts a key's signature on a request. It keeps no copy of the key,
// and its errors tell nothing of it.
type Signer interface {
	Sign(c Credential, o *Outgoing) error
}

// signerOf gives the signer of every scheme but OAuth's, which needs a token.
func signerOf(s Scheme) (Signer, bool) {
	switch s {
	case SchemeBinance:
		return binanceSigner{}, true
	case SchemeBinanceEd25519:
		return binanceSigner{ed25519: true}, true
	case SchemeKraken:
		return krakenSigner{}, true
	case SchemeOKX:
		return okxSigner{}, true
	case SchemeCoinbase:
		return coinbaseSigner{}, true
	case SchemeViaBTC:
		return viabtcSigner{}, true
	case SchemeHeader:
		return headerSigner{}, true
	case SchemeQuery:
		return querySigner{}, true
	}
	return nil, false
}

// ErrCredential says that a secret is not of the form that its provider gives out.
var ErrCredential = errors.New("the key is not of the form that this provider gives out")

// ordered says whether the provider wants each nonce greater than the last, so
// that one request must have its answer before the next is sent.
func (s Scheme) ordered() bool { return s == SchemeKraken || s == SchemeViaBTC }

// appendQuery adds a parameter, whose text needs no escaping.
func appendQuery(query, name, value string) string {
	if query != "" {
		query += "&"
	}
	return query + name + "=" + value
}
