// Package label reads and writes the labels of wallets as other programs do: one JSON object a line.
//
// It refuses files, lines and numbers of lines beyond its bounds, passes over what it does not know, and cuts labels
// that are too long or hold what hides or turns text; Result tells of both.
//
// Specification: BIP329.
package label

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is read.
const (
	MaxFile    = 16 << 20 // bytes
	maxLine    = 16 << 10 // bytes
	MaxRecords = 100_000
	MaxLabel   = 255 // characters, as BIP329 suggests
	maxRef     = 256 // bytes
	maxOrigin  = 200 // bytes
)

var (
	// ErrTooLong says that a file, or a line of it, is longer than labels ever are.
	ErrTooLong = errors.New("that is too long for a file of labels")
	// ErrFormat says that a line is no JSON object, and so the file none of labels.
	ErrFormat = errors.New("that is no file of labels (BIP329)")
)

// Type is what a label is of.
type Type string

// The types of BIP329.
const (
	Tx      Type = "tx"
	Address Type = "addr"
	PubKey  Type = "pubkey"
	Input   Type = "input"
	Output  Type = "output"
	XPub    Type = "xpub"
)

func types() []Type { return []Type{Tx, Address, PubKey, Input, Output, XPub} }

// Record is one label.
type Record struct {
	Type      Type   `json:"type"`
	Ref       string `json:"ref"`
	Label     string `json:"label,omitempty"`
	Origin    string `json:"origin,omitempty"`
	Spendable *bool  `json:"spendable,omitempty"` // of outputs alone; nil when it is not said
}

// Result is what became of the lines of a file.
type Result struct {
	Taken   int
	Skipped int // of an unknown type, or nonsense
	Cut     int // labels that were too long
}

// Parse reads a file of labels. Lines of types that it does not know are skipped, as BIP329 asks.
func Parse(r io.Reader) ([]Record, Result, error) {
	var list []Record
	var result Result
	limited := &io.LimitedReader{R: r, N: MaxFile + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	for lines.Scan() {
		line := bytes.TrimPrefix(bytes.TrimSpace(lines.Bytes()), []byte("\ufeff"))
		if len(line) == 0 {
			continue
		}
		if len(list)+result.Skipped >= MaxRecords {
			return nil, Result{}, ErrTooLong
		}
		var x Record
		if err := json.Unmarshal(line, &x); err != nil {
			var kind *json.UnmarshalTypeError
			if errors.As(err, &kind) && line[0] == '{' {
				result.Skipped++ // a field of another type than ours
				continue
			}
			return nil, Result{}, ErrFormat
		}
		cut := false
		if x.Label, cut = Clean(x.Label); cut {
			result.Cut++
		}
		if !x.good() {
			result.Skipped++
			continue
		}
		list = append(list, x)
	}
	if limited.N <= 0 || errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, Result{}, ErrTooLong
	}
	if err := lines.Err(); err != nil {
		return nil, Result{}, fmt.Errorf("read labels: %w", err)
	}
	result.Taken = len(list)
	return list, result, nil
}

// good tells whether a record is one to keep.
func (x *Record) good() bool {
	if !slices.Contains(types(), x.Type) || x.Ref == "" || len(x.Ref) > maxRef || len(x.Origin) > maxOrigin {
		return false
	}
	for _, s := range []string{x.Ref, x.Origin} {
		for i := range len(s) {
			if s[i] <= ' ' || s[i] > '~' {
				return false
			}
		}
	}
	if x.Type != Output {
		x.Spendable = nil
	}
	return true
}

// Clean cuts a label to what can be kept and shown: MaxLabel characters of one line, none that hides or turns text.
func Clean(s string) (clean string, cut bool) {
	before := s
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\ufffd"))
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == MaxLabel {
			break
		}
		if r != '\u200d' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) {
			continue
		}
		b.WriteRune(r)
		n++
	}
	clean = strings.TrimSpace(b.String())
	return clean, utf8.RuneCountInString(clean) < utf8.RuneCountInString(strings.TrimSpace(before))
}

// Write writes labels, a line each.
func Write(w io.Writer, list []Record) error {
	out := bufio.NewWriter(w)
	for _, x := range list {
		var line bytes.Buffer
		e := json.NewEncoder(&line) // ends in a line feed
		e.SetEscapeHTML(false)
		if err := e.Encode(x); err != nil {
			return fmt.Errorf("write labels: %w", err)
		}
		if _, err := out.Write(line.Bytes()); err != nil {
			return fmt.Errorf("write labels: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write labels: %w", err)
	}
	return nil
}
