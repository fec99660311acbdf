package vault

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
)

// coinbaseSigner follows "API Key Authentication" of Coinbase's Advanced Trade
// API: each request carries a JSON Web Token (RFC 7519) of its own, which names
// method, host and path and holds for two minutes. A key in PEM form is one on
// P-256 and signs by ES256 (RFC 7515, RFC 7518 section 3.4); one in base64 is of
// Ed25519 and signs by EdDSA (RFC 8037).
type coinbaseSigner struct{}

// tokenLife is how long a token holds, in seconds: the most that Coinbase takes.
const tokenLife = 120

func (coinbaseSigner) Sign(c Credential, o *Outgoing) error {
	if c.Key.Len() == 0 {
		return ErrCredential
	}
	var nonce [16]byte
	rand.Read(nonce[:]) // never fails: crypto/rand ends the program instead
	header := struct {
		Alg   string `json:"alg"`
		Typ   string `json:"typ"`
		Kid   string `json:"kid"`
		Nonce string `json:"nonce"`
	}{"ES256", "JWT", string(c.Key.Expose()), hex.EncodeToString(nonce[:])}
	now := o.Time.Unix()
	claims := struct {
		Sub string `json:"sub"`
		Iss string `json:"iss"`
		Nbf int64  `json:"nbf"`
		Exp int64  `json:"exp"`
		URI string `json:"uri"`
	}{string(c.Key.Expose()), "cdp", now, now + tokenLife, o.Method + " " + o.Host + o.Path}
	var sign func(input []byte) ([]byte, error)
	if block, _ := pem.Decode(c.Secret.Expose()); block != nil {
		defer Wipe(block.Bytes)
		key, err := ecKey(block.Bytes)
		if err != nil {
			return err
		}
		sign = func(input []byte) ([]byte, error) { return signES256(key, input) }
	} else {
		key, err := cdpEd25519(c.Secret)
		if err != nil {
			return err
		}
		defer Wipe(key)
		header.Alg = "EdDSA"
		sign = func(input []byte) ([]byte, error) { return ed25519.Sign(key, input), nil }
	}
	token, err := signJWT(header, claims, sign)
	if err != nil {
		return err
	}
	o.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// signJWT gives the compact form of RFC 7515, section 7.1.
func signJWT(header, claims any, sign func([]byte) ([]byte, error)) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", ErrCredential
	}
	p, err := json.Marshal(claims)
	if err != nil {
		return "", ErrCredential
	}
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(p)
	signature, err := sign([]byte(input))
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// signES256 gives R and S, 32 bytes each, big-endian (RFC 7518, section 3.4).
func signES256(key *ecdsa.PrivateKey, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return nil, ErrCredential
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}

// ecKey reads a key on P-256 in SEC 1 (RFC 5915) or PKCS #8 form.
func ecKey(der []byte) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, ErrCredential
		}
		var ok bool
		if key, ok = parsed.(*ecdsa.PrivateKey); !ok {
			return nil, ErrCredential
		}
	}
	if key.Curve != elliptic.P256() {
		return nil, ErrCredential
	}
	return key, nil
}

// cdpEd25519 reads a key as Coinbase gives it out: the base64 of seed and public
// key, 64 bytes.
func cdpEd25519(s Secret) (ed25519.PrivateKey, error) {
	key := make([]byte, base64.StdEncoding.DecodedLen(s.Len()))
	n, err := base64.StdEncoding.Strict().Decode(key, s.Expose())
	if err != nil || n != ed25519.PrivateKeySize {
		Wipe(key)
		return nil, ErrCredential
	}
	own := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
	same := NewSecret(own).Equal(NewSecret(key[:n]))
	Wipe(key)
	if !same {
		return nil, ErrCredential
	}
	return own, nil
}
