//go:build !js

package vaulttest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
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
	if Shown([]byte("planted-first-4712"), secret) != "" || Shown([]byte("anything"), "") != "" || Shown(nil, secret) != "" {
		t.Error("found where it is not")
	}
	// A key of several lines: in quotes, in JSON, cut into its lines, in an address.
	const begin = "-----BEGIN EC PRIV" + "ATE KEY-----\n" // in parts, for those who look for keys in sources
	pem := begin + "MHcCAQEEIPlanted/Key+4711=\nshort\nAnotherLineOfTheKey00\n-----END EC PRIV" + "ATE KEY-----\n"
	marshalled, err := json.Marshal(map[string]string{"key": pem})
	if err != nil {
		t.Fatal(err)
	}
	wide := ""
	for _, c := range secret {
		wide += string(c) + "\x00"
	}
	for what, data := range map[string]string{"JSON": string(marshalled), "quotes": fmt.Sprintf("%q", pem), "one line": "an error: AnotherLineOfTheKey00", "an address": "?key=" + url.QueryEscape("MHcCAQEEIPlanted/Key+4711="),
		"base64 of a line": base64.StdEncoding.EncodeToString([]byte("xAnotherLineOfTheKey00"))} {
		if Shown([]byte(data), pem) == "" {
			t.Errorf("%s: not found in %q", what, data)
		}
	}
	if Shown([]byte(wide), secret) == "" {
		t.Error("not found in UTF-16")
	}
	if form := Shown([]byte(begin+"short\n"), pem); form != "" {
		t.Errorf("what every key has was taken for it: %s", form)
	}
}

// A file below a folder is searched whatever its name.
func TestSearch(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", ".b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", ".b", ".c"), []byte("nothing here"), 0o600); err != nil {
		t.Fatal(err)
	}
	if files, size := Search(t, dir, "", "planted-first-4711"); files != 1 || size != 12 {
		t.Errorf("%d files, %d bytes", files, size)
	}
}
