// Command secrets looks through the tree for what must never be in it: private
// keys, extended private keys, API keys, wallet words, paths of somebody's
// machine, and registry hosts in lock files.
//
// It reads the files that git tracks or would add. Published vectors in testdata
// may hold keys and words; nothing else may, and a line cannot excuse itself.
// What it finds it names by place and kind, and never prints.
//
// Usage, from the root of the tree: go run ./.ci/secrets
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"unicode"

	"github.com/tyler-smith/go-bip39/wordlists"
)

// rule is one kind of secret.
type rule struct {
	kind    string
	pattern *regexp.Regexp
	vectors bool                   // allowed in testdata
	files   func(name string) bool // nil: every file
}

var rules = []rule{
	{kind: "a private key", vectors: true,
		pattern: regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----`)},
	{kind: "an age identity", vectors: true,
		pattern: regexp.MustCompile(`AGE-SECRET-KEY-1[0-9A-Z]{58}`)},
	{kind: "an extended private key", vectors: true,
		pattern: regexp.MustCompile(`\b[xyztuvdL][pg][rp][vk][1-9A-HJ-NP-Za-km-z]{100,112}\b`)},
	{kind: "a private key in wallet import format", vectors: true,
		pattern: regexp.MustCompile(`\b(5[HJK][1-9A-HJ-NP-Za-km-z]{49}|[KLTc][1-9A-HJ-NP-Za-km-z]{51})\b`)},
	{kind: "a cloud access key",
		pattern: regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{kind: "an access token",
		pattern: regexp.MustCompile(`\b(gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,}|glpat-[0-9A-Za-z_-]{20,}|xox[abprs]-[0-9A-Za-z-]{20,}|sk_live_[0-9A-Za-z]{20,}|sk-[0-9A-Za-z_-]{40,}|AIza[0-9A-Za-z_-]{35}|npm_[0-9A-Za-z]{36})`)},
	{kind: "a key or password with its value",
		pattern: regexp.MustCompile(`(?i)(api[_-]?key|api[_-]?secret|secret[_-]?key|access[_-]?token|client[_-]?secret|passw(or)?d)["']?\s*[:=]+\s*["'][0-9A-Za-z+/_=-]{24,}["']`)},
	{kind: "a path of somebody's machine",
		pattern: regexp.MustCompile(`(^|[\s"'=:(\x60])(/home/[a-z0-9_.-]+/|/root/|/Users/[A-Za-z0-9_.-]+/|/work/(main|shared)\b|[A-Z]:\\Users\\[A-Za-z0-9_.-]+)`)},
	{kind: "a registry's host in a lock file", files: lockFile,
		pattern: regexp.MustCompile(`https?://[a-z0-9.-]+`)},
}

func lockFile(name string) bool {
	switch path.Base(name) {
	case "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc", "go.sum", "go.work.sum":
		return true
	}
	return false
}

// maxFile bounds what is read of one file, in bytes. A larger one is an error:
// it would be passed over.
const maxFile = 16 << 20

// finding is one place, without what stands there.
type finding struct {
	file string
	line int
	kind string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.kind) }

// scan looks through one file.
func scan(name string, text []byte) []finding {
	if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
		return nil // a picture or another binary
	}
	vectors := strings.Contains("/"+name, "/testdata/")
	var out []finding
	line := 0
	for l := range bytes.Lines(text) {
		line++
		for _, r := range rules {
			if r.vectors && vectors || r.files != nil && !r.files(name) {
				continue
			}
			if r.pattern.Match(l) {
				out = append(out, finding{name, line, r.kind})
			}
		}
	}
	if !vectors {
		for _, line := range wordRuns(text) {
			out = append(out, finding{name, line, "wallet words"})
		}
	}
	return out
}

// shortest is the least number of words that make a wallet.
const shortest = 12

// wordRuns finds the lines where runs of wallet words begin. Between the words
// may be spaces, line breaks, quotes, commas and numbering. A run of one word
// repeated and a last one is a published vector's ("abandon … about"): chance
// gives nobody such words.
func wordRuns(text []byte) []int {
	var out []int
	run, start, line := 0, 0, 1
	different := map[string]bool{}
	end := func() {
		if run >= shortest && len(different) > 2 {
			out = append(out, start)
		}
		run = 0
		clear(different)
	}
	for i := 0; i < len(text); {
		c := rune(text[i])
		switch {
		case c < unicode.MaxASCII && unicode.IsLetter(c):
			j := i
			for j < len(text) && (text[j]|0x20 >= 'a' && text[j]|0x20 <= 'z') {
				j++
			}
			if w := strings.ToLower(string(text[i:j])); words[w] {
				if run == 0 {
					start = line
				}
				run++
				different[w] = true
			} else {
				end()
			}
			i = j
		case c == '\n':
			line++
			i++
		case strings.ContainsRune(" \t\r\"'`,.;:|[](){}0123456789-_/*#\\", c):
			i++
		default:
			end()
			i++
		}
	}
	end()
	return out
}

var words = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range wordlists.English {
		m[w] = true
	}
	return m
}()

// tree lists the files that git tracks or would add.
func tree() ([]string, error) {
	out, err := exec.Command("git", "ls-files", "-co", "--exclude-standard", "-z").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), nil
}

func run() ([]finding, error) {
	names, err := tree()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("git lists no file")
	}
	var all []finding
	for _, name := range names {
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // deleted, or a link to what is looked at by its own name
		}
		if err != nil {
			return nil, err
		}
		if info.Size() > maxFile {
			return nil, fmt.Errorf("%s is too large to look through", name)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, scan(name, text)...)
	}
	return all, nil
}

func main() {
	found, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "secrets:", err)
		os.Exit(1)
	}
	for _, f := range found {
		fmt.Fprintln(os.Stderr, f)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "secrets: none")
}
