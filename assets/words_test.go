package assets

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, tag string) map[string]forms {
	t.Helper()
	b, err := Translation(tag)
	if err != nil {
		t.Fatal(err)
	}
	l, err := parseLanguage(tag, b)
	if err != nil {
		t.Fatal(err)
	}
	return l.texts
}

// categories lists what a language's counting texts must have (CLDR 46, cardinals).
func categories(tag string) []string {
	var all []string
	for _, n := range []float64{0, 1, 2, 5, 1_000_000, 1.5} {
		if c := Category(tag, n); !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	slices.Sort(all)
	return all
}

var (
	place  = regexp.MustCompile(`\{(\w+)\}`)
	sound  = regexp.MustCompile(`^[a-z]+(\.[a-z]+)*$`)
	markup = regexp.MustCompile(`[<>&\n\t]|  `)
)

func places(f forms) []string {
	var all []string
	for _, text := range f {
		for _, m := range place.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(all, m[1]) {
				all = append(all, m[1])
			}
		}
	}
	slices.Sort(all)
	return all
}

// Every language says what English says, with the same places to fill and with its own plural forms.
func TestTranslationsAgree(t *testing.T) {
	want := []string{"en", "de", "es", "fr", "ja", "pt", "zh"}
	if got := Languages(); !slices.Equal(got, want) {
		t.Fatalf("the languages are %q, want %q", got, want)
	}
	english := read(t, "en")
	for _, tag := range Languages() {
		texts := read(t, tag)
		for key := range texts {
			if _, ok := english[key]; !ok {
				t.Errorf("%s: %q is not in English", tag, key)
			}
		}
		same := 0
		for key, source := range english {
			f, ok := texts[key]
			if !ok {
				t.Errorf("%s: %q is missing", tag, key)
				continue
			}
			if !sound.MatchString(key) {
				t.Errorf("%q is no key", key)
			}
			if got, want := places(f), places(source); !slices.Equal(got, want) {
				t.Errorf("%s: %q has the places %q, want %q", tag, key, got, want)
			}
			for category, text := range f {
				if strings.TrimSpace(text) != text || text == "" || markup.MatchString(text) {
					t.Errorf("%s: %q, %s: %q", tag, key, category, text)
				}
			}
			if len(f) == 1 && len(source) == 1 {
				if tag != "en" && f["other"] == source["other"] {
					same++
				}
				continue
			}
			var have []string
			for category := range f {
				have = append(have, category)
			}
			slices.Sort(have)
			if want := categories(tag); !slices.Equal(have, want) {
				t.Errorf("%s: %q has the forms %q, want %q", tag, key, have, want)
			}
		}
		if same > 8 { // "Nonce" and the like
			t.Errorf("%s: %d texts are the English ones", tag, same)
		}
		if d := texts["direction"]["other"]; d != "ltr" && d != "rtl" {
			t.Errorf("%s: direction %q", tag, d)
		}
	}
}

// A key that stands in no program is of no use, and one that stands there and not in the translations says nothing.
// Keys that are put together, as "reason." + code, use all of their family.
func TestTranslationsAreUsed(t *testing.T) {
	literal := regexp.MustCompile(`["'` + "`" + `]([a-z]+(?:\.[a-z]+)+)["'` + "`" + `]`)
	family := regexp.MustCompile(`["'` + "`" + `]([a-z]+\.)["'` + "`" + `] ?\+`)
	known := read(t, "en")
	kinds := map[string]bool{}
	for key := range known {
		kind, _, _ := strings.Cut(key, ".")
		kinds[kind] = true
	}
	used, families := map[string]bool{"language": true, "direction": true}, map[string]bool{}
	for _, root := range []string{"../app", "../wasm"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "dist" || d.Name() == "node_modules" || d.Name() == "bench") {
				return fs.SkipDir
			}
			ext := filepath.Ext(name)
			if d.IsDir() || strings.HasSuffix(name, "_test.go") || (ext != ".go" && ext != ".js" && ext != ".html") {
				return nil
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for _, m := range literal.FindAllStringSubmatch(string(b), -1) {
				key := m[1]
				kind, _, _ := strings.Cut(key, ".")
				if _, ok := known[key]; !ok && kinds[kind] && ext != ".go" && !strings.HasSuffix(key, ".js") {
					t.Errorf("%s uses %q, which no translation has", name, key)
				}
				used[key] = true
			}
			for _, m := range family.FindAllStringSubmatch(string(b), -1) {
				families[m[1]] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for key := range known {
		kind, _, _ := strings.Cut(key, ".")
		if !used[key] && !families[kind+"."] {
			t.Errorf("%q is used nowhere", key)
		}
	}
}

// Sizes and forms from CLDR 46, supplemental/plurals.xml, and its locales' number patterns.
func TestCategoriesAndNumbers(t *testing.T) {
	for _, c := range []struct {
		tag  string
		n    float64
		want string
	}{
		{"en", 1, "one"}, {"en", 0, "other"}, {"en", 1.5, "other"}, {"en", 1e6, "other"}, {"de", 1, "one"}, {"de", 2, "other"},
		{"es", 1, "one"}, {"es", 1e6, "many"}, {"es", 2e6, "many"}, {"es", 1_000_001, "other"}, {"es", 0, "other"},
		{"fr", 0, "one"}, {"fr", 1.9, "one"}, {"fr", 2, "other"}, {"fr", 3e6, "many"}, {"pt", 0, "one"}, {"pt", 1, "one"}, {"pt", 2, "other"},
		{"pt", 1e6, "many"}, {"ja", 1, "other"}, {"zh", 1, "other"},
	} {
		if got := Category(c.tag, c.n); got != c.want {
			t.Errorf("%s: %v is %q, want %q", c.tag, c.n, got, c.want)
		}
	}
	for _, c := range []struct {
		tag    string
		n      float64
		digits int
		want   string
	}{
		{"en", 1234567.891, 2, "1,234,567.89"}, {"de", 1234.5, 1, "1.234,5"}, {"es", 1234, 0, "1234"}, {"es", 12345, 0, "12.345"},
		{"fr", 1234567, 0, "1\u202f234\u202f567"}, {"pt", 1234.5, 2, "1.234,50"}, {"ja", 12345, 0, "12,345"}, {"zh", -1234, 0, "-1,234"},
		{"en", -0.001, 2, "0.00"}, {"en", 999, 0, "999"},
	} {
		if got := Speak(c.tag).Number(c.n, c.digits); got != c.want {
			t.Errorf("%s: %v is %q, want %q", c.tag, c.n, got, c.want)
		}
	}
}

func TestSpeak(t *testing.T) {
	for _, c := range []struct {
		wanted []string
		want   string
	}{
		{nil, "en"}, {[]string{"de-CH"}, "de"}, {[]string{"pt_BR.UTF-8"}, "pt"}, {[]string{"xx", "ja"}, "ja"}, {[]string{"C", "POSIX"}, "en"},
		{[]string{"ZH-Hant-TW"}, "zh"}, {[]string{""}, "en"},
	} {
		if got := Speak(c.wanted...).Tag(); got != c.want {
			t.Errorf("%q speaks %q, want %q", c.wanted, got, c.want)
		}
	}
	var zero Language
	if zero.Tag() != "en" || zero.Text("page.stop") != "Stop" || zero.Text("no.such.text") != "" {
		t.Error("the zero value does not speak English")
	}
	if _, err := parseLanguage("xx", []byte(`{"a": 1}`)); err == nil {
		t.Error("a number is taken for a text")
	}
}

func ExampleLanguage_Plural() {
	l := Speak("de-AT", "en")
	fmt.Println(l.Text("page.stop"))
	fmt.Println(l.Plural("cores.work", 1), l.Plural("cores.work", 2))
	fmt.Println(l.Text("settings.lanes.of", Places{"n": 1234, "all": 3}))
	// Output:
	// Stopp
	// 1 Kern arbeitet. 2 Kerne arbeiten.
	// 1.234 von 3
}
