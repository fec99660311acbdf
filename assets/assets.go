// Package assets holds what Goldpan shows and says: the look (theme.json), the
// mark, the licences of third parties and the translations.
//
// Everything is embedded at build time; the package reads no disk, opens no
// connection, and keeps no state. theme.json is the one source of the look: the
// window builds its theme from Theme, the page is given the same figures by
// Look.CSS.
package assets

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:generate go run ./_gen

//go:embed theme.json icons licenses translations
var files embed.FS

// Icon is the mark as a 512-pixel PNG with rounded, transparent corners.
func Icon() []byte { return mustRead("icons/icon-512.png") }

// IconSVG is the mark as a drawing, for wherever it is scaled.
func IconSVG() []byte { return mustRead("icons/mark.svg") }

// Icons is the folder of the mark's files: mark.svg, icon-32.png, icon-192.png
// and icon-512.png with rounded corners, and the full squares that platforms cut
// to their own shape: icon-180.png and icon-maskable-512.png.
func Icons() fs.FS { return mustSub("icons") }

// Translation is the file of one language, as Language says it is written; Speak
// reads them for the window. The language is a lower-case tag such as "en".
func Translation(language string) ([]byte, error) {
	if !fs.ValidPath(language) || strings.Contains(language, "/") {
		return nil, fmt.Errorf("translation %q: %w", language, fs.ErrNotExist)
	}
	b, err := files.ReadFile("translations/" + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("translation %q: %w", language, fs.ErrNotExist)
	}
	return b, nil
}

// License is the notice of one third party whose work is in Goldpan's programs.
type License struct {
	Module string // module path, or "go" for the language and its library
	Text   string
}

// Licenses lists the notices in the order of their modules. The text is the
// module's own, unchanged.
func Licenses() []License {
	entries, err := files.ReadDir("licenses")
	if err != nil {
		panic("assets: " + err.Error()) // the folder is embedded
	}
	var out []License
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".txt")
		if !ok {
			continue
		}
		out = append(out, License{
			Module: strings.NewReplacer("__", "_", "_", "/").Replace(name),
			Text:   string(mustRead(path.Join("licenses", e.Name()))),
		})
	}
	return out
}

// mustRead reads an embedded file. A missing one is a mistake of the build.
func mustRead(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		panic("assets: " + err.Error())
	}
	return b
}

func mustSub(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic("assets: " + err.Error())
	}
	return sub
}
