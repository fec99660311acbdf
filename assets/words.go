package assets

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Language is one of the languages that Goldpan speaks. The texts are translations/TAG.json: one object, from a key
// to a text or to the forms of a text that counts something:
//
//	"page.start": "Start mining",
//	"cores.work": {"one": "{n} core at work.", "other": "{n} cores at work."}
//
// A place in braces is filled by the caller; a text that counts chooses its form by the place n, by the plural
// categories of Unicode's CLDR (one, many, other, …; "other" always stands). A text is plain: no markup, no line
// breaks. What stands before a key's first dot says where it is shown. Each file has every key of en.json with the
// same places; "language" is the language's name in itself, "direction" ltr or rtl.
//
// The zero value speaks English. A Language is immutable.
type Language struct {
	tag   string
	texts map[string]forms
}

// forms is one text by plural category; a text that counts nothing has "other" alone.
type forms map[string]string

func (f *forms) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*f = forms{"other": one}
		return nil
	}
	return json.Unmarshal(b, (*map[string]string)(f))
}

// Places fill a text's {places}. Numbers (int, int64, uint64, float64) are written as the language writes them.
type Places map[string]any

// Languages lists the tags of the translations, English first, the others in the order of their tags.
func Languages() []string {
	entries, err := files.ReadDir("translations")
	if err != nil {
		panic("assets: " + err.Error()) // the folder is embedded
	}
	tags := []string{"en"}
	for _, e := range entries {
		if tag, ok := strings.CutSuffix(e.Name(), ".json"); ok && tag != "en" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// spoken reads every translation once.
var spoken = sync.OnceValue(func() map[string]Language {
	all := map[string]Language{}
	for _, tag := range Languages() {
		l, err := parseLanguage(tag, mustRead("translations/"+tag+".json"))
		if err != nil {
			panic("assets: " + err.Error()) // a test reads them all
		}
		all[tag] = l
	}
	return all
})

func parseLanguage(tag string, b []byte) (Language, error) {
	l := Language{tag: tag}
	if err := json.Unmarshal(b, &l.texts); err != nil {
		return Language{}, fmt.Errorf("translation %s: %w", tag, err)
	}
	return l, nil
}

// Speak returns the first of the wanted languages that Goldpan speaks, or English. A wanted language is a tag as
// browsers ("pt-BR") or systems ("pt_BR.UTF-8") write it.
func Speak(wanted ...string) Language {
	for _, w := range wanted {
		w, _, _ = strings.Cut(strings.ToLower(w), ".")
		w = strings.ReplaceAll(w, "_", "-")
		short, _, _ := strings.Cut(w, "-")
		for _, tag := range []string{w, short} {
			if l, ok := spoken()[tag]; ok {
				return l
			}
		}
	}
	return spoken()["en"]
}

// Tag is the language's tag, such as "en".
func (l Language) Tag() string {
	if l.tag == "" {
		return "en"
	}
	return l.tag
}

// Text is the text of a key with its places filled. A text that counts takes its form from the place "n". A key
// that the language lacks is said in English; "" if English lacks it too.
func (l Language) Text(key string, places ...Places) string {
	f, ok := l.texts[key]
	if !ok {
		if f, ok = spoken()["en"].texts[key]; !ok {
			return ""
		}
	}
	fill := Places{}
	for _, p := range places {
		for name, value := range p {
			fill[name] = value
		}
	}
	text, ok := f[Category(l.Tag(), magnitude(fill["n"]))]
	if !ok {
		text = f["other"]
	}
	for name, value := range fill {
		text = strings.ReplaceAll(text, "{"+name+"}", l.write(value))
	}
	return text
}

// Plural is Text for a text that counts n.
func (l Language) Plural(key string, n float64, places ...Places) string {
	return l.Text(key, append(slices.Clone(places), Places{"n": n})...)
}

func (l Language) write(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int, int64, uint64, float64:
		n := magnitude(v)
		if n == math.Trunc(n) {
			return l.Number(n, 0)
		}
		return l.Number(n, 2)
	}
	return fmt.Sprint(value)
}

func magnitude(value any) float64 {
	switch v := value.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

// Number writes a number with so many digits after the point, as the language writes it.
func (l Language) Number(n float64, digits int) string {
	group, point, least := ",", ".", 4
	switch l.Tag() {
	case "de":
		group, point = ".", ","
	case "es": // four digits stand without a point
		group, point, least = ".", ",", 5
	case "pt":
		group, point = ".", ","
	case "fr":
		group, point = "\u202f", ","
	}
	whole, part, _ := strings.Cut(strconv.FormatFloat(math.Abs(n), 'f', digits, 64), ".")
	var b strings.Builder
	if math.Signbit(n) && strings.Trim(whole+part, "0") != "" {
		b.WriteByte('-')
	}
	for i, digit := range whole {
		if left := len(whole) - i; i > 0 && left%3 == 0 && len(whole) >= least {
			b.WriteString(group)
		}
		b.WriteRune(digit)
	}
	if part != "" {
		b.WriteString(point + part)
	}
	return b.String()
}

// Category is the plural category of a number in a language that Goldpan speaks, by CLDR 46 for numbers written in
// full: one, many or other.
func Category(language string, n float64) string {
	whole := n == math.Trunc(n)
	millions := whole && n != 0 && math.Mod(n, 1e6) == 0
	switch language {
	case "ja", "zh":
		return "other"
	case "fr":
		if math.Abs(n) < 2 {
			return "one"
		}
	case "pt":
		if math.Abs(n) < 2 {
			return "one"
		}
	default: // en, de, es
		if math.Abs(n) == 1 {
			return "one"
		}
	}
	if millions && (language == "es" || language == "fr" || language == "pt") {
		return "many"
	}
	return "other"
}
