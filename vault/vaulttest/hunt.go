//go:build !js

package vaulttest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// minLine is the shortest line of a secret of several lines that is looked for by
// itself, in bytes.
const minLine = 16

// Shown says in which form data holds a secret: in clear, backwards, in hexadecimal,
// as in a web address, quoted, in UTF-16 or in base64; "" if in none of them. Of a
// secret with several lines, such as a key in PEM form, each long line is one too.
func Shown(data []byte, secret string) string {
	if secret == "" {
		return ""
	}
	lower := bytes.ToLower(data)
	if form := shown(data, lower, secret); form != "" {
		return form
	}
	for line := range strings.Lines(secret) {
		line = strings.TrimSpace(line)
		if len(line) < minLine || line == secret || strings.HasPrefix(line, "-----") {
			continue
		}
		if form := shown(data, lower, line); form != "" {
			return form + ", a line of it"
		}
	}
	return ""
}

func shown(data, lower []byte, secret string) string {
	back := []byte(secret)
	slices.Reverse(back)
	var wide []byte
	for _, unit := range utf16.Encode([]rune(secret)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	quoted := strconv.Quote(secret)
	for _, f := range []struct{ name, text string }{
		{"clear", secret}, {"clear, backwards", string(back)}, {"hexadecimal", hex.EncodeToString([]byte(secret))},
		{"a web address", url.QueryEscape(secret)}, {"a web address", url.PathEscape(secret)}, {"quotes", quoted[1 : len(quoted)-1]}, {"UTF-16", string(wide)},
	} {
		if bytes.Contains(lower, bytes.ToLower([]byte(f.text))) {
			return f.name
		}
	}
	// Base64 of it at each of the three offsets at which it can stand.
	for shift := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(append(make([]byte, shift), secret...))
			text = text[(shift*8+5)/6 : len(text)-1] // what depends on its neighbours goes
			if text != "" && bytes.Contains(data, []byte(text)) {
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
