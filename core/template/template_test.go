package template

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// Heights as coinbases begin with them. The first is of the block that Bitcoin began
// to demand them with (BIP 34), and 500,000 a well-known one; 200 is of a block that
// Litecoin Core made in regtest. The rest follows from the rule that Bitcoin Core's
// script_tests have for the shortest push of a number.
func TestPushHeight(t *testing.T) {
	for height, want := range map[int64]string{
		227931: "035b7a03", 500000: "0320a107", 200: "02c800",
		1: "51", 2: "52", 16: "60", 17: "0111", 127: "017f", 128: "028000", 255: "02ff00", 256: "020001", 32767: "02ff7f",
		32768: "03008000", 65536: "03000001", 8388607: "03ffff7f", 8388608: "0400008000", maxHeight: "04ffffff7f",
	} {
		if got := hex.EncodeToString(pushHeight(height)); got != want {
			t.Errorf("%d: %s, not %s", height, got, want)
		}
	}
}

// sample is a template that Litecoin Core 0.21.2.1 gave in regtest for block 102, with
// two transactions of segregated witness, the second of which spends the first.
//
//go:embed testdata/litecoin-102.json
var sample string

func parse(t testing.TB, text string) (*template, error) {
	t.Helper()
	var a answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, err
	}
	return newTemplate(&a, 84e6*coin.Unit)
}

// The commitment that we compute is the one that the node computed.
func TestCommitment(t *testing.T) {
	given, err := parse(t, sample)
	if err != nil {
		t.Fatal(err)
	}
	const field = `"default_witness_commitment":"6a24aa21a9ed27a44dd4a0cdf1fd7c9d68899baa2a76d7ac1f8354ae1b2d6c8db619e0c98cc7"`
	if !strings.Contains(sample, field) {
		t.Fatal("the sample is another one")
	}
	for name, instead := range map[string]string{
		"none":         `"default_witness_commitment":""`,
		"the bare one": strings.Replace(field, "6a24aa21a9ed", "", 1), // as btcd gives it
	} {
		made, err := parse(t, strings.Replace(sample, field, instead, 1))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made.commitment, given.commitment) || len(made.commitment) != 38 {
			t.Errorf("%s: %x, not %x", name, made.commitment, given.commitment)
		}
	}
	if given.height != 102 || given.value != 5000002850 || len(given.data) != 2 || given.time != 1795314375 {
		t.Errorf("%+v", given)
	}
}

// Block 100,000 of Bitcoin: its merkle root, from the branch that a template of it
// would have and the coinbase that it has.
func TestBranch(t *testing.T) {
	hash := func(s string) pow.Hash {
		h, err := pow.ParseHash(s)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	branch := pow.MerkleBranch([]pow.Hash{{},
		hash("fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4"),
		hash("6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4"),
		hash("e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d")})
	if root := pow.MerkleRoot(hash("8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87"), branch); root.String() != "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766" {
		t.Errorf("%s", root)
	}
}

// The coinbase as every reader sees it: whom it pays, and how long it is.
func TestCoinbase(t *testing.T) {
	tmpl, err := parse(t, sample)
	if err != nil {
		t.Fatal(err)
	}
	script := []byte{0x00, 0x14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	j := tmpl.job("1", hasher.Scrypt, script, []byte{1, 2, 3, 4}, true)
	outputs, err := j.Outputs()
	if err != nil || len(outputs) != 2 || outputs[0].Value != 5000002850 || !bytes.Equal(outputs[0].Script, script) || !bytes.Equal(outputs[1].Script, tmpl.commitment) {
		t.Errorf("%+v, %v", outputs, err)
	}
	s := pow.Share{Job: j, Solution: pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Version: j.Version, Time: j.Time}}
	block := tmpl.block(s)
	coinbase := block[81:]
	if !bytes.Contains(coinbase, []byte(tag)) || coinbase[4] != 0 || coinbase[5] != flagWitness || block[80] != 3 {
		t.Errorf("%x", block)
	}
	if with, err := pow.CoinbaseOutputs(coinbase[:len(coinbase)-len(tmpl.data[0])-len(tmpl.data[1])]); err != nil || len(with) != 2 {
		t.Errorf("%+v, %v", with, err)
	}
}

// What no valid block can be made of is refused.
func TestAbsurdTemplates(t *testing.T) {
	for name, change := range map[string][2]string{
		"a negative height":      {`"height":102`, `"height":-1`},
		"height 0":               {`"height":102`, `"height":0`},
		"a great height":         {`"height":102`, `"height":2147483648`},
		"no reward":              {`"coinbasevalue":5000002850,`, ``},
		"a negative reward":      {`"coinbasevalue":5000002850`, `"coinbasevalue":-1`},
		"more than all coins":    {`"coinbasevalue":5000002850`, `"coinbasevalue":8400000000000001`},
		"bits of zero":           {`"bits":"207fffff"`, `"bits":"00000000"`},
		"bits below zero":        {`"bits":"207fffff"`, `"bits":"20ffffff"`},
		"bits beyond 256":        {`"bits":"207fffff"`, `"bits":"217fffff"`},
		"short bits":             {`"bits":"207fffff"`, `"bits":"207f"`},
		"no bits":                {`"bits":"207fffff"`, `"bits":""`},
		"a version beyond 32":    {`"version":536870912`, `"version":4294967296`},
		"no block before":        {`"previousblockhash":"`, `"previousblockhash":"5`},
		"no time":                {`"mintime":1795314375,"mutable":["time","transactions","prevblock"],"noncerange":"00000000ffffffff","sigoplimit":80000,"sizelimit":4000000,"weightlimit":4000000,"curtime":1795314375`, `"curtime":0`},
		"a time beyond 2106":     {`"curtime":1795314375`, `"curtime":4294967296`},
		"a latest before all":    {`"curtime":1795314375`, `"curtime":1795314375,"maxtime":5`},
		"a long aux":             {`"coinbaseaux":{}`, `"coinbaseaux":{"flags":"` + strings.Repeat("00", maxAux+1) + `"}`},
		"an aux that is no hex":  {`"coinbaseaux":{}`, `"coinbaseaux":{"flags":"xy"}`},
		"a long name":            {`"longpollid":"`, `"longpollid":"` + strings.Repeat("f", maxID)},
		"another transaction":    {`"data":"02`, `"data":"01`},
		"no hash":                {`"hash":"9d63a92cd14b329610046f276f9972757076398523f79189f6e713cb68ccb48c",`, ``},
		"no id":                  {`"txid":"97e97c1043473da5961da180468c6efc9aa8577e26d0ca2bdf98941310b86c04",`, ``},
		"no data":                {`"data":"`, `"data":"","x":"`},
		"a strange commitment":   {`"6a24aa21a9ed`, `"6a24aa21a9ee`},
		"a commitment to others": {`"6a24aa21a9ed27a4`, `"00a4`},
		"an extension block":     {`"height":102`, `"height":102,"mweb":"00"`},
		"no list":                {`"transactions":[`, `"transactions":5,"other":[`},
		"a list of numbers":      {`"transactions":[`, `"transactions":[5,`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(sample, change[0]) {
				t.Fatal("the sample is another one")
			}
			if _, err := parse(t, strings.Replace(sample, change[0], change[1], 1)); !errors.Is(err, ErrTemplate) {
				t.Errorf("%v", err)
			}
		})
	}
	many := `{"transactions":[` + strings.Repeat(`{},`, 1_000_000) + `{}]}`
	if _, err := parse(t, many); !errors.Is(err, ErrTemplate) || !strings.Contains(err.Error(), "20000") {
		t.Errorf("a million transactions: %v", err)
	}
	// A whole answer passes the error on.
	if err := read([]byte(fmt.Sprintf(`{"id":1,"result":%s}`, many)), 1, &answer{}); !errors.Is(err, ErrTemplate) {
		t.Errorf("%v", err)
	}
}

// FuzzTemplate feeds the reader what a node might send. Whatever it takes makes a
// job whose coinbase can be read, and a block that begins with its header.
func FuzzTemplate(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(`{"result":%s,"error":null,"id":1}`, sample)))
	f.Add([]byte(`{"result":{"height":16,"version":-1,"coinbasevalue":1,"bits":"1d00ffff","curtime":5,"transactions":null,"coinbaseaux":{"flags":"0b2f503253482f627463642f"},"previousblockhash":"` + strings.Repeat("0", 64) + `"},"id":1}`))
	f.Add([]byte(`{"result":null,"error":{"code":-10,"message":"\u001b<b>"},"id":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var a answer
		if err := read(text, 1, &a); err != nil {
			var r *refusal
			if errors.As(err, &r) && len([]rune(r.Quote)) > maxQuote {
				t.Errorf("%d characters are kept", len([]rune(r.Quote)))
			}
			return
		}
		tmpl, err := newTemplate(&a, 84e6*coin.Unit)
		if err != nil {
			return
		}
		j := tmpl.job("1", hasher.SHA256d, []byte{0x51}, make([]byte, extranonce1Size), true)
		outputs, err := j.Outputs()
		if err != nil || len(outputs) == 0 || outputs[0].Value != uint64(tmpl.value) || outputs[0].Open {
			t.Fatalf("%+v, %v", outputs, err)
		}
		if script := len(pushHeight(tmpl.height)) + len(tmpl.aux); script > maxScript-extranonce1Size-extranonce2Size-len(tag)-2 {
			t.Fatalf("a coinbase script of %d bytes", script)
		}
		s := pow.Share{Job: j, Solution: pow.Solution{Extranonce2: make([]byte, extranonce2Size), Version: j.Version, Time: j.Time}}
		header := j.Header(s.Solution).Bytes()
		if !bytes.HasPrefix(tmpl.block(s), header[:]) {
			t.Fatal("the block has another header")
		}
	})
}
