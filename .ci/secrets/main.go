// Command secrets looks through the tree for what must never be in it: private
// keys, extended private keys, API keys, wallet words, paths of somebody's
// machine, and registry hosts in lock files.
//
// It reads the files that git tracks or would add. Published vectors in testdata
// may hold keys and words, and other files may repeat those words; nothing else
// may hold any, and a line cannot excuse itself.
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
	except  *regexp.Regexp         // what is none after all; taken out of a line first
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
		except:  regexp.MustCompile(`/home/ann/`), // Ann is nobody: tests speak of her home
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

// binary tells a picture or the like from a text.
func binary(text []byte) bool { return bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 }

// published tells whether a file holds vectors that the world has seen.
func published(name string) bool { return strings.Contains("/"+name, "/testdata/") }

// scan looks through one file. The phrases in known are published ones.
func scan(name string, text []byte, known map[string]bool) []finding {
	if binary(text) {
		return nil
	}
	vectors := published(name)
	var out []finding
	line := 0
	for l := range bytes.Lines(text) {
		line++
		for _, r := range rules {
			if r.vectors && vectors || r.files != nil && !r.files(name) {
				continue
			}
			text := l
			if r.except != nil {
				text = r.except.ReplaceAll(l, nil)
			}
			if r.pattern.Match(text) {
				out = append(out, finding{name, line, r.kind})
			}
		}
	}
	if !vectors {
		for _, p := range phrases(text) {
			if !known[p.words] {
				out = append(out, finding{name, p.line, "wallet words"})
			}
		}
	}
	return out
}

// A wallet has 12 words or more. Chance does not give fewer than 8 different ones.
const shortest, fewest = 12, 8

// phrase is a run of wallet words.
type phrase struct {
	line  int    // where it begins
	words string // in lower case, one space between them
}

// phrases finds the runs of wallet words. Between the words may be spaces, line
// breaks, quotes, commas and numbering. A few words said again and again, such as
// a published vector's "abandon … about" or a table's "time second", are none.
func phrases(text []byte) []phrase {
	var out []phrase
	var run []string
	start, line := 0, 1
	end := func() {
		if len(run) >= shortest {
			different := map[string]bool{}
			for _, w := range run {
				different[w] = true
			}
			if len(different) >= fewest {
				out = append(out, phrase{start, strings.Join(run, " ")})
			}
		}
		run = run[:0]
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
				if len(run) == 0 {
					start = line
				}
				run = append(run, w)
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
	texts := map[string][]byte{}
	known := map[string]bool{}
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
		if texts[name], err = os.ReadFile(name); err != nil {
			return nil, err
		}
		if published(name) {
			for _, p := range phrases(texts[name]) {
				known[p.words] = true
			}
		}
	}
	var all []finding
	for _, name := range names {
		all = append(all, scan(name, texts[name], known)...)
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
