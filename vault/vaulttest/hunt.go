//go:build !js

package vaulttest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Shown says in which form data holds a secret: in clear, backwards, in
// hexadecimal or in base64; "" if in none of them.
func Shown(data []byte, secret string) string {
	lower := bytes.ToLower(data)
	back := []byte(secret)
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	for _, f := range []struct{ name, text string }{{"clear", secret}, {"clear, backwards", string(back)}, {"hexadecimal", hex.EncodeToString([]byte(secret))}} {
		if bytes.Contains(lower, []byte(strings.ToLower(f.text))) {
			return f.name
		}
	}
	// Base64 of it at each of the three offsets at which it can stand.
	for shift := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(append(make([]byte, shift), secret...))
			text = text[(shift*8+5)/6 : len(text)-1] // what depends on its neighbours goes
			if bytes.Contains(data, []byte(text)) {
				return "base64"
			}
		}
	}
	return ""
}

// Search fails the test for each file below dir that holds one of the secrets,
// and returns how many files and bytes it looked at. Files whose names begin
// with except, unless that is empty, are passed over.
func Search(t *testing.T, dir, except string, secrets ...string) (files, size int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || except != "" && strings.HasPrefix(e.Name(), except) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files, size = files+1, size+len(data)
		for i, s := range secrets {
			if form := Shown(data, s); form != "" {
				t.Errorf("%s holds secret %d in %s", e.Name(), i+1, form)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, size
}
