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
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// vectors are published ones; the file names their sources.
type vectors struct {
	Binance struct {
		Key, Signing, Query, Signature string
		SplitQ                         string `json:"split_query"`
		SplitB                         string `json:"split_body"`
		SplitS                         string `json:"split_signature"`
	}
	Kraken struct {
		Signing, Path, Body, Signature string
		Nonce                          uint64
	}
	ViaBTC  struct{ Key, Signing, Query, Signature string } `json:"viabtc"`
	RFC8032 struct {
		Tests []struct{ Seed, Public, Message, Signature string }
	} `json:"rfc8032"`
	RFC7515 struct{ X, Y, D, JWS string }            `json:"rfc7515"`
	RFC8037 struct{ D, Header, Payload, JWS string } `json:"rfc8037"`
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func credential(key, secret, passphrase string) Credential {
	return Credential{NewSecret([]byte(key)), NewSecret([]byte(secret)), NewSecret([]byte(passphrase))}
}

func outgoing(method, path, query, body string) *Outgoing {
	return &Outgoing{Method: method, Scheme: "https", Host: "api.example", Path: path, Query: query, Header: make(http.Header), Body: []byte(body),
		Time: time.Date(2020, 12, 8, 9, 8, 57, 715e6, time.UTC), Nonce: 1616492376594}
}

func sign(t *testing.T, s Scheme, c Credential, o *Outgoing) {
	t.Helper()
	signer, ok := signerOf(s)
	if !ok {
		t.Fatalf("no signer for %s", s)
	}
	if err := signer.Sign(c, o); err != nil {
		t.Fatal(err)
	}
}

func TestBinanceVector(t *testing.T) {
	v := readVectors(t).Binance
	c := credential(v.Key, v.Signing, "")
	o := outgoing("POST", "/api/v3/order", v.Query, "")
	sign(t, SchemeBinance, c, o)
	if o.Query != v.Query+"&signature="+v.Signature || o.Header.Get("X-Mbx-Apikey") != v.Key {
		t.Errorf("query %s, header %v", o.Query, o.Header)
	}
	o = outgoing("POST", "/api/v3/order", v.SplitQ, v.SplitB)
	sign(t, SchemeBinance, c, o)
	if o.Query != v.SplitQ+"&signature="+v.SplitS {
		t.Errorf("with query and body: %s", o.Query)
	}
	o = outgoing("GET", "/api/v3/account", "", "")
	sign(t, SchemeBinance, c, o)
	if !strings.HasPrefix(o.Query, "timestamp=1607418537715&signature=") {
		t.Errorf("without a timestamp: %s", o.Query)
	}
	o = outgoing("GET", "/api/v3/historicalTrades", "symbol=LTCBTC", "")
	o.Unsigned = true
	sign(t, SchemeBinance, c, o)
	if o.Query != "symbol=LTCBTC" || o.Header.Get("X-Mbx-Apikey") != v.Key {
		t.Errorf("unsigned: %s", o.Query)
	}
}

func TestBinanceEd25519(t *testing.T) {
	for _, v := range readVectors(t).RFC8032.Tests {
		seed, err := hex.DecodeString(v.Seed)
		if err != nil {
			t.Fatal(err)
		}
		message, _ := hex.DecodeString(v.Message)
		want, _ := hex.DecodeString(v.Signature)
		der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))
		if err != nil {
			t.Fatal(err)
		}
		block := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE " + "KEY", Bytes: der}))
		for _, secret := range []string{block, base64.StdEncoding.EncodeToString(seed)} {
			key, err := ed25519Key(NewSecret([]byte(secret)))
			if err != nil {
				t.Fatal(err)
			}
			if got := ed25519.Sign(key, message); string(got) != string(want) {
				t.Errorf("%x, want %x", got, want)
			}
			o := outgoing("GET", "/api/v3/account", "timestamp=1", "")
			sign(t, SchemeBinanceEd25519, credential("name", secret, ""), o)
			query, err := url.ParseQuery(o.Query)
			if err != nil {
				t.Fatal(err)
			}
			signature, err := base64.StdEncoding.DecodeString(query.Get("signature"))
			public, _ := hex.DecodeString(v.Public)
			if err != nil || !ed25519.Verify(public, []byte("timestamp=1"), signature) {
				t.Errorf("the signature in %s does not verify", o.Query)
			}
		}
	}
}

func TestKrakenVector(t *testing.T) {
	v := readVectors(t).Kraken
	o := outgoing("POST", v.Path, "", v.Body)
	o.Nonce = v.Nonce
	sign(t, SchemeKraken, credential("name", v.Signing, ""), o)
	if got := o.Header.Get("Api-Sign"); got != v.Signature || string(o.Body) != v.Body {
		t.Errorf("API-Sign %s, want %s", got, v.Signature)
	}
	o = outgoing("POST", "/0/private/Balance", "", "asset=XBT")
	sign(t, SchemeKraken, credential("name", v.Signing, ""), o)
	if string(o.Body) != "asset=XBT&nonce=1616492376594" {
		t.Errorf("the body became %s", o.Body)
	}
}

func TestViaBTCVector(t *testing.T) {
	v := readVectors(t).ViaBTC
	o := outgoing("GET", "/res/openapi/v1/hashrate", v.Query, "")
	sign(t, SchemeViaBTC, credential(v.Key, v.Signing, ""), o)
	if o.Header.Get("X-Signature") != v.Signature || o.Header.Get("X-Api-Key") != v.Key || o.Query != v.Query {
		t.Errorf("X-SIGNATURE %s, want %s", o.Header.Get("X-Signature"), v.Signature)
	}
}

// OKX publishes the form and no vector: the example of its documents is signed
// here by hand.
func TestOKX(t *testing.T) {
	o := outgoing("GET", "/api/v5/account/balance", "ccy=BTC", "")
	sign(t, SchemeOKX, credential("name", "22582BD0CFF14C41EDBF1AB98506286D", "words"), o)
	if o.Header.Get("Ok-Access-Timestamp") != "2020-12-08T09:08:57.715Z" || o.Header.Get("Ok-Access-Passphrase") != "words" || o.Header.Get("Ok-Access-Key") != "name" {
		t.Errorf("%v", o.Header)
	}
	// printf '2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC' | openssl dgst -sha256 -hmac 2258… -binary | base64
	const byOpenSSL = "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="
	if got := o.Header.Get("Ok-Access-Sign"); got != byOpenSSL {
		t.Errorf("OK-ACCESS-SIGN %s, want %s", got, byOpenSSL)
	}
	if o.Header.Get("X-Simulated-Trading") != "" {
		t.Error("a live key is marked as one for demo trading")
	}
	o.Test = true
	sign(t, SchemeOKX, credential("name", "s", "words"), o)
	if o.Header.Get("X-Simulated-Trading") != "1" {
		t.Error("a test key is not marked as one")
	}
}

func b64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// verifyES256 is what a receiver does (RFC 7518, section 3.4).
func verifyES256(public *ecdsa.PublicKey, jws string) bool {
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

func TestES256(t *testing.T) {
	v := readVectors(t).RFC7515
	public := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(b64(t, v.X)), Y: new(big.Int).SetBytes(b64(t, v.Y))}
	if !verifyES256(public, v.JWS) || verifyES256(public, strings.Replace(v.JWS, ".eyJ", ".eyK", 1)) {
		t.Fatal("the verifier does not take RFC 7515's example, or takes an altered one")
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b64(t, v.D))
	if err != nil {
		t.Fatal(err)
	}
	// What RFC 7515 signs, signed by us.
	input := v.JWS[:strings.LastIndexByte(v.JWS, '.')]
	signature, err := signES256(private, []byte(input))
	if err != nil || !verifyES256(public, input+"."+base64.RawURLEncoding.EncodeToString(signature)) {
		t.Errorf("our signature of RFC 7515's example does not verify: %v", err)
	}

	sec1, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for kind, der := range map[string][]byte{"EC PRIVATE ": sec1, "PRIVATE ": pkcs8} {
		secret := string(pem.EncodeToMemory(&pem.Block{Type: kind + "KEY", Bytes: der}))
		o := outgoing("GET", "/api/v3/brokerage/accounts", "limit=49", "")
		sign(t, SchemeCoinbase, credential("organizations/a/apiKeys/b", secret, ""), o)
		token, ok := strings.CutPrefix(o.Header.Get("Authorization"), "Bearer ")
		if !ok || !verifyES256(public, token) {
			t.Fatalf("the token does not verify: %s", o.Header.Get("Authorization"))
		}
		parts := strings.Split(token, ".")
		var header, claims map[string]any
		if json.Unmarshal(b64(t, parts[0]), &header) != nil || json.Unmarshal(b64(t, parts[1]), &claims) != nil {
			t.Fatal("the token is not JSON")
		}
		nonce, _ := header["nonce"].(string)
		if header["alg"] != "ES256" || header["kid"] != "organizations/a/apiKeys/b" || len(nonce) != 32 || seen[nonce] {
			t.Errorf("header %v", header)
		}
		seen[nonce] = true
		if claims["iss"] != "cdp" || claims["sub"] != header["kid"] || claims["uri"] != "GET api.example/api/v3/brokerage/accounts" ||
			claims["nbf"] != 1607418537.0 || claims["exp"] != 1607418657.0 {
			t.Errorf("claims %v", claims)
		}
	}
}

func TestEdDSA(t *testing.T) {
	v := readVectors(t).RFC8037
	key := ed25519.NewKeyFromSeed(b64(t, v.D))
	input := base64.RawURLEncoding.EncodeToString([]byte(v.Header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(v.Payload))
	if got := input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(input))); got != v.JWS {
		t.Errorf("%s, want %s", got, v.JWS)
	}
	o := outgoing("GET", "/api/v3/brokerage/accounts", "", "")
	sign(t, SchemeCoinbase, credential("name", base64.StdEncoding.EncodeToString(key), ""), o)
	token := strings.TrimPrefix(o.Header.Get("Authorization"), "Bearer ")
	cut := strings.LastIndexByte(token, '.')
	if !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte(token[:cut]), b64(t, token[cut+1:])) || !strings.Contains(string(b64(t, strings.Split(token, ".")[0])), "EdDSA") {
		t.Errorf("the token does not verify")
	}
}

func TestPlainSigners(t *testing.T) {
	o := outgoing("GET", "/stats", "a=1", "")
	o.Field = "api_key"
	sign(t, SchemeQuery, credential("", "k+y &", ""), o)
	if o.Query != "a=1&api_key=k%2By+%26" {
		t.Errorf("query %s", o.Query)
	}
	o.Field = "Pool-Auth-Token"
	sign(t, SchemeHeader, credential("", "hunter2", ""), o)
	if o.Header.Get("Pool-Auth-Token") != "hunter2" {
		t.Errorf("%v", o.Header)
	}
	o.Field = "authorization"
	sign(t, SchemeHeader, credential("", "hunter2", ""), o)
	if o.Header.Get("Authorization") != "Bearer hunter2" {
		t.Errorf("%v", o.Header)
	}
}

// A secret of the wrong form is refused, and not repeated.
func TestSignersRefuse(t *testing.T) {
	weak, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(weak)
	if err != nil {
		t.Fatal(err)
	}
	p384 := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE " + "KEY", Bytes: der}))
	for _, c := range []struct {
		s               Scheme
		key, secret, pw string
	}{
		{SchemeBinance, "", "hunter2", ""}, {SchemeBinanceEd25519, "k", "hunter2", ""}, {SchemeBinanceEd25519, "k", p384, ""},
		{SchemeKraken, "k", "hunter2!", ""}, {SchemeKraken, "", "aHVudGVyMg==", ""}, {SchemeOKX, "k", "hunter2", ""}, {SchemeOKX, "", "hunter2", "p"},
		{SchemeCoinbase, "k", "hunter2", ""}, {SchemeCoinbase, "k", p384, ""}, {SchemeCoinbase, "", p384, ""},
		{SchemeCoinbase, "k", base64.StdEncoding.EncodeToString(make([]byte, 64)), ""},
		{SchemeViaBTC, "", "hunter2", ""}, {SchemeHeader, "", "hunter2\r\nX: y", ""},
	} {
		signer, _ := signerOf(c.s)
		if err := signer.Sign(credential(c.key, c.secret, c.pw), outgoing("POST", "/", "", "")); !errors.Is(err, ErrCredential) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s with %q: %v", c.s, c.key, err)
		}
	}
}
