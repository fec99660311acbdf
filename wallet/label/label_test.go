package label_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"goldpan/wallet/label"
)

// BIP329, Test Vectors, bitcoin/bips commit 7fe0b034ec967b52a5a28276419117326df93263, whole.
func TestVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/bip329.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	list, result, err := label.Parse(bytes.NewReader(b))
	// A silent payment's scan key is none of ours, and is passed over.
	if err != nil || result != (label.Result{Taken: 7, Skipped: 1}) {
		t.Fatalf("%+v %v", result, err)
	}
	no := false
	for i, want := range []label.Record{
		{Type: label.Tx, Ref: "f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd", Label: "Transaction", Origin: "wpkh([d34db33f/84'/0'/0'])"},
		{Type: label.Address, Ref: "bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c", Label: "Address"},
		{Type: label.PubKey, Ref: "0283409659355b6d1cc3c32decd5d561abaac86c37a353b52895a5e6c196d6f448", Label: "Public Key"},
		{Type: label.Input, Ref: "f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd:0", Label: "Input"},
		{Type: label.Output, Ref: "f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd:1", Label: "Output", Spendable: &no},
	} {
		if !reflect.DeepEqual(list[i], want) {
			t.Errorf("%+v, want %+v", list[i], want)
		}
	}
	var out bytes.Buffer
	if err := label.Write(&out, list); err != nil {
		t.Fatal(err)
	}
	again, _, err := label.Parse(&out)
	if err != nil || !reflect.DeepEqual(again, list) {
		t.Errorf("does not read back: %v", err)
	}
}

func TestParse(t *testing.T) {
	line := func(s string) string { return `{"type":"tx","ref":"ab","label":"` + s + `"}` + "\n" }
	long := strings.Repeat("x", label.MaxLabel+1)
	for _, x := range []struct {
		in   string
		want label.Result
		err  error
	}{
		{"", label.Result{}, nil},
		{"\ufeff" + line("a") + "\r\n\n" + line("b"), label.Result{Taken: 2}, nil},
		{line(long), label.Result{Taken: 1, Cut: 1}, nil},
		{line("a\u202eb"), label.Result{Taken: 1, Cut: 1}, nil},
		{`{"type":"spell","ref":"ab","label":"x"}`, label.Result{Skipped: 1}, nil},
		{`{"type":"tx","ref":"","label":"x"}`, label.Result{Skipped: 1}, nil},
		{`{"type":"tx","ref":"a b","label":"x"}`, label.Result{Skipped: 1}, nil},
		{`{"type":"output","ref":"ab:0","spendable":"false"}`, label.Result{Skipped: 1}, nil},
		{`{"type":"tx","ref":"` + long + long + `","label":"x"}`, label.Result{Skipped: 1}, nil},
		{"hello", label.Result{}, label.ErrFormat},
		{"[1]", label.Result{}, label.ErrFormat},
		{line(strings.Repeat("y", 20<<10)), label.Result{}, label.ErrTooLong},
		{strings.Repeat("\n", label.MaxFile+1), label.Result{}, label.ErrTooLong},
	} {
		list, result, err := label.Parse(strings.NewReader(x.in))
		if !errors.Is(err, x.err) || result != x.want || len(list) != x.want.Taken {
			t.Errorf("%.60q: %+v %v", x.in, result, err)
		}
	}
}

func Example() {
	list, result, err := label.Parse(strings.NewReader(`{"type":"addr","ref":"bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c","label":"rent"}`))
	fmt.Println(list[0].Label, result.Taken, err)
	// Output: rent 1 <nil>
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"type":"output","ref":"ab:1","label":"x","spendable":false}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _, err := label.Parse(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := label.Write(&out, list); err != nil {
			t.Fatal(err)
		}
		again, result, err := label.Parse(&out)
		if err != nil || len(again) != len(list) || result.Skipped != 0 || result.Cut != 0 || len(list) > 0 && !reflect.DeepEqual(again, list) {
			t.Fatalf("does not read back: %+v %v", result, err)
		}
	})
}
