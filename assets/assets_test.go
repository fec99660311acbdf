package assets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestIcons(t *testing.T) {
	for name, want := range map[string]struct {
		size    int
		rounded bool
	}{
		"icon-32.png": {32, true}, "icon-192.png": {192, true}, "icon-512.png": {512, true},
		"icon-180.png": {180, false}, "icon-maskable-512.png": {512, false},
	} {
		b, err := fs.ReadFile(Icons(), name)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s := img.Bounds().Size(); s.X != want.size || s.Y != want.size {
			t.Errorf("%s is %v, want %d", name, s, want.size)
		}
		_, _, _, a := img.At(0, 0).RGBA()
		if rounded := a == 0; rounded != want.rounded {
			t.Errorf("%s: its corner has alpha %d", name, a)
		}
		// The nugget, a little below and right of the middle, is the accent.
		r, _, bl, _ := img.At(want.size*57/100, want.size*57/100).RGBA()
		if r < 2*bl {
			t.Errorf("%s has no gold where the nugget lies", name)
		}
	}
	if !bytes.Equal(Icon(), mustRead("icons/icon-512.png")) {
		t.Error("Icon is another picture")
	}
	if !bytes.HasPrefix(IconSVG(), []byte("<svg ")) {
		t.Error("IconSVG is no SVG")
	}
}

// Each direct dependency of go.mod has its notice, and the notice is the one in
// the module that is built.
func TestLicensesOfDirectDependencies(t *testing.T) {
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
	have := map[string]string{}
	for _, l := range Licenses() {
		if len(strings.TrimSpace(l.Text)) < 200 {
			t.Errorf("the notice of %s is too short to be one", l.Module)
		}
		have[l.Module] = l.Text
	}
	if have["go"] == "" {
		t.Error("Go's own notice is missing")
	}
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		if have[r.Path] == "" {
			t.Errorf("%s has no notice in assets/licenses: run make generate", r.Path)
		}
	}
}

func TestTranslations(t *testing.T) {
	for _, name := range []string{"xx", "", "../theme", "en/../../theme", "."} {
		if _, err := Translation(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Translation(%q): %v, want fs.ErrNotExist", name, err)
		}
	}
}

// The packager is given its fields by flags; FyneApp.toml, which Fyne's own tools
// read, must say the same.
func TestFyneAppEqualsMakefile(t *testing.T) {
	toml := assignments(t, "../FyneApp.toml")
	mk := assignments(t, "../Makefile")
	for field, variable := range map[string]string{
		"Name": "APP_NAME", "ID": "APP_ID", "Version": "APP_VERSION", "Build": "APP_BUILD", "Icon": "APP_ICON",
	} {
		if toml[field] == "" {
			t.Errorf("FyneApp.toml has no %s", field)
		}
		if toml[field] != mk[variable] {
			t.Errorf("FyneApp.toml has %s = %q, the Makefile %s = %q", field, toml[field], variable, mk[variable])
		}
	}
	if _, err := os.Stat("../" + toml["Icon"]); err != nil {
		t.Error(err)
	}
}

// assignments reads the "name = value" and "name := value" lines of a file.
func assignments(t *testing.T, file string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "#") {
			continue
		}
		name = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(name), ":"))
		out[name] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	return out
}

func ExampleTheme() {
	look, err := Theme()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(look.Colors.Dark.Gold, look.Type.Size.Body)
	// Output: #f0b740 16
}
