//go:build !js

package wallet

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/wallet/label"
)

func TestLabels(t *testing.T) {
	store := &MemoryStorage{}
	o := Options{Storage: store, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("ab", 32)
	if err := w.SetLabel(label.Tx, id, "  first\n gold  "); err != nil {
		t.Fatal(err)
	}
	// Another program's file: a label for the same thing wins, silence about one leaves it, and what is not to be
	// spent is kept.
	result, err := w.ImportLabels(strings.NewReader(`{"type":"tx","ref":"` + id + `"}
{"type":"addr","ref":"bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c","label":"rent"}
{"type":"output","ref":"` + id + `:0","spendable":false}
`))
	if err != nil || result.Taken != 3 {
		t.Fatalf("%+v %v", result, err)
	}
	if err := w.SetLabel(label.Address, "bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c", ""); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var out bytes.Buffer
	if err := w.ExportLabels(&out); err != nil {
		t.Fatal(err)
	}
	want := `{"type":"output","ref":"` + id + `:0","spendable":false}
{"type":"tx","ref":"` + id + `","label":"first gold","origin":"wpkh([73c5da0a/84'/0'/0'])"}
`
	if out.String() != want {
		t.Errorf("%s, want %s", out.String(), want)
	}
	if _, err := w.ImportLabels(strings.NewReader("no labels")); err == nil {
		t.Error("a file of something else was taken")
	}
	// Damage is told, and not written over.
	if err := store.Write("main.labels", []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	if err := w.SetLabel(label.Tx, id, "again"); !errors.Is(err, ErrLabels) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "main.labels") {
		t.Errorf("damaged labels: %v", err)
	}
	if b, err := store.Read("main.labels", 100, func([]byte) error { return nil }); err != nil || string(b) != "damaged" {
		t.Errorf("damaged labels were written over: %q, %v", b, err)
	}
	// All that needs no labels goes on.
	if _, err := w.Address(0); err != nil {
		t.Error(err)
	}
	if err := w.WriteCSV(&out); !errors.Is(err, ErrLabels) {
		t.Errorf("a history without the labels that there are: %v", err)
	}
}

// Of a labels' file on a disk the previous copy serves, and the file is mended.
func TestLabelsFromThePreviousCopy(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	id := strings.Repeat("ab", 32)
	for _, text := range []string{"old", "new"} {
		if err := w.SetLabel(label.Tx, id, text); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "main.labels")
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // and stays so
		if list, err := w.Labels(); err != nil || len(list) != 1 || list[0].Label != "old" {
			t.Fatalf("%+v, %v", list, err)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) == "damaged" {
		t.Errorf("not mended: %v", err)
	}
}
