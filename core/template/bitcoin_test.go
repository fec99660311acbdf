//go:build !js

package template_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/jsonrpc"
	"goldpan/core/template"
)

// btcd builds and runs a btcd on a chain of its own. Its password comes over https,
// from the certificate that it makes for itself.
func btcd(t *testing.T) (p *process, roots *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "btcd")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-o", program, "github.com/btcsuite/btcd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("btcd, a tool of go.mod, is missing: this test needs a real node and is never skipped: %v\n%s", err, out)
	}
	for range 5 {
		rpc, listen := freePort(t), freePort(t)
		cert := filepath.Join(dir, "rpc.cert")
		p = &process{t: t, url: "https://127.0.0.1:" + rpc, auth: func() (string, string, error) { return "us", "pass", nil }}
		ready := func() error {
			pem, err := os.ReadFile(cert)
			if err != nil {
				return err
			}
			roots = x509.NewCertPool()
			if !roots.AppendCertsFromPEM(pem) {
				return errors.New("no certificate yet")
			}
			p.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
			return p.try(nil, "getblockcount")
		}
		config := filepath.Join(dir, "btcd.conf")
		if err := os.WriteFile(config, []byte("[Application Options]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		// The address is that of a key which nobody has; blocks that btcd makes itself go there.
		if launch(t, ready, program, "--regtest", "--configfile="+config, "--datadir="+filepath.Join(dir, "data"), "--logdir="+filepath.Join(dir, "log"),
			"--rpccert="+cert, "--rpckey="+filepath.Join(dir, "rpc.key"), "--rpcuser=us", "--rpcpass=pass", "--rpclisten=127.0.0.1:"+rpc,
			"--listen=127.0.0.1:"+listen, "--nodnsseed", "--miningaddr=bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080") {
			return p, roots
		}
	}
	t.Fatal("btcd does not start")
	return nil, nil
}

// purse is a key with an address, which can spend what was mined for it.
type purse struct {
	key     *btcec.PrivateKey
	script  []byte // version 0 and the hash of the key (BIP 141)
	address string
}

func newPurse(t *testing.T) purse {
	t.Helper()
	seed := sha256.Sum256([]byte("a key for a test, worth nothing"))
	key, public := btcec.PrivKeyFromBytes(seed[:])
	program := address.Hash160(public.SerializeCompressed())
	a, err := address.NewAddressWitnessPubKeyHash(program, &chaincfg.RegressionNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return purse{key, append([]byte{0x00, 0x14}, program...), a.EncodeAddress()}
}

// spend pays most of an output of the purse back to the purse; the rest is the fee.
func (p purse) spend(t *testing.T, from wire.OutPoint, value int64) *wire.MsgTx {
	t.Helper()
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&from, nil, nil))
	tx.AddTxOut(wire.NewTxOut(value-10_000, p.script))
	fetcher := txscript.NewCannedPrevOutputFetcher(p.script, value)
	witness, err := txscript.WitnessSignature(tx, txscript.NewTxSigHashes(tx, fetcher), 0, value, p.script, txscript.SigHashAll, p.key, true)
	if err != nil {
		t.Fatal(err)
	}
	tx.TxIn[0].Witness = witness
	return tx
}

// TestBitcoin mines on btcd, which judges every block: the first ones, and one with
// two transactions of segregated witness, the second of which spends the first.
func TestBitcoin(t *testing.T) {
	node, roots := btcd(t)
	p := cointest.Params(t, "bitcoin", coin.Regtest)
	purse := newPurse(t)
	config := node.config(p, purse.address)
	config.Dialer = &jsonrpc.Dialer{Roots: roots}

	m := mine(t, config)
	first := m.block(t)
	for range 2 {
		m.block(t)
	}
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	if first.Height != 1 || first.Reward != 50*coin.Unit {
		t.Errorf("%+v", first)
	}
	block := node.block(first)
	t.Logf("btcd has taken block %d, %s", first.Height, first.Hash)
	if out := block.Transactions[0].TxOut; len(out) != 1 || out[0].Value != 50e8 || !bytes.Equal(out[0].PkScript, purse.script) {
		t.Errorf("block 1 pays %+v", out)
	}

	node.call(nil, "generate", 100)
	coinbase := block.Transactions[0]
	tx := purse.spend(t, wire.OutPoint{Hash: coinbase.TxHash()}, coinbase.TxOut[0].Value)
	next := purse.spend(t, wire.OutPoint{Hash: tx.TxHash()}, tx.TxOut[0].Value)
	for _, tx := range []*wire.MsgTx{tx, next} {
		var b bytes.Buffer
		if err := tx.Serialize(&b); err != nil {
			t.Fatal(err)
		}
		node.call(nil, "sendrawtransaction", hex.EncodeToString(b.Bytes()))
	}
	m = mine(t, config)
	for {
		found := m.block(t)
		block := node.block(found)
		t.Logf("btcd has taken block %d, %s: %d transactions", found.Height, found.Hash, len(block.Transactions))
		if len(block.Transactions) < 3 {
			continue // btcd had this template ready before the transactions came
		}
		if found.Reward != 50*coin.Unit+20_000 {
			t.Errorf("a reward of %s", found.Reward)
		}
		if last := block.Transactions[0].TxOut[1]; last.Value != 0 || !bytes.HasPrefix(last.PkScript, []byte{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed}) {
			t.Errorf("the coinbase commits to no witnesses: %x", last.PkScript)
		}
		break
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	if v := m.Snapshot(); v.Rejected > 0 || v.Accepted == 0 {
		t.Errorf("%+v", v)
	}
}

func (p *process) block(b template.Block) *wire.MsgBlock {
	p.t.Helper()
	var text string
	p.call(&text, "getblock", b.Hash.String(), 0)
	raw, err := hex.DecodeString(text)
	if err != nil {
		p.t.Fatal(err)
	}
	var block wire.MsgBlock
	if err := block.Deserialize(bytes.NewReader(raw)); err != nil {
		p.t.Fatal(err)
	}
	if got := block.BlockHash(); got != chainhash.Hash(b.Hash) {
		p.t.Errorf("asked for %s and got %s", b.Hash, got)
	}
	return &block
}
