package vault

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// Credential is what a provider gives out for a program: two or three parts,
// each of which is kept as a secret. The caller wipes it.
type Credential struct {
	// Key is the part that names the key to the provider: Binance's API key,
	// the id of Coinbase's, an OAuth 2.0 client id. Empty where one part is all
	// there is.
	Key Secret
	// Secret is what signs: text as the provider shows it, a private key in PEM
	// form, a token for a header or a query, an OAuth 2.0 refresh token.
	Secret Secret
	// Passphrase is a third part that some providers want: OKX's passphrase, an
	// OAuth 2.0 client's own secret.
	Passphrase Secret
}

// Wipe wipes all parts.
func (c Credential) Wipe() {
	c.Key.Wipe()
	c.Secret.Wipe()
	c.Passphrase.Wipe()
}

func (c Credential) parts() []Secret { return []Secret{c.Key, c.Secret, c.Passphrase} }

const partsMagic = "goldpan credential 1\n"

// Encode joins the parts into one secret for a store, which the caller wipes:
// the line "goldpan credential 1", then for each part a line with its base64,
// which may be empty.
func (c Credential) Encode() (Secret, error) {
	if c.Secret.Len() == 0 {
		return Secret{}, errors.New("the secret is empty")
	}
	size := len(partsMagic)
	for _, p := range c.parts() {
		size += base64.StdEncoding.EncodedLen(p.Len()) + 1
	}
	if size > MaxSecret {
		return Secret{}, fmt.Errorf("%w: the parts of a key have at most about %d bytes together", ErrTooLarge, MaxSecret*3/4)
	}
	b := make([]byte, 0, size)
	b = append(b, partsMagic...)
	for _, p := range c.parts() {
		b = base64.StdEncoding.AppendEncode(b, p.Expose())
		b = append(b, '\n')
	}
	return NewSecret(b), nil
}

var errCredential = errors.New("the secret is not a key in parts")

// decodeCredential reads what Encode made.
func decodeCredential(b []byte) (Credential, error) {
	rest, ok := bytes.CutPrefix(b, []byte(partsMagic))
	if !ok || len(b) > MaxSecret {
		return Credential{}, errCredential
	}
	lines := bytes.Split(rest, []byte{'\n'})
	if len(lines) != 4 || len(lines[3]) != 0 {
		return Credential{}, errCredential
	}
	var parts [3]Secret
	for i, line := range lines[:3] {
		part := make([]byte, base64.StdEncoding.DecodedLen(len(line)))
		n, err := base64.StdEncoding.Strict().Decode(part, line)
		parts[i] = NewSecret(part[:n])
		if err != nil || bytes.ContainsRune(line, '\r') {
			for _, p := range parts {
				p.Wipe()
			}
			return Credential{}, errCredential
		}
	}
	c := Credential{parts[0], parts[1], parts[2]}
	if c.Secret.Len() == 0 {
		c.Wipe()
		return Credential{}, errCredential
	}
	return c, nil
}

// minMasked is how short a part may be and still be looked for in replies: a
// shorter one would be found by chance.
const minMasked = 6

// mask replaces every part of the credential in b.
func (c Credential) mask(b []byte) []byte {
	for _, p := range c.parts() {
		if p.Len() < minMasked {
			continue
		}
		for _, form := range spellings(p.Expose()) {
			b = bytes.ReplaceAll(b, form, []byte(redacted))
			Wipe(form)
		}
	}
	return b
}

// spellings are the ways in which a provider may repeat a secret: as it is, as it
// stands in a query, in a path and in JSON, and a long line of it alone.
func spellings(secret []byte) [][]byte {
	forms := [][]byte{bytes.Clone(secret), []byte(url.QueryEscape(string(secret))), []byte(url.PathEscape(string(secret)))}
	if quoted, err := json.Marshal(string(secret)); err == nil {
		quoted = quoted[1 : len(quoted)-1]
		forms = append(forms, quoted, bytes.ReplaceAll(quoted, []byte("/"), []byte(`\/`)))
	}
	if lines := bytes.Split(secret, []byte{'\n'}); len(lines) > 1 {
		for _, line := range lines {
			if line = bytes.TrimSpace(line); len(line) >= 16 && !bytes.HasPrefix(line, []byte("-----")) {
				forms = append(forms, bytes.Clone(line))
			}
		}
	}
	return forms
}

// Equal compares two secrets in constant time, but for their lengths.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare(s.Expose(), other.Expose()) == 1
}
