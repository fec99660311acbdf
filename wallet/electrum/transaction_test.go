package electrum

import (
	"bytes"
	"errors"
	"testing"

	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// The last transaction of Litecoin's block 2,383,206, which ties the extension block to it. Source:
// vivita-base/nodejs-blockchain-api, data/ltc/2,383,206.js, commit 3b1ad06018801b885a680c0396dd69f859a6f633.
const (
	extensionTx = "02000000000801978aacc6a181255f9f00ae4976a343d6f819e248d1c04d921869325d29d09a9f0000000000ffffffff01" +
		"2e975baeb8000000225820c05abd141ca8c2163e6444c7706df8985ef4d4ca0ad1ceb1f7dea34704f566400000000000"
	extensionID = "7c6751eb8c83391975d815342510a9950670b6cf694cd7f5feda08222c44cb87"
)

func TestExtensionTransaction(t *testing.T) {
	var raw message.Hex
	if err := raw.UnmarshalText([]byte(extensionTx)); err != nil {
		t.Fatal(err)
	}
	tx, err := ParseTransaction(raw)
	if err != nil {
		t.Fatal(err)
	}
	spent, err := pow.ParseHash("9f9ad0295d326918924dc0d148e219f8d643a37649ae009f5f2581a1c6ac8a97")
	if err != nil {
		t.Fatal(err)
	}
	if tx.ID.String() != extensionID || tx.Coinbase || !tx.Extension || len(tx.Inputs) != 1 || tx.Inputs[0] != (Outpoint{TxID: spent}) ||
		len(tx.Outputs) != 1 || tx.Outputs[0].Value != 793199220526 {
		t.Errorf("%+v", tx)
	}
	// The part in the extension block, of whatever length, does not change the ID.
	body, lock := raw[:len(raw)-5], raw[len(raw)-4:]
	peg := append(append(bytes.Clone(body), 1), bytes.Repeat([]byte{7}, 1000)...)
	if tx, err := ParseTransaction(append(bytes.Clone(peg), lock...)); err != nil || tx.ID.String() != extensionID || !tx.Extension {
		t.Errorf("with data: %v", err)
	}
	// A server can leave the flag out, or put it where it does not belong: the ID is the same, and so is what it is.
	plain := append(append(bytes.Clone(raw[:4]), raw[6:len(raw)-5]...), lock...)
	if tx, err := ParseTransaction(plain); err != nil || tx.ID.String() != extensionID || !tx.Extension {
		t.Errorf("without the flag: %v", err)
	}
	at := bytes.Index(raw, []byte{0x22, 0x58, 0x20}) + 1
	other := bytes.Clone(raw)
	other[at] = 0x51 // an ordinary payment
	if tx, err := ParseTransaction(other); err != nil || tx.Extension {
		t.Errorf("with a flag that does not belong there: %v", err)
	}
	for name, bad := range map[string][]byte{
		"no such part":          append(bytes.Clone(body), lock...),
		"data that is not one":  append(append(bytes.Clone(body), 2, 7), lock...),
		"nothing, with a tail":  append(append(bytes.Clone(body), 0, 7), lock...),
		"something, but empty":  append(append(bytes.Clone(body), 1), lock...),
		"another flag":          bytes.Replace(raw, []byte{0, 8}, []byte{0, 16}, 1),
		"a part and no witness": bytes.Replace(raw, []byte{0, 8}, []byte{0, 9}, 1),
		"cut":                   raw[:len(raw)-6],
	} {
		if _, err := ParseTransaction(bad); !errors.Is(err, ErrTransaction) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// At the beginning of other bytes nobody could say where it ends.
	if _, _, err := parse(raw, false); !errors.Is(err, ErrTransaction) {
		t.Errorf("within a node of a merkle tree: %v", err)
	}
}
