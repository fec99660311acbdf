//go:build !js

package vaulttest

import (
	"encoding/base64"
	"encoding/hex"
	"testing"
)

// The search finds what it is there to find.
func TestShown(t *testing.T) {
	const secret = "planted-first-4711"
	for _, data := range []string{"x" + secret, "x" + hex.EncodeToString([]byte("ab"+secret)), base64.StdEncoding.EncodeToString([]byte(secret + "z")),
		base64.StdEncoding.EncodeToString([]byte("a" + secret + "zz")), base64.URLEncoding.EncodeToString([]byte("ab" + secret)), "1174-tsrif-detnalp"} {
		if Shown([]byte(data), secret) == "" {
			t.Errorf("not found in %q", data)
		}
	}
	if Shown([]byte("planted-first-4712"), secret) != "" {
		t.Error("found where it is not")
	}
}
