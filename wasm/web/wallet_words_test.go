//go:build !js

package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"goldpan/assets"
)

// walletTexts reads a language of the wallet; a text that counts has several forms.
func walletTexts(t *testing.T, language string) map[string]map[string]string {
	t.Helper()
	b, err := os.ReadFile("wallet." + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatalf("%s: %v", language, err)
	}
	texts := map[string]map[string]string{}
	for key, v := range raw {
		texts[key] = map[string]string{}
		switch v := v.(type) {
		case string:
			texts[key]["other"] = v
		case map[string]any:
			for form, text := range v {
				texts[key][form], _ = text.(string)
			}
		}
	}
	return texts
}

// Each language of the wallet says what English says, with its places and its own plural forms; and each text is used.
func TestWalletTranslations(t *testing.T) {
	place := regexp.MustCompile(`\{\w+\}`)
	places := func(forms map[string]string) []string {
		var all []string
		for _, text := range forms {
			all = append(all, place.FindAllString(text, -1)...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	english := walletTexts(t, "en")
	for _, language := range assets.Languages() {
		texts, same := walletTexts(t, language), 0
		for key := range texts {
			if english[key] == nil {
				t.Errorf("%s: %q is not in English", language, key)
			}
		}
		for key, source := range english {
			forms := texts[key]
			if forms == nil {
				t.Errorf("%s: %q is missing", language, key)
				continue
			}
			if got, want := places(forms), places(source); !slices.Equal(got, want) {
				t.Errorf("%s: %q has the places %q, want %q", language, key, got, want)
			}
			for form, text := range forms {
				if text == "" || strings.TrimSpace(text) != text || strings.ContainsAny(text, "<>&\n\t") {
					t.Errorf("%s: %q, %s: %q", language, key, form, text)
				}
			}
			if language != "en" && forms["other"] == source["other"] && len(forms["other"]) > 12 && key != "wallet.named" {
				same++
			}
			if len(source) == 1 {
				continue
			}
			for _, n := range []float64{0, 1, 2, 5, 1_000_000} {
				if c := assets.Category(language, n); forms[c] == "" {
					t.Errorf("%s: %q has no form %q", language, key, c)
				}
			}
		}
		if same > 2 {
			t.Errorf("%s: %d texts are the English ones", language, same)
		}
	}

	// Keys that are put together, as "wallet.error." + code, use all of their family.
	whole := regexp.MustCompile(`"(wallet\.[a-z]+(?:\.[a-z]+)*)"`)
	family := regexp.MustCompile(`"(wallet\.(?:[a-z]+\.)+)" ?\+`)
	used, families := map[string]bool{}, []string{}
	scripts, err := filepath.Glob("wallet*.js")
	if err != nil || len(scripts) < 5 {
		t.Fatalf("%q %v", scripts, err)
	}
	for _, name := range scripts {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range whole.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
			if english[m[1]] == nil && m[1] != "wallet.css" {
				t.Errorf("%s says %q, which no language has", name, m[1])
			}
		}
		for _, m := range family.FindAllStringSubmatch(string(b), -1) {
			families = append(families, m[1])
		}
	}
	for key := range english {
		if !used[key] && !slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(key, f) }) {
			t.Errorf("%q is not used", key)
		}
	}
	// Each word that the wallet's program has for what went wrong has a text.
	b, err := os.ReadFile(filepath.Join("..", "wallet", "counter", "known.go"))
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`\}?, "([a-z]+)"\},`).FindAllStringSubmatch(string(b), -1)
	if len(codes) < 30 {
		t.Fatalf("%d words for what went wrong", len(codes))
	}
	for _, m := range codes {
		if english["wallet.error."+m[1]] == nil {
			t.Errorf("no text says wallet.error.%s", m[1])
		}
	}
}
