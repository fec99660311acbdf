package invite

import (
	"encoding/base64"
	"encoding/hex"
	"testing"
)

// The answers are testdata/vectors.py's, which knows this package's comment and not its code.
func TestVectors(t *testing.T) {
	const origin = "http://192.168.1.20:8080"
	i := Invitation{Origin: origin}
	run(i.ID[:], 1)
	run(i.Secret.bytes[:], 16)
	h := handshake{kind: Join, id: i.ID, origin: origin}
	run(h.device[:], 32)
	run(h.gate[:], 64)
	p := Payee{Name: "Home", Address: "bc1qexample"}
	id, key, err := h.derive(i.Secret.bytes[:])
	if err != nil {
		t.Fatal(err)
	}
	login := h
	login.kind, login.id = Login, id
	hash := tokenHash(i.ID, i.Secret.bytes)
	b64 := func(t Tag) string { return base64.RawURLEncoding.EncodeToString(t[:]) }
	for _, c := range []struct{ what, got, want string }{
		{"link", i.Link(), "http://192.168.1.20:8080/#join=AQECAwQFBgcICRAREhMUFRYXGBkaGxwdHh_L1n1K"},
		{"gateway", b64(h.gateTag(i.Secret.bytes[:])), "rv3r-hrNuDH3fSNAwqut2DsH-FdwSojKr7LW7fDwvLk"},
		{"device", b64(h.deviceTag(i.Secret.bytes[:])), "Meeb_5l6UfD1nvqsWLt3Z-LuqXI853tCrIBOK9iTqeg"},
		{"key", hex.EncodeToString(key.bytes[:]), "74c790b338dcde6ec846cfeb4666585a07fadfa74b4ae125ac220536cc8e49f1"},
		{"id", id.String(), "5EW050XQ81jl"},
		{"welcome", b64(h.welcomeTag(key.bytes[:], id, p)), "WSASYhZo0lzke__mC8rGX5Y2iB_tg_duaVi5JKM0IuU"},
		{"login gateway", b64(login.gateTag(key.bytes[:])), "s6-M-omTkz38jt0L6MvdlFDuBvDLhuJRfhL8vRMyerk"},
		{"login device", b64(login.deviceTag(key.bytes[:])), "TtzUQQ5Y39UemYvlwLE8luhGAxTkjtXGvfG6coabCYw"},
		{"login welcome", b64(login.welcomeTag(key.bytes[:], id, p)), "SZBcby6f-0AU2YvzdebBXNTMGVw28fnjB2J0XZAN2UQ"},
		{"credential", Credential{origin, id, key}.Export(), "AeRFtOdF0PNY5XTHkLM43N5uyEbP60ZmWFoH-t-nS0rhJawiBTbMjknxp58WaA"},
		{"token", formatToken(i.ID, i.Secret.bytes), "gp1aeaqeayeaudaocajcaireeyuculbogazdinryhi6d765fqn6"},
		{"token hash", hex.EncodeToString(hash[:]), "80a08b68a2caa9ec55654272280aef11875645af325a110ef61bc84ff24e1514"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}

// run fills b with the numbers from first on.
func run(b []byte, first byte) {
	for i := range b {
		b[i] = first + byte(i)
	}
}
