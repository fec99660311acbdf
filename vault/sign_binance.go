package vault

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/url"
	"strconv"
	"strings"
)

// binanceSigner follows "SIGNED endpoint security" and "Ed25519 Keys" of
// Binance's REST API: the parameters of the query and of a form in the body, one
// after the other, are signed as they are sent, and the signature is added to
// the query. A timestamp in milliseconds is added where the caller gave none. A
// request that is Unsigned gets the key's name alone.
type binanceSigner struct{ ed25519 bool }

func (s binanceSigner) Sign(c Credential, o *Outgoing) error {
	if c.Key.Len() == 0 {
		return ErrCredential
	}
	o.Header.Set("X-MBX-APIKEY", string(c.Key.Expose()))
	if o.Unsigned {
		return nil
	}
	if !hasParameter(o.Query, "timestamp") && !hasParameter(string(o.Body), "timestamp") {
		o.Query = appendQuery(o.Query, "timestamp", strconv.FormatInt(o.Time.UnixMilli(), 10))
	}
	payload := append([]byte(o.Query), o.Body...)
	if s.ed25519 {
		key, err := ed25519Key(c.Secret)
		if err != nil {
			return err
		}
		defer Wipe(key)
		o.Query = appendQuery(o.Query, "signature", url.QueryEscape(base64.StdEncoding.EncodeToString(ed25519.Sign(key, payload))))
		return nil
	}
	mac := hmac.New(sha256.New, c.Secret.Expose())
	mac.Write(payload)
	o.Query = appendQuery(o.Query, "signature", hex.EncodeToString(mac.Sum(nil)))
	return nil
}

func hasParameter(query, name string) bool {
	return strings.HasPrefix(query, name+"=") || strings.Contains(query, "&"+name+"=")
}

// ed25519Key reads a private key in PKCS #8 (RFC 8410), as PEM or as the bare
// base64 of its 32-byte seed.
func ed25519Key(s Secret) (ed25519.PrivateKey, error) {
	if block, _ := pem.Decode(s.Expose()); block != nil {
		defer Wipe(block.Bytes)
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		key, ok := parsed.(ed25519.PrivateKey)
		if err != nil || !ok {
			return nil, ErrCredential
		}
		return key, nil
	}
	seed := make([]byte, base64.StdEncoding.DecodedLen(s.Len()))
	defer Wipe(seed)
	n, err := base64.StdEncoding.Strict().Decode(seed, s.Expose())
	if err != nil || n != ed25519.SeedSize {
		return nil, ErrCredential
	}
	return ed25519.NewKeyFromSeed(seed[:n]), nil
}
