package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// okxSigner follows "REST Authentication" of OKX's API v5: the base64 of the
// HMAC-SHA-256 of the time in ISO 8601 with milliseconds, the method, the path
// with its query, and the body.
type okxSigner struct{}

func (okxSigner) Sign(c Credential, o *Outgoing) error {
	if c.Key.Len() == 0 || c.Passphrase.Len() == 0 {
		return ErrCredential
	}
	stamp := o.Time.UTC().Format("2006-01-02T15:04:05.000Z")
	target := o.Path
	if o.Query != "" {
		target += "?" + o.Query
	}
	mac := hmac.New(sha256.New, c.Secret.Expose())
	mac.Write([]byte(stamp + o.Method + target))
	mac.Write(o.Body)
	if o.Test {
		// One host serves both: without this, a key for demo trading is refused,
		// and with it one for real money is.
		o.Header.Set("X-Simulated-Trading", "1")
	}
	o.Header.Set("OK-ACCESS-KEY", string(c.Key.Expose()))
	o.Header.Set("OK-ACCESS-SIGN", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	o.Header.Set("OK-ACCESS-TIMESTAMP", stamp)
	o.Header.Set("OK-ACCESS-PASSPHRASE", string(c.Passphrase.Expose()))
	return nil
}
