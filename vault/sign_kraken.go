package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strconv"
)

// krakenSigner follows "Authentication" of Kraken's Spot REST API: API-Sign is
// the base64 of the HMAC-SHA-512, under the decoded secret, of the path and the
// SHA-256 of nonce and body. The body is a form; its nonce is added where the
// caller gave none.
type krakenSigner struct{}

func (krakenSigner) Sign(c Credential, o *Outgoing) error {
	key := make([]byte, base64.StdEncoding.DecodedLen(c.Secret.Len()))
	defer Wipe(key)
	n, err := base64.StdEncoding.Strict().Decode(key, c.Secret.Expose())
	if err != nil || n == 0 || c.Key.Len() == 0 {
		return ErrCredential
	}
	nonce := strconv.FormatUint(o.Nonce, 10)
	if !hasParameter(string(o.Body), "nonce") {
		o.Body = []byte(appendQuery(string(o.Body), "nonce", nonce))
	}
	if o.Header.Get("Content-Type") == "" {
		o.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	inner := sha256.New()
	inner.Write([]byte(nonce))
	inner.Write(o.Body)
	mac := hmac.New(sha512.New, key[:n])
	mac.Write([]byte(o.Path))
	mac.Write(inner.Sum(nil))
	o.Header.Set("API-Key", string(c.Key.Expose()))
	o.Header.Set("API-Sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return nil
}
