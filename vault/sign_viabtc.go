package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
)

// viabtcSigner follows "API Authentication" of ViaBTC's pool API (of 30 November
// 2021): X-SIGNATURE is the HMAC-SHA-256, in hexadecimal, of the query of a GET
// or DELETE and of the body of another method. A tonce, the time in
// milliseconds, is added to a query that has none.
type viabtcSigner struct{}

func (viabtcSigner) Sign(c Credential, o *Outgoing) error {
	if c.Key.Len() == 0 {
		return ErrCredential
	}
	payload := o.Body
	if o.Method == http.MethodGet || o.Method == http.MethodDelete {
		if !hasParameter(o.Query, "tonce") {
			o.Query = appendQuery(o.Query, "tonce", strconv.FormatInt(o.Time.UnixMilli(), 10))
		}
		payload = []byte(o.Query)
	}
	mac := hmac.New(sha256.New, c.Secret.Expose())
	mac.Write(payload)
	o.Header.Set("X-API-KEY", string(c.Key.Expose()))
	o.Header.Set("X-SIGNATURE", hex.EncodeToString(mac.Sum(nil)))
	return nil
}
