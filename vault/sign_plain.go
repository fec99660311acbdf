package vault

import (
	"net/url"
	"strings"
)

// headerSigner sends the secret in the header that the entry names; a field of
// the name Authorization gets the word Bearer before it.
type headerSigner struct{}

func (headerSigner) Sign(c Credential, o *Outgoing) error {
	value := string(c.Secret.Expose())
	if strings.ContainsAny(value, "\r\n\x00") {
		return ErrCredential
	}
	if strings.EqualFold(o.Field, "Authorization") {
		value = "Bearer " + value
	}
	o.Header.Set(o.Field, value)
	return nil
}

// querySigner sends the secret in the query, in the parameter that the entry
// names. Addresses with a query are told to nobody for its sake.
type querySigner struct{}

func (querySigner) Sign(c Credential, o *Outgoing) error {
	o.Query = appendQuery(o.Query, url.QueryEscape(o.Field), url.QueryEscape(string(c.Secret.Expose())))
	return nil
}
