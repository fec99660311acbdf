//go:build !js

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"regexp"

	"goldpan/assets"
)

// texts returns a language's file as the page fetches it: without what only eases reading it.
func texts(language string) ([]byte, error) {
	b, err := assets.Translation(language)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		return nil, fmt.Errorf("translation %s: %w", language, err)
	}
	return out.Bytes(), nil
}

var (
	inside   = regexp.MustCompile(`(data-text="([^"]+)"[^>]*>)(</)`)
	label    = regexp.MustCompile(`data-label="([^"]+)"`)
	alt      = regexp.MustCompile(`data-alt="([^"]+)"`)
	content  = regexp.MustCompile(`data-content="([^"]+)"`)
	each     = regexp.MustCompile(`( data-texts="([^"]+)">)(</)`)
	chooser  = regexp.MustCompile(` data-languages>(</)`)
	unfilled = regexp.MustCompile(`data-(content="|texts="|languages>)`)
)

// written returns index.html with the English texts in their places, so that it says something before, and even if
// never, a script runs; and with the names of the languages to choose from.
func written(page []byte) ([]byte, error) {
	var failed error
	text := func(language, key []byte) []byte {
		s := assets.Speak(string(language)).Text(string(key))
		if s == "" {
			failed = fmt.Errorf("index.html: there is no text %q", key)
		}
		return []byte(html.EscapeString(s))
	}
	english := []byte("en")
	replace := func(with *regexp.Regexp, by func(found [][]byte) []byte) {
		page = with.ReplaceAllFunc(page, func(whole []byte) []byte { return by(with.FindSubmatch(whole)) })
	}
	replace(inside, func(m [][]byte) []byte { return bytes.Join([][]byte{m[1], text(english, m[2]), m[3]}, nil) })
	replace(label, func(m [][]byte) []byte {
		return fmt.Appendf(nil, `data-label="%s" aria-label="%s"`, m[1], text(english, m[1]))
	})
	replace(alt, func(m [][]byte) []byte {
		return fmt.Appendf(nil, `data-alt="%s" alt="%s"`, m[1], text(english, m[1]))
	})
	replace(content, func(m [][]byte) []byte { return fmt.Appendf(nil, `content="%s"`, text(english, m[1])) })
	replace(each, func(m [][]byte) []byte {
		out := []byte(">")
		for _, l := range assets.Languages() {
			out = fmt.Appendf(out, `<p class="notice bad" lang="%s">%s</p>`, l, text([]byte(l), m[2]))
		}
		return append(out, m[3]...)
	})
	replace(chooser, func(m [][]byte) []byte {
		out := []byte(">")
		for _, l := range assets.Languages() {
			out = fmt.Appendf(out, `<option value="%s" lang="%s">%s</option>`, l, l, text([]byte(l), []byte("language")))
		}
		return append(out, m[1]...)
	})
	if left := unfilled.Find(page); left != nil && failed == nil {
		failed = fmt.Errorf("index.html: %s stands where it cannot be filled", left)
	}
	return page, failed
}
