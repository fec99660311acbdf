package pow

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"goldpan/core/hasher"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPublishedCoinbases(t *testing.T) {
	var file struct {
		Coinbases []struct {
			Name, Txid, Hex string
			Witness         int // bytes of witness before the lock time
			Outputs         []struct {
				Value  uint64
				Script string
			}
		}
	}
	b, err := os.ReadFile("testdata/coinbases.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &file); err != nil || len(file.Coinbases) == 0 {
		t.Fatal("no vectors", err)
	}
	for _, v := range file.Coinbases {
		tx := unhex(t, v.Hex)
		plain := bytes.Clone(tx)
		if v.Witness > 0 {
			end := len(tx) - 4 - v.Witness
			plain = bytes.Join([][]byte{tx[:4], tx[6:end], tx[len(tx)-4:]}, nil)
		}
		if id := Hash(hasher.SumSHA256d(plain)).String(); id != v.Txid {
			t.Fatalf("%s: the vector's transaction is %s, not %s", v.Name, id, v.Txid)
		}
		for _, form := range [][]byte{tx, plain} {
			outputs, err := CoinbaseOutputs(form)
			if err != nil || len(outputs) != len(v.Outputs) {
				t.Fatalf("%s: %v, %v", v.Name, outputs, err)
			}
			for i, o := range outputs {
				if o.Value != v.Outputs[i].Value || hex.EncodeToString(o.Script) != v.Outputs[i].Script || o.Open {
					t.Errorf("%s: output %d is %d %x", v.Name, i, o.Value, o.Script)
				}
			}
		}
	}
}

// The example of Stratum's first description, by the pool that designed it
// ("Stratum mining protocol", mining.notify and mining.subscribe).
func exampleJob(t testing.TB) *Job {
	return &Job{
		Algorithm:       hasher.SHA256d,
		Coinbase1:       unhex(t, "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff20020862062f503253482f04b8864e5008"),
		Extranonce1:     unhex(t, "08000002"),
		Extranonce2Size: 4,
		Coinbase2:       unhex(t, "072f736c7573682f000000000100f2052a010000001976a914d23fcdf86f7e756a64a7a9688ef9903327048ed988ac00000000"),
	}
}

func TestOutputsOfAJob(t *testing.T) {
	j := exampleJob(t)
	outputs, err := j.Outputs()
	if err != nil || len(outputs) != 1 || outputs[0].Value != 5_000_000_000 || outputs[0].Open ||
		hex.EncodeToString(outputs[0].Script) != "76a914d23fcdf86f7e756a64a7a9688ef9903327048ed988ac" {
		t.Fatalf("%v, %v", outputs, err)
	}
}

// A real job whose extranonce stands in an output, as a pool sent it on
// 30 November 2023 (gist.github.com/checksum0/b9a02c96d12f354100421e3344303cd5),
// shortened by hand from twenty outputs to five.
func TestExtranonceInAnOutput(t *testing.T) {
	j := &Job{
		Coinbase1: unhex(t, "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff1103ea7f0c0c0030303030302e303030000dffffffff05"+
			"932eff050000000017a914e9a11b4472a03cc49cf601d2ff58148c2bcb967987"+
			"76aac703000000002200205bd67532063d08caf543e49fdd15aed463095c948f49a36b1e94ab3240fd97d4"+
			"00000000000000000a6a08"),
		Extranonce1:     unhex(t, "cb000000"),
		Extranonce2Size: 4,
		Coinbase2: unhex(t, "1297a2020000000022002042b46bc4bcf52f7261e4c49697c621f91dd168105fe30da731f108657e7799e8"+
			"48022d0200000000160014571177a5bea92de941f705b0570d61758c76fd0e"+"00000000"),
	}
	outputs, err := j.Outputs()
	if err != nil || len(outputs) != 5 {
		t.Fatalf("%v, %v", outputs, err)
	}
	for i, want := range []uint64{100_609_683, 63_416_950, 0, 44_209_938, 36_504_136} {
		if o := outputs[i]; o.Value != want || o.Open != (i == 2) {
			t.Errorf("output %d: %d, open %v", i, o.Value, o.Open)
		}
	}
}

// built returns a coinbase with one input of script, these outputs, and what
// else a test changes.
func built(script []byte, outputs ...Output) []byte {
	b := []byte{2, 0, 0, 0, 1}
	b = append(b, make([]byte, 32)...)
	b = append(b, 0xff, 0xff, 0xff, 0xff, byte(len(script)))
	b = append(b, script...)
	b = append(b, 0xff, 0xff, 0xff, 0xff, byte(len(outputs)))
	for _, o := range outputs {
		b = binary.LittleEndian.AppendUint64(b, o.Value)
		b = append(b, byte(len(o.Script)))
		b = append(b, o.Script...)
	}
	return append(b, 0, 0, 0, 0)
}

// Where the miner's own bytes stand decides what can be said of the outputs.
func TestWhereTheMinersBytesStand(t *testing.T) {
	script := []byte("a script of 24 bytes ..!")
	mine := []byte{0x51, 1, 2, 3, 4, 5, 6, 7, 8}
	tx := built(script, Output{Value: 7, Script: mine}, Output{Value: 8, Script: []byte{0x52}})
	at := bytes.Index(tx, script)
	out := bytes.Index(tx, mine)
	for name, c := range map[string]struct {
		from, size int
		ok, open   bool
	}{
		"in the input's script": {at + 3, 8, true, false},
		"the input's script":    {at, len(script), true, false},
		"none":                  {at, 0, true, false},
		"in an output's script": {out + 1, 8, true, true},
		"an amount":             {out - 9, 8, false, false},
		"a script's length":     {out - 1, 4, false, false},
		"past a script's end":   {out + 5, 8, false, false},
		"the lock time":         {len(tx) - 4, 4, false, false},
		"the sequence":          {at + len(script), 4, false, false},
	} {
		j := &Job{Coinbase1: tx[:c.from], Extranonce2Size: c.size, Coinbase2: tx[c.from+c.size:]}
		outputs, err := j.Outputs()
		switch {
		case !c.ok && !errors.Is(err, ErrCoinbase):
			t.Errorf("%s: %v, %v", name, outputs, err)
		case c.ok && (err != nil || len(outputs) != 2 || outputs[0].Open != c.open || outputs[1].Open):
			t.Errorf("%s: %v, %v", name, outputs, err)
		}
	}
}

func TestCoinbaseRefused(t *testing.T) {
	good := built([]byte{1, 2}, Output{Value: 1, Script: []byte{0x51}})
	if _, err := CoinbaseOutputs(good); err != nil {
		t.Fatal(err)
	}
	for n := range len(good) {
		if _, err := CoinbaseOutputs(good[:n]); !errors.Is(err, ErrCoinbase) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[at:], b)
		return c
	}
	for name, tx := range map[string][]byte{
		"left over":              append(bytes.Clone(good), 0),
		"two inputs":             change(4, 2),
		"spends":                 change(9, 1),
		"spends by index":        change(37, 0),
		"no output":              built([]byte{1}),
		"many outputs":           change(48, 200),
		"longer length":          append(bytes.Clone(good[:48]), append([]byte{0xfd, 1, 0}, good[49:]...)...),
		"a length of 2^64-1":     append(bytes.Clone(good[:48]), append(bytes.Repeat([]byte{0xff}, 9), good[49:]...)...),
		"witness but no witness": append(bytes.Clone(good[:4]), append([]byte{0, 1}, good[4:]...)...),
		"too long":               make([]byte, MaxCoinbase+1),
	} {
		if o, err := CoinbaseOutputs(tx); !errors.Is(err, ErrCoinbase) {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
	for _, j := range []*Job{{Extranonce2Size: -1}, {Extranonce2Size: MaxCoinbase + 1}, {Coinbase1: make([]byte, MaxCoinbase), Extranonce2Size: 1}} {
		if _, err := j.Outputs(); !errors.Is(err, ErrCoinbase) {
			t.Errorf("extranonce2 of %d: %v", j.Extranonce2Size, err)
		}
	}
}

func FuzzOutputs(f *testing.F) {
	j := exampleJob(f)
	f.Add(j.Coinbase1, j.Extranonce1, uint16(4), j.Coinbase2)
	f.Add(built([]byte{1, 2}, Output{Value: 1, Script: []byte{0x51}}), []byte{}, uint16(0), []byte{})
	f.Fuzz(func(t *testing.T, one, extra []byte, size uint16, two []byte) {
		j := &Job{Coinbase1: one, Extranonce1: extra, Extranonce2Size: int(size), Coinbase2: two}
		outputs, err := j.Outputs()
		if err != nil {
			if !errors.Is(err, ErrCoinbase) {
				t.Fatal(err)
			}
			return
		}
		// Whatever the miner chooses, the transaction pays the same.
		full, err := CoinbaseOutputs(j.Coinbase(bytes.Repeat([]byte{0xa5}, int(size))))
		if err != nil || len(full) != len(outputs) {
			t.Fatalf("%v, %v; want %v", full, err, outputs)
		}
		for i, o := range outputs {
			if o.Value != full[i].Value || !o.Open && !bytes.Equal(o.Script, full[i].Script) {
				t.Fatalf("output %d: %v became %v", i, o, full[i])
			}
		}
	})
}
