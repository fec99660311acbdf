package core_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"goldpan/core"
)

// The map in doc.go names every folder that holds a package.
func TestMapIsTrue(t *testing.T) {
	seeTree(t)
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{}
	for _, to := range targets {
		for _, p := range list(t, to, to.os != "js", "./...") {
			if p.ours() && len(p.GoFiles)+len(p.CgoFiles) > 0 {
				folders[p.part()] = true
			}
		}
	}
	for folder := range folders {
		name := folder[strings.LastIndex(folder, "/")+1:]
		if folder == "wasm/web/build" {
			continue // a tool of the build
		}
		if !regexp.MustCompile(`(?m)^//\t.*\b` + regexp.QuoteMeta(name) + `\b`).Match(doc) {
			t.Errorf("%s is not on the map in core/doc.go", folder)
		}
	}
}

// Every test that THREATS.md names exists.
func TestThreatsNameRealTests(t *testing.T) {
	text, err := os.ReadFile("THREATS.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	have := map[string]bool{}
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			have[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllSubmatch(text, -1)
	if len(named) == 0 {
		t.Error("THREATS.md names no test")
	}
	for _, m := range named {
		if !have[string(m[1])] {
			t.Errorf("THREATS.md names %s, which does not exist", m[1])
		}
	}
}

// The README's dependency table names every direct dependency of go.mod. A row
// may name a module's children after it: "`…/btcd`, its `wire`".
func TestReadmeNamesDependencies(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../go.mod"); err != nil { // go test then knows that this test reads it
		t.Fatal(err)
	}
	out, err := exec.Command("go", "mod", "edit", "-json", "../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`/v[0-9]+$`)
	for _, r := range mod.Require {
		if r.Indirect || strings.Contains(string(readme), "`"+r.Path+"`") {
			continue
		}
		parent, child := path.Split(version.ReplaceAllString(r.Path, ""))
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(strings.TrimSuffix(parent, "/")) + "`, its .*`" + child + "`")
		if !row.Match(readme) {
			t.Errorf("README.md's dependency table has no %s", r.Path)
		}
	}
}

// Links between the documents lead somewhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`(?:^|[^!])\[[^\]]*\]\(([^)#:]+)\)`)
	for _, doc := range []string{"../README.md", "../.github/SECURITY.md", "RATIONALE.md", "THREATS.md"} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			target := filepath.Join(filepath.Dir(doc), string(m[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, m[1])
			}
		}
	}
}

// The packages carry the version that the programs print.
func TestVersion(t *testing.T) {
	toml, err := os.ReadFile("../FyneApp.toml")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("Version = %q", core.Version); !strings.Contains(string(toml), want) {
		t.Errorf("FyneApp.toml does not say %s", want)
	}
}
