//go:build !js

package wallet

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"goldpan/core/pow"
	"goldpan/wallet/label"
)

func TestCSV(t *testing.T) {
	w, err := Restore(Options{Storage: &MemoryStorage{}, Params: practice(t)}, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	s := newState()
	s.height = 9
	reward, payment := pow.Hash{1}, pow.Hash{2}
	s.txs[reward] = &tx{height: 3, time: 1_000_000_000, coinbase: true, outputs: []output{{0, place{0, 0}, 5_000_000_000}}}
	s.txs[payment] = &tx{time: 1_000_000_500, outputs: []output{{0, place{0, 1}, 1}}}
	w.mu.Lock()
	w.put(s)
	w.mu.Unlock()
	if err := w.SetLabel(label.Tx, payment.String(), `=HYPERLINK("x","y"),z`); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := w.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v %v", rows, err)
	}
	want := []string{
		"2001-09-09T01:46:40Z,reward,50.00000000," + w.Params().Coin.Symbol + ",practice,3,7," + reward.String() + ",",
		"2001-09-09T01:55:00Z,received,0.00000001," + w.Params().Coin.Symbol + ",practice,,0," + payment.String() + `,'=HYPERLINK("x","y"),z`,
	}
	for i, row := range rows[1:] {
		if got := strings.Join(row, ","); got != want[i] {
			t.Errorf("%s, want %s", got, want[i])
		}
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	for _, bad := range []string{"=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "＝1", "|calc", "%0A=1"} {
		if got := cell(bad); got != "'"+bad {
			t.Errorf("%q stays %q", bad, got)
		}
	}
	// A program that takes semicolons for the ends of cells looks behind each.
	if got := cell("rent; March;=1+1;@x"); got != "rent; March;'=1+1;'@x" {
		t.Errorf("%q", got)
	}
	for _, good := range []string{"", "rent", "a=b", "50 %", "'quoted", "a; b;"} {
		if got := cell(good); got != good {
			t.Errorf("%q became %q", good, got)
		}
	}
}
