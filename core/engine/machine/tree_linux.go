package machine

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tree is the folder that stands for the root of the file system.
type tree string

// Bounds of what is read: the kernel's files are a page at most, and no computer
// has as many sensors.
const (
	maxFile    = 4096
	maxEntries = 256
)

// text returns what a file holds, without spaces around it.
func (t tree) text(path ...string) (string, bool) {
	f, err := os.Open(filepath.Join(append([]string{string(t)}, path...)...))
	if err != nil {
		return "", false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(b)), true
}

// number returns the whole number that a file holds, if it is from low to high.
func (t tree) number(low, high int64, path ...string) (int64, bool) {
	s, ok := t.text(path...)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= low && n <= high
}

// list returns the names in a folder.
func (t tree) list(path ...string) []string {
	f, err := os.Open(filepath.Join(append([]string{string(t)}, path...)...))
	if err != nil {
		return nil
	}
	defer f.Close()
	names, err := f.Readdirnames(maxEntries)
	if err != nil && len(names) == 0 {
		return nil
	}
	return names
}
