package tx

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/hd"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func private(t testing.TB, s string) *btcec.PrivateKey {
	t.Helper()
	key, _ := btcec.PrivKeyFromBytes(unhex(t, s))
	return key
}

func message(t testing.TB, raw string) *wire.MsgTx {
	t.Helper()
	msg := wire.NewMsgTx(0)
	// Without witness: a transaction without inputs' scripts would be read as one with a witness otherwise.
	if err := msg.DeserializeNoWitness(bytes.NewReader(unhex(t, raw))); err != nil {
		t.Fatal(err)
	}
	return msg
}

func coinOf(in *wire.TxIn, kind hd.Kind, script []byte, amount coin.Amount) Coin {
	return Coin{TxID: pow.Hash(in.PreviousOutPoint.Hash), Index: in.PreviousOutPoint.Index, Kind: kind, Script: script, Amount: amount}
}

// signVector signs one input of a transaction as vectors have it.
func signVector(t *testing.T, msg *wire.MsgTx, coins []Coin, at int, key *btcec.PrivateKey) {
	t.Helper()
	hashes := txscript.NewTxSigHashes(msg, previous(coins))
	if err := signInput(msg, hashes, at, coins[at], key, [32]byte{}); err != nil {
		t.Fatal(err)
	}
}

// Source: BIP143, "Native P2WPKH" and "P2SH-P2WPKH", bitcoin/bips commit 7fe0b034ec967b52a5a28276419117326df93263.
func TestBIP143(t *testing.T) {
	msg := message(t, "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000")
	coins := []Coin{
		coinOf(msg.TxIn[0], hd.PKH, unhex(t, "2103c9f4836b9a4f77fc0d81f7bcb01b7f1b35916864b9476c241ce9fc198bd25432ac"), 625_000_000),
		coinOf(msg.TxIn[1], hd.WPKH, unhex(t, "00141d0f172a0ecb48aee1be1f2687d2963ae33f71a1"), 600_000_000),
	}
	signVector(t, msg, coins, 1, private(t, "619c335025c7f4012e556c2a58b2506e30b8511b53ade95ea316fd8c3286feb9"))
	// The first input pays a bare key, which this package never does: its signature is the vector's.
	msg.TxIn[0].SignatureScript = unhex(t, "4830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01")
	same(t, msg, "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000")
	if err := verify(msg, txscript.NewTxSigHashes(msg, previous(coins)), coins, previous(coins)); err != nil {
		t.Error(err)
	}

	msg = message(t, "0100000001db6b1b20aa0fd7b23880be2ecbd4a98130974cf4748fb66092ac4d3ceb1a54770100000000feffffff02b8b4eb0b000000001976a914a457b684d7f0d539a46a45bbc043f35b59d0d96388ac0008af2f000000001976a914fd270b1ee6abcaea97fea7ad0402e8bd8ad6d77c88ac92040000")
	coins = []Coin{coinOf(msg.TxIn[0], hd.SHWPKH, unhex(t, "a9144733f37cf4db86fbc2efed2500b4f4e49f31202387"), 1_000_000_000)}
	signVector(t, msg, coins, 0, private(t, "eb696a065ef48a2192da5b28b694f87544b30fae8327c4510137a922f32c6dcf"))
	same(t, msg, "01000000000101db6b1b20aa0fd7b23880be2ecbd4a98130974cf4748fb66092ac4d3ceb1a5477010000001716001479091972186c449eb1ded22b78e40d009bdf0089feffffff02b8b4eb0b000000001976a914a457b684d7f0d539a46a45bbc043f35b59d0d96388ac0008af2f000000001976a914fd270b1ee6abcaea97fea7ad0402e8bd8ad6d77c88ac02473044022047ac8e878352d3ebbde1c94ce3a10d057c24175747116f8288e5d794d12d482f0220217f36a485cae903c713331d877c1f64677e3622ad4010726870540656fe9dcb012103ad1d8e89212f0b92c74d23bb710c00662ad1470198ac48c43f7d6f93a2a2687392040000")
}

func same(t *testing.T, msg *wire.MsgTx, want string) {
	t.Helper()
	var b bytes.Buffer
	if err := msg.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b.Bytes()); got != want {
		t.Errorf("signed:\n%s, want\n%s", got, want)
	}
}

// Source: BIP341, wallet-test-vectors.json, bitcoin/bips commit 7fe0b034ec967b52a5a28276419117326df93263.
func TestBIP341(t *testing.T) {
	b, err := os.ReadFile("testdata/bip341.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		ScriptPubKey []struct {
			Given struct {
				InternalPubkey string
				ScriptTree     json.RawMessage
			}
			Expected struct{ ScriptPubKey string }
		}
		KeyPathSpending []struct {
			Given struct {
				RawUnsignedTx string
				UtxosSpent    []struct {
					ScriptPubKey string
					AmountSats   coin.Amount
				}
			}
			InputSpending []struct {
				Given struct {
					TxinIndex       int
					InternalPrivkey string
					MerkleRoot      *string
					HashType        txscript.SigHashType
				}
				Expected struct{ Witness []string }
			}
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	plain := 0
	for _, v := range file.ScriptPubKey {
		if string(v.Given.ScriptTree) != "null" {
			continue
		}
		key, err := schnorr.ParsePubKey(unhex(t, v.Given.InternalPubkey))
		if err != nil {
			t.Fatal(err)
		}
		script, err := txscript.PayToTaprootScript(txscript.ComputeTaprootKeyNoScript(key))
		if err != nil || hex.EncodeToString(script) != v.Expected.ScriptPubKey {
			t.Errorf("%x, %v, want %s", script, err, v.Expected.ScriptPubKey)
		}
		plain++
	}
	signed := 0
	for _, v := range file.KeyPathSpending {
		msg := message(t, v.Given.RawUnsignedTx)
		var coins []Coin
		for i, u := range v.Given.UtxosSpent {
			coins = append(coins, coinOf(msg.TxIn[i], hd.TR, unhex(t, u.ScriptPubKey), u.AmountSats))
		}
		hashes := txscript.NewTxSigHashes(msg, previous(coins))
		for _, in := range v.InputSpending {
			var root []byte
			if in.Given.MerkleRoot != nil {
				root = unhex(t, *in.Given.MerkleRoot)
			}
			i := in.Given.TxinIndex
			s, err := signTaproot(msg, hashes, i, coins[i], private(t, in.Given.InternalPrivkey), root, in.Given.HashType, [32]byte{})
			if err != nil || len(in.Expected.Witness) != 1 || hex.EncodeToString(s) != in.Expected.Witness[0] {
				t.Errorf("input %d: %x, %v, want %v", i, s, err, in.Expected.Witness)
			}
			signed++
		}
	}
	if plain == 0 || signed != 7 {
		t.Errorf("%d keys, %d signatures", plain, signed)
	}
}

// Source: BIP340, test-vectors.csv, bitcoin/bips commit 7fe0b034ec967b52a5a28276419117326df93263: those of them that
// sign 32 bytes, as a transaction's hash is.
func TestBIP340(t *testing.T) {
	f, err := os.Open("testdata/bip340.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	signed := 0
	for _, row := range rows[1:] {
		if row[1] == "" || len(row[4]) != 64 {
			continue
		}
		s, err := schnorr.Sign(private(t, row[1]), unhex(t, row[4]), schnorr.CustomNonce([32]byte(unhex(t, row[3]))))
		if err != nil || !bytes.Equal(s.Serialize(), unhex(t, row[5])) {
			t.Errorf("vector %s: %v", row[0], err)
		}
		signed++
	}
	if signed < 4 {
		t.Errorf("%d vectors", signed)
	}
}

// Source: Dogecoin, libdogecoin, test/transaction_tests.c, commit c8955d2fc124fd345f3def8f01fa3422e9ed9475: a transaction
// of the test network that spends 2 and 10 coins, which both pay the same key; the key is written in hexadecimal here.
func TestDogecoin(t *testing.T) {
	key := private(t, "63bb05cb66f734c84354836c7cc344fbcf8a052e1134084891b4f2c3555de5c1")
	msg := message(t, "0100000002746007aed61e8531faba1af6610f10a5422c70a2a7eb6ffb51cb7a7b7b5e45b40100000000ffffffffe216461c60c629333ac6b40d29b5b0b6d0ce241aea5903cf4329fc65dc3b11420100000000ffffffff020065cd1d000000001976a9144da2f8202789567d402f7f717c01d98837e4325488ac30b4b529000000001976a914d8c43e6f68ca4ea1e9b93da2d1e3a95118fa4a7c88ac00000000")
	script := unhex(t, "76a914"+hex.EncodeToString(address.Hash160(key.PubKey().SerializeCompressed()))+"88ac")
	coins := []Coin{coinOf(msg.TxIn[0], hd.PKH, script, 2*coin.Unit), coinOf(msg.TxIn[1], hd.PKH, script, 10*coin.Unit)}
	for i := range coins {
		signVector(t, msg, coins, i, key)
	}
	same(t, msg, "0100000002746007aed61e8531faba1af6610f10a5422c70a2a7eb6ffb51cb7a7b7b5e45b4010000006b48304502210090bddac300243d16dca5e38ab6c80d5848e0d710d77702223bacd6682654f6fe02201b5c2e8b1143d8a807d604dc18068b4278facce561c302b0c66a4f2a5a4aa66f0121031dc1e49cfa6ae15edd6fa871a91b1f768e6f6cab06bf7a87ac0d8beb9229075bffffffffe216461c60c629333ac6b40d29b5b0b6d0ce241aea5903cf4329fc65dc3b1142010000006a47304402200e19c2a66846109aaae4d29376040fc4f7af1a519156fe8da543dc6f03bb50a102203a27495aba9eead2f154e44c25b52ccbbedef084f0caf1deedaca87efd77e4e70121031dc1e49cfa6ae15edd6fa871a91b1f768e6f6cab06bf7a87ac0d8beb9229075bffffffff020065cd1d000000001976a9144da2f8202789567d402f7f717c01d98837e4325488ac30b4b529000000001976a914d8c43e6f68ca4ea1e9b93da2d1e3a95118fa4a7c88ac00000000")
	if err := verify(msg, txscript.NewTxSigHashes(msg, previous(coins)), coins, previous(coins)); err != nil {
		t.Error(err)
	}
}
