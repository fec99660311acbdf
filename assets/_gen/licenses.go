package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// programs is what is handed to people; what is linked into one of them has its
// notice shown under About.
var programs = []struct {
	dir          string
	goos, goarch string
}{
	{"../app/cli", "linux", "amd64"}, {"../app/cli", "windows", "amd64"}, {"../app/cli", "darwin", "arm64"},
	{"../app", "linux", "amd64"}, {"../app", "windows", "amd64"}, {"../app", "darwin", "arm64"},
	{"../wasm", "js", "wasm"},
}

// licenses writes one file a module: the direct dependencies of go.mod, every
// module linked into a program, and Go itself.
func licenses(dir string) error {
	modules, err := direct()
	if err != nil {
		return err
	}
	for _, p := range programs {
		if sources, err := filepath.Glob(filepath.Join(p.dir, "*.go")); err != nil || len(sources) == 0 {
			continue // this program does not exist yet
		}
		if err := linked(modules, p.dir, p.goos, p.goarch); err != nil {
			return err
		}
	}
	texts := map[string][]byte{}
	for path := range modules {
		where, err := goOutput(nil, "list", "-m", "-f", "{{.Dir}}", path)
		if err != nil {
			return err
		}
		text, err := licenseIn(strings.TrimSpace(string(where)))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		texts[path] = text
	}
	// Go's own notice is kept once it is there: a distribution's Go may come
	// without the file.
	if texts["go"], err = os.ReadFile(filepath.Join(dir, "go.txt")); err != nil {
		root, err := goOutput(nil, "env", "GOROOT")
		if err != nil {
			return err
		}
		if texts["go"], err = licenseIn(strings.TrimSpace(string(root))); err != nil {
			return fmt.Errorf("go: %w", err)
		}
	}
	return replace(dir, texts)
}

// direct reads the requirements of go.mod that are not marked as indirect.
func direct() (map[string]bool, error) {
	out, err := goOutput(nil, "mod", "edit", "-json")
	if err != nil {
		return nil, err
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, fmt.Errorf("go.mod: %w", err)
	}
	paths := map[string]bool{}
	for _, r := range mod.Require {
		if !r.Indirect {
			paths[r.Path] = true
		}
	}
	return paths, nil
}

// linked adds the modules of a program for one platform.
func linked(paths map[string]bool, dir, goos, goarch string) error {
	cgo := "0"
	if dir == "../app" {
		cgo = "1" // the window's drivers are cgo; listing them needs no compiler
	}
	out, err := goOutput([]string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=" + cgo},
		"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", dir)
	if err != nil {
		return err
	}
	for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
		if p := sc.Text(); p != "" {
			paths[p] = true
		}
	}
	return nil
}

func licenseIn(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		n := strings.ToLower(e.Name())
		if !e.IsDir() && (strings.HasPrefix(n, "license") || strings.HasPrefix(n, "licence") || strings.HasPrefix(n, "copying")) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no licence file in the module")
	}
	sort.Strings(names)
	return os.ReadFile(filepath.Join(dir, names[0]))
}

// replace makes the folder hold exactly the given texts.
func replace(dir string, texts map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for path, text := range texts {
		name := filepath.Join(dir, strings.NewReplacer("/", "_", "_", "__").Replace(path)+".txt")
		keep[name] = true
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	for _, name := range old {
		if !keep[name] {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func goOutput(env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return out, nil
}
