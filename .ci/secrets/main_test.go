package main

import (
	"strings"
	"testing"

	"github.com/tyler-smith/go-bip39/wordlists"
)

// planted makes the secrets that the scan must catch. They are put together here
// so that this file itself holds none.
func planted() map[string]string {
	base58 := strings.Repeat("9Az", 40)
	words := wordlists.English[100:112]
	return map[string]string{
		"a private key":                         "-----BEGIN " + "EC PRIVATE KEY-----",
		"an age identity":                       "AGE-SECRET-" + "KEY-1" + strings.Repeat("Q2", 29),
		"an extended private key":               `key := "xp` + "rv" + base58[:107] + `"`,
		"a private key in wallet import format": "K" + "x" + base58[:50],
		"a cloud access key":                    "AK" + "IA" + strings.Repeat("Z7", 8),
		"an access token":                       "token gh" + "p_" + strings.Repeat("aZ9", 12),
		"a key or password with its value":      `api_` + `key = "` + strings.Repeat("q7", 16) + `"`,
		"a path of somebody's machine":          `dir = "/ho` + `me/alice/goldpan"`,
		"wallet words":                          "// " + strings.Join(words, " "),
	}
}

func TestScanCatchesPlanted(t *testing.T) {
	kinds := map[string]bool{"wallet words": true}
	for _, r := range rules {
		if r.files == nil {
			kinds[r.kind] = true
		}
	}
	for kind := range kinds {
		text, ok := planted()[kind]
		if !ok {
			t.Errorf("nothing is planted for %s", kind)
			continue
		}
		got := scan("core/x.go", []byte("package x\n\n"+text+"\n"), nil)
		if len(got) != 1 || got[0].kind != kind || got[0].line != 3 {
			t.Errorf("%s: found %v", kind, got)
		}
		if len(got) > 0 && strings.Contains(got[0].String(), text) {
			t.Errorf("%s: the finding repeats the secret", kind)
		}
	}
}

func TestScanCatchesRegistryHosts(t *testing.T) {
	line := []byte(`"resolved": "https://registry.example/x.tgz"`)
	if got := scan("wasm/web/package-lock.json", line, nil); len(got) != 1 {
		t.Errorf("in a lock file: found %v", got)
	}
	if got := scan("README.md", line, nil); len(got) != 0 {
		t.Errorf("in a text: found %v", got)
	}
}

func TestScanKnowsVectors(t *testing.T) {
	for kind, text := range planted() {
		allowed := false
		for _, r := range rules {
			allowed = allowed || r.kind == kind && r.vectors
		}
		allowed = allowed || kind == "wallet words"
		if got := scan("wallet/hd/testdata/vectors.json", []byte(text), nil); (len(got) == 0) != allowed {
			t.Errorf("%s in testdata: found %v, allowed %v", kind, got, allowed)
		}
	}
}

func TestPhrases(t *testing.T) {
	w := wordlists.English[500:524]
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"twelve in a line":     {strings.Join(w[:12], " "), true},
		"a list in Go":         {`"` + strings.Join(w[:12], `", "`) + `"`, true},
		"one a line, numbered": {"1. " + strings.Join(w[:12], "\n2. "), true},
		"capitals":             {strings.ToUpper(strings.Join(w, " ")), true},
		"a published vector":   {strings.Repeat("abandon ", 11) + "about", false},
		"a table of times":     {strings.Repeat("time.Second, 1: time.Minute, ", 12), false},
		"eleven":               {strings.Join(w[:11], " "), false},
		"cut by another word":  {strings.Join(w[:8], " ") + " the " + strings.Join(w[8:16], " "), false},
		"cut by a sign":        {strings.Join(w[:8], " ") + " = " + strings.Join(w[8:16], " "), false},
	} {
		if got := len(phrases([]byte(c.text))) > 0; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestScanKnowsPublishedPhrases(t *testing.T) {
	w := append([]string(nil), wordlists.English[700:712]...)
	known := map[string]bool{strings.Join(w, " "): true}
	text := []byte(`words := "` + strings.Join(w, " ") + `"`)
	if got := scan("wallet/x_test.go", text, known); len(got) != 0 {
		t.Errorf("a published phrase: found %v", got)
	}
	w[3] = "zoo"
	text = []byte(`words := "` + strings.Join(w, " ") + `"`)
	if got := scan("wallet/x_test.go", text, known); len(got) != 1 {
		t.Errorf("one other word: found %v", got)
	}
}

func TestScanPassesBinary(t *testing.T) {
	if got := scan("assets/icons/icon.png", []byte("\x89PNG\x00"+planted()["a cloud access key"]), nil); got != nil {
		t.Errorf("found %v", got)
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range planted() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Count(string(text), "\n") + 1
		for _, got := range scan("x.go", text, nil) {
			if got.line < 1 || got.line > lines {
				t.Fatalf("line %d of %d", got.line, lines)
			}
		}
	})
}
