//go:build !js

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"goldpan/assets"
)

// manifest returns manifest.webmanifest with its description, in English, from the translations.
func manifest(body []byte) ([]byte, error) {
	about, err := json.Marshal(assets.Speak("en").Text("page.about"))
	if err != nil {
		return nil, err
	}
	out := bytes.Replace(body, []byte(`"page.about"`), about, 1)
	if bytes.Equal(out, body) {
		return nil, fmt.Errorf("manifest.webmanifest: there is no place for the description")
	}
	return out, nil
}

// mines lists what the service worker leaves alone: what is of no use while the computer that serves the page is off.
var mines = []string{".wasm", ".mp4", ".gz", ".br", ".keep"}

// serviceWorker returns sw.js for the page in a folder: with the list of the frame's files, and a name for their bytes.
func serviceWorker(body []byte, dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	frame := []string{"/"}
	sum := sha256.New()
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if ext := filepath.Ext(e.Name()); slices.Contains(mines, ext) || e.Name() == "sw.js" || ofWallet(e.Name()) {
			continue
		}
		if strings.HasPrefix(e.Name(), "text.") && e.Name() != "text.en.json" {
			continue // those that are used are kept when they are fetched
		}
		fmt.Fprintf(sum, "%s %d\n%s", e.Name(), len(b), b)
		frame = append(frame, "/"+e.Name())
	}
	sum.Write(body)
	list, err := json.Marshal(frame)
	if err != nil {
		return nil, err
	}
	out := strings.Replace(string(body), `["FRAME"]`, string(list), 1)
	out = strings.Replace(out, "VERSION", hex.EncodeToString(sum.Sum(nil)[:8]), 1)
	return []byte(out), nil
}
