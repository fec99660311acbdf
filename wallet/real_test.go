//go:build !js

package wallet_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/pow"
	"goldpan/wallet"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

// patience bounds every wait. It is far beyond what a loaded machine takes.
const patience = 3 * time.Minute

const passphrase = "a passphrase for a test, worth nothing"

// node is a real node that runs until the test ends, with a wallet server of this repository in front of it.
type node struct {
	t      testing.TB
	url    string
	http   *http.Client
	auth   func() (user, password string, err error)
	server *electrumtest.Server
	params *coin.Params
}

// newNode is one that does not run yet.
func newNode(t testing.TB, id string) *node {
	t.Helper()
	return &node{t: t, params: regtest(t, id), http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// launch runs a program until the test ends, and is false if it ended before it was ready: another may have taken its port.
func launch(t testing.TB, ready func() error, name string, args ...string) bool {
	t.Helper()
	cmd := exec.Command(name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-ended
		}
	}
	for deadline := time.Now().Add(patience); ; {
		err := ready()
		if err == nil {
			t.Cleanup(stop)
			return true
		}
		select {
		case <-ended:
			t.Logf("%s ended at once: %s", filepath.Base(name), said.Bytes())
			return false
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			stop()
			t.Fatalf("%s does not get ready: %v\n%s", filepath.Base(name), err, said.Bytes())
		}
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// call asks the node, and fails the test if it does not answer.
func (n *node) call(result any, method string, params ...any) {
	n.t.Helper()
	if err := n.try(result, method, params...); err != nil {
		n.t.Fatalf("%s: %v", method, err)
	}
}

func (n *node) try(result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	user, password, err := n.auth()
	if err != nil {
		return err
	}
	request.SetBasicAuth(user, password)
	response, err := n.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Result, Error json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", response.Status, err)
	}
	if len(answer.Error) > 0 && !bytes.Equal(answer.Error, []byte("null")) {
		return errors.New(string(answer.Error))
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// serve brings the wallet server in step with the node.
func (n *node) serve() {
	n.t.Helper()
	block := func(hash string) electrumtest.Block {
		var raw string
		n.call(&raw, "getblock", hash, 0)
		b, err := hex.DecodeString(raw)
		if err != nil {
			n.t.Fatal(err)
		}
		parsed, err := electrumtest.ReadBlock(b)
		if err != nil {
			n.t.Fatal(err)
		}
		return parsed
	}
	at := func(height int) (hash string) { n.call(&hash, "getblockhash", height); return hash }
	if n.server == nil {
		first := &electrumtest.Chain{Params: n.params, Blocks: []electrumtest.Block{block(at(0))}}
		n.server = electrumtest.NewServer(first)
		n.t.Cleanup(n.server.Close)
	}
	var height int
	n.call(&height, "getblockcount")
	var ids []string
	n.call(&ids, "getrawmempool")
	var pool [][]byte
	for _, id := range ids {
		var raw string
		n.call(&raw, "getrawtransaction", id, 0)
		b, err := hex.DecodeString(raw)
		if err != nil {
			n.t.Fatal(err)
		}
		pool = append(pool, b)
	}
	n.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		d := c.Clone()
		known := min(int(d.Height()), height)
		for known > 0 && d.Blocks[known].Header.BlockHash().String() != at(known) {
			known--
		}
		d.Cut(int32(known) + 1)
		for h := known + 1; h <= height; h++ {
			d.Blocks = append(d.Blocks, block(at(h)))
		}
		*mempool = pool
		return d
	})
}

// options are those of a wallet that knows this node's server alone.
func (n *node) options() wallet.Options {
	return wallet.Options{Storage: &wallet.MemoryStorage{}, Params: n.params, Passphrase: passphrase, WorkFactor: 1,
		Dial: n.server.Dial}
}

// agree has the wallet synced and compares.
func (n *node) agree(w *wallet.Wallet, what string, want wallet.Balance) {
	n.t.Helper()
	n.serve()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	if err := w.Sync(ctx, "node"); err != nil {
		n.t.Fatalf("%s: %v", what, err)
	}
	var height int32
	n.call(&height, "getblockcount")
	if got := w.Balance(); got != want || w.Height() != height {
		n.t.Errorf("%s: %+v at height %d, want %+v at %d", what, got, w.Height(), want, height)
	}
}

// restored is the wallet made anew from its words alone.
func (n *node) restored(m hd.Mnemonic) *wallet.Wallet {
	n.t.Helper()
	w, err := wallet.Restore(n.options(), m)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { w.Close() })
	return w
}

func regtest(t testing.TB, id string) *coin.Params {
	t.Helper()
	return cointest.Params(t, id, coin.Regtest)
}

func knownWords(t testing.TB) hd.Mnemonic {
	t.Helper()
	m, err := hd.ParseMnemonic(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// litecoind runs Debian's litecoind until the test ends.
func (n *node) litecoind() {
	t := n.t
	t.Helper()
	program, err := exec.LookPath("litecoind")
	if err != nil {
		t.Fatal("litecoind is missing: `make test` installs it (the package litecoind of Debian); this test needs a real node and is never skipped")
	}
	for range 5 {
		dir := t.TempDir()
		rpc := freePort(t)
		n.url = "http://127.0.0.1:" + rpc
		n.auth = func() (user, password string, err error) {
			b, err := os.ReadFile(filepath.Join(dir, "regtest", ".cookie"))
			user, password, _ = strings.Cut(string(b), ":")
			return user, password, err
		}
		if launch(t, func() error { return n.try(nil, "getblockcount") }, program, "-regtest", "-datadir="+dir, "-server",
			"-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-rpcport="+rpc, "-listen=0", "-dnsseed=0", "-printtoconsole=0",
			"-keypool=5", "-fallbackfee=0.0001", "-dbcache=4", "-rpcthreads=4", "-maxtipage=2000000000") {
			return
		}
	}
	t.Fatal("litecoind does not start")
}

// TestLitecoinNode follows a reward and a payment through Debian's litecoind and a reorganisation.
func TestLitecoinNode(t *testing.T) {
	t.Parallel()
	n := newNode(t, "litecoin")
	n.litecoind()
	n.serve()
	w := n.restored(knownWords(t))
	address := func(i uint32) string {
		a, err := w.Address(i)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	var theirs string
	if n.try(&theirs, "getnewaddress") != nil {
		n.call(nil, "createwallet", "w")
		n.call(&theirs, "getnewaddress")
	}
	const reward = 50 * coin.Unit
	n.call(nil, "generatetoaddress", 1, address(0))
	n.agree(w, "a reward", wallet.Balance{Immature: reward})
	n.call(nil, "generatetoaddress", 98, theirs)
	n.agree(w, "99 deep", wallet.Balance{Immature: reward})
	n.call(nil, "generatetoaddress", 1, theirs)
	n.agree(w, "100 deep", wallet.Balance{Confirmed: reward})

	// What the node's wallet pays is seen at once, and confirmed in a block.
	n.call(nil, "generatetoaddress", 20, theirs)
	n.call(nil, "sendtoaddress", address(1), "3.25")
	n.agree(w, "a payment", wallet.Balance{Confirmed: reward, Unconfirmed: 325_000_000})
	n.call(nil, "generatetoaddress", 1, theirs)
	n.agree(w, "in a block", wallet.Balance{Confirmed: reward + 325_000_000})
	n.call(nil, "generatetoaddress", 1, address(2))
	n.call(nil, "generatetoaddress", 4, theirs)
	n.agree(w, "six deep", wallet.Balance{Confirmed: reward + 325_000_000, Immature: reward})

	// Six blocks go, the reward among them with them; the payment is in another block then.
	var height int
	n.call(&height, "getblockcount")
	var sixth string
	n.call(&sixth, "getblockhash", height-5)
	n.call(nil, "invalidateblock", sixth)
	n.call(&theirs, "getnewaddress") // or the first would be the very block that went
	n.call(nil, "generatetoaddress", 8, theirs)
	want := wallet.Balance{Confirmed: reward + 325_000_000}
	n.agree(w, "another six", want)
	for _, e := range w.History() {
		if e.Confirmations < 1 || e.Height == 0 {
			t.Errorf("%+v", e)
		}
	}

	again := n.restored(knownWords(t))
	n.agree(again, "restored from words", want)
	if a, b := fmt.Sprint(w.History()), fmt.Sprint(again.History()); a != b {
		t.Errorf("histories differ: %s, %s", a, b)
	}
}

// btcd builds and runs a btcd that mines to an address.
func (n *node) btcd(address string) {
	t := n.t
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "btcd")
	build := exec.Command("go", "build", "-o", program, "github.com/btcsuite/btcd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("btcd, a tool of go.mod, is missing: this test needs a real node and is never skipped: %v\n%s", err, out)
	}
	config := filepath.Join(dir, "btcd.conf")
	if err := os.WriteFile(config, []byte("[Application Options]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.auth = func() (string, string, error) { return "us", "pass", nil }
	for range 5 {
		rpc, listen := freePort(t), freePort(t)
		n.url = "http://127.0.0.1:" + rpc
		if launch(t, func() error { return n.try(nil, "getblockcount") }, program, "--regtest", "--configfile="+config,
			"--datadir="+filepath.Join(dir, "data"), "--logdir="+filepath.Join(dir, "log"), "--notls", "--rpcuser=us", "--rpcpass=pass",
			"--rpclisten=127.0.0.1:"+rpc, "--listen=127.0.0.1:"+listen, "--nodnsseed", "--miningaddr="+address) {
			return
		}
	}
	t.Fatal("btcd does not start")
}

// TestBitcoinNode does the same with btcd, which has no wallet of its own, and mines to one address alone.
func TestBitcoinNode(t *testing.T) {
	t.Parallel()
	n := newNode(t, "bitcoin")
	account := addresses(t, n.params)
	n.btcd(account(0))
	n.serve()
	w := n.restored(knownWords(t))
	const reward, fee = 50 * coin.Unit, coin.Amount(10_000)
	n.call(nil, "generate", 99)
	n.agree(w, "99 rewards", wallet.Balance{Immature: 99 * reward})
	n.call(nil, "generate", 2)
	n.agree(w, "two are 100 deep", wallet.Balance{Confirmed: 2 * reward, Immature: 99 * reward})

	// The account's second address is paid from the first by code that is not the wallet's.
	first := w.History()[len(w.History())-1]
	n.call(nil, "sendrawtransaction", hex.EncodeToString(pay(t, n.params, first.TxID, account(1))))
	n.agree(w, "a payment", wallet.Balance{Confirmed: reward, Immature: 99 * reward, Unconfirmed: reward - fee})
	n.call(nil, "generate", 1)
	n.agree(w, "in a block", wallet.Balance{Confirmed: 2*reward + reward - fee, Immature: 99*reward + fee})
	n.call(nil, "generate", 5)
	n.agree(w, "six deep", wallet.Balance{Confirmed: 7*reward + reward - fee, Immature: 99*reward + fee})

	// Six blocks go, with their rewards. The payment waits again, and is in another block then.
	var sixth string
	n.call(&sixth, "getblockhash", 107-5)
	n.call(nil, "invalidateblock", sixth)
	var pool []string
	if n.call(&pool, "getrawmempool"); len(pool) == 0 {
		n.call(nil, "sendrawtransaction", hex.EncodeToString(pay(t, n.params, first.TxID, account(1))))
	}
	n.call(nil, "generate", 8)
	want := wallet.Balance{Confirmed: 9*reward + reward - fee, Immature: 99*reward + fee}
	n.agree(w, "another six", want)

	again := n.restored(knownWords(t))
	n.agree(again, "restored from words", want)
	if a, b := fmt.Sprint(w.History()), fmt.Sprint(again.History()); a != b {
		t.Errorf("histories differ: %s, %s", a, b)
	}
}

// addresses are those of the account that knownWords make.
func addresses(t testing.TB, p *coin.Params) func(i uint32) string {
	t.Helper()
	seed := knownWords(t).Seed("")
	a, err := hd.NewAccount(seed, p, p.Purpose, 0)
	if err != nil {
		t.Fatal(err)
	}
	return func(i uint32) string {
		s, err := a.Address(hd.Receive, i)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// pay spends the first output of a reward to the account's address 0, without this repository's code, to another
// address; 10,000 satoshi are the fee.
func pay(t testing.TB, p *coin.Params, from pow.Hash, to string) []byte {
	t.Helper()
	key, err := hdkeychain.NewMaster(knownWords(t).Seed(""), &chaincfg.RegressionNetParams)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []uint32{hardened + 84, hardened + p.CoinType, hardened, 0, 0} {
		if key, err = key.Derive(i); err != nil {
			t.Fatal(err)
		}
	}
	private, err := key.ECPrivKey()
	if err != nil {
		t.Fatal(err)
	}
	script := append([]byte{0, 20}, address.Hash160(private.PubKey().SerializeCompressed())...)
	target, err := address.DecodeAddress(to, &chaincfg.RegressionNetParams)
	if err != nil {
		t.Fatal(err)
	}
	out, err := txscript.PayToAddrScript(target)
	if err != nil {
		t.Fatal(err)
	}
	const value = 50 * int64(coin.Unit)
	tx := wire.NewMsgTx(2)
	spent := chainhash.Hash(from)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&spent, 0), nil, nil))
	tx.AddTxOut(wire.NewTxOut(value-10_000, out))
	fetcher := txscript.NewCannedPrevOutputFetcher(script, value)
	tx.TxIn[0].Witness, err = txscript.WitnessSignature(tx, txscript.NewTxSigHashes(tx, fetcher), 0, value, script, txscript.SigHashAll, private, true)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const hardened = hdkeychain.HardenedKeyStart
