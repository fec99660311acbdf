//go:build !js

package practice

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// fakeOutlet keeps what the pool sends.
type fakeOutlet struct {
	mu           sync.Mutex
	jobs         []*pow.Job
	difficulties []float64
	mask         uint32
}

func (o *fakeOutlet) VersionMask() uint32 { return o.mask }

func (o *fakeOutlet) SetDifficulty(d float64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.difficulties = append(o.difficulties, d)
	return nil
}

func (o *fakeOutlet) Notify(j *pow.Job) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs = append(o.jobs, j)
	return nil
}

func (o *fakeOutlet) last() *pow.Job {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.jobs) == 0 {
		return nil
	}
	return o.jobs[len(o.jobs)-1]
}

// key is a fixed private key with its practice address.
func key(t testing.TB, p *coin.Params, n byte) (*btcec.PrivateKey, string) {
	t.Helper()
	priv, pub := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{n}, 32))
	a, err := address.NewAddressWitnessPubKeyHash(address.Hash160(pub.SerializeCompressed()), p.Chain)
	if err != nil {
		t.Fatal(err)
	}
	return priv, a.EncodeAddress()
}

type poolTest struct {
	*pool
	clock  *fakeTime
	events []Event
}

func testPool(t *testing.T, a hasher.Algorithm, rate float64) *poolTest {
	t.Helper()
	clock := newFakeTime()
	c, err := openChain(t.TempDir(), practiceParams(t, a), rate, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.close() })
	pt := &poolTest{clock: clock}
	pt.pool = newPool(c, "", clock.now, func(e Event) { pt.events = append(pt.events, e) })
	return pt
}

// device joins and authorizes.
func (p *poolTest) device(t *testing.T, user string) (*miner, *fakeOutlet) {
	t.Helper()
	out := &fakeOutlet{}
	m := p.join(out)
	if err := p.authorize(m, user); err != nil {
		t.Fatal(err)
	}
	if out.last() == nil || len(out.difficulties) != 1 {
		t.Fatal("an authorized device has no job, or no difficulty")
	}
	return m, out
}

// work looks for a share of the job whose hash passes.
func work(t testing.TB, j *pow.Job, user string, pass func(pow.Hash) bool) stratum.Submission {
	t.Helper()
	return workWith(t, j, user, make([]byte, extranonce2Size), pass)
}

func workWith(t testing.TB, j *pow.Job, user string, en2 []byte, pass func(pow.Hash) bool) stratum.Submission {
	t.Helper()
	for nonce := uint32(0); nonce < 1<<24; nonce++ {
		if pass(j.Header(pow.Solution{Extranonce2: en2, Version: j.Version, Time: j.Time, Nonce: nonce}).PoWHash(j.Algorithm)) {
			return stratum.Submission{User: user, JobID: j.ID, Extranonce2: en2, Time: j.Time, Nonce: nonce}
		}
	}
	t.Fatal("no such share found")
	return stratum.Submission{}
}

func blockTarget(t testing.TB, j *pow.Job) pow.Target {
	t.Helper()
	target, err := pow.TargetFromBits(j.Bits)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	var r *stratum.Rejection
	if !errors.As(err, &r) || r.Code != code {
		t.Fatalf("%v, want a rejection with code %d", err, code)
	}
}

func TestPoolFindsBlocks(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			p := testPool(t, a, easy)
			_, addr := key(t, p.chain.coin, 1)
			user := addr + ".rig"
			m, out := p.device(t, user)
			for h := int32(1); h <= 15; h++ {
				j := out.last()
				if err := p.submit(m, work(t, j, user, blockTarget(t, j).Met)); err != nil {
					t.Fatal(err)
				}
				if p.chain.tip().Height != h {
					t.Fatalf("height %d, want %d", p.chain.tip().Height, h)
				}
				if next := out.last(); next == j || !next.Clean || next.Prev != pow.Hash(p.chain.tip().Hash) {
					t.Fatal("no clean job on the new block")
				}
				p.clock.add(10 * time.Second)
			}
			if len(p.events) != 15 {
				t.Fatalf("%d events", len(p.events))
			}
			if e := p.events[14]; e.Height != 15 || e.Payee != addr || e.Worker != "rig" || e.Hash != pow.Hash(p.chain.tip().Hash) {
				t.Fatalf("event %+v", e)
			}
			script, err := p.chain.coin.Script(addr)
			if err != nil {
				t.Fatal(err)
			}
			block, err := p.chain.best.BlockByHeight(15)
			if err != nil {
				t.Fatal(err)
			}
			out0 := block.MsgBlock().Transactions[0].TxOut[0]
			if !bytes.Equal(out0.PkScript, script) || out0.Value != int64(coin.PracticeSubsidy) {
				t.Fatal("the reward does not go to the finder")
			}
		})
	}
}

func TestPoolJudgesShares(t *testing.T) {
	p := testPool(t, hasher.SHA256d, 1e4) // blocks are rare, shares are not
	_, addr := key(t, p.chain.coin, 1)
	m, out := p.device(t, addr)
	p.suggest(m, 1e-9) // quick to find
	j := out.last()
	low := func(h pow.Hash) bool { return !j.Target.Met(h) }
	good := func(h pow.Hash) bool { return j.Target.Met(h) && !blockTarget(t, j).Met(h) }

	share := work(t, j, addr, good)
	if err := p.submit(m, share); err != nil {
		t.Fatal(err)
	}
	wantCode(t, p.submit(m, share), stratum.CodeDuplicate)
	wantCode(t, p.submit(m, work(t, j, addr, low)), stratum.CodeLowDifficulty)

	early := share
	early.Time--
	wantCode(t, p.submit(m, early), stratum.CodeOther)
	late := share
	late.Time += maxTimeAhead + 60
	wantCode(t, p.submit(m, late), stratum.CodeOther)
	rolled := share
	version := j.Version ^ 1<<13
	rolled.Version = &version
	wantCode(t, p.submit(m, rolled), stratum.CodeOther)
	short := share
	short.Extranonce2 = short.Extranonce2[:2]
	wantCode(t, p.submit(m, short), stratum.CodeOther)
	stranger := share
	stranger.User = addr + ".other"
	wantCode(t, p.submit(m, stranger), stratum.CodeUnauthorized)
	unknown := share
	unknown.JobID = "nope"
	wantCode(t, p.submit(m, unknown), stratum.CodeJobNotFound)

	// Another device may find the same nonce: its header is another.
	m2, out2 := p.device(t, addr)
	if bytes.Equal(m.extranonce1, m2.extranonce1) {
		t.Fatal("two devices search the same headers")
	}
	stolen := share
	stolen.JobID = out2.last().ID
	wantCode(t, p.submit(m2, stolen), stratum.CodeLowDifficulty)

	// A job sent for its difficulty alone leaves earlier ones good; a block
	// does not.
	older := work(t, j, addr, func(h pow.Hash) bool {
		return good(h) && h != j.Header(pow.Solution{Extranonce2: share.Extranonce2, Version: j.Version, Time: share.Time, Nonce: share.Nonce}).PoWHash(j.Algorithm)
	})
	p.clock.add(jobInterval)
	if err := p.tick(); err != nil {
		t.Fatal(err)
	}
	if next := out.last(); next == j || next.Clean {
		t.Fatal("no new job after its time, or a clean one")
	}
	if err := p.submit(m, older); err != nil {
		t.Fatalf("a share of the job before: %v", err)
	}
	mine(t, p.chain, anyone, 1)
	share = work(t, out.last(), addr, out.last().Target.Met)
	wantCode(t, p.submit(m, share), stratum.CodeJobNotFound)
	if err := p.tick(); err != nil {
		t.Fatal(err)
	}
	if !out.last().Clean {
		t.Fatal("no clean job after a block")
	}
}

func TestPoolRefusesWrongAddresses(t *testing.T) {
	p := testPool(t, hasher.SHA256d, easy)
	for _, user := range []string{
		"",
		"worker",
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", // Bitcoin
		"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",                             // Bitcoin
		"02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5.rig", // a raw key
		func() string { _, a := key(t, practiceParams(t, hasher.Scrypt), 1); return a }(),
		func() string { _, a := key(t, p.chain.coin, 1); return a + "." + strings.Repeat("x", 65) }(),
	} {
		out := &fakeOutlet{}
		m := p.join(out)
		err := p.authorize(m, user)
		wantCode(t, err, stratum.CodeUnauthorized)
		if out.last() != nil {
			t.Fatalf("%q got a job", user)
		}
		p.leave(m, "gone")
	}
	_, a := key(t, p.chain.coin, 1)
	_, b := key(t, p.chain.coin, 2)
	p.payout = b
	if m, _ := p.device(t, ".phone"); m.address != b || m.worker != "phone" {
		t.Fatalf("a device without an address mines for %q", m.address)
	}
	m, _ := p.device(t, a+".one")
	if err := p.authorize(m, a+".two"); err != nil {
		t.Fatalf("a second worker: %v", err)
	}
	wantCode(t, p.authorize(m, b), stratum.CodeUnauthorized)
}

// TestPoolTellsThatBlocksCannotBeKept: a chain that cannot be written to ends
// the network with the reason, and keeps what it had.
func TestPoolTellsThatBlocksCannotBeKept(t *testing.T) {
	p := testPool(t, hasher.SHA256d, easy)
	_, addr := key(t, p.chain.coin, 1)
	m, out := p.device(t, addr)
	if err := p.tick(); err != nil {
		t.Fatal(err)
	}
	if err := p.chain.log.f.Close(); err != nil {
		t.Fatal(err)
	}
	j := out.last()
	wantCode(t, p.submit(m, work(t, j, addr, blockTarget(t, j).Met)), stratum.CodeOther)
	if p.chain.tip().Height != 0 || len(p.events) != 0 {
		t.Error("a block that is not on the disk was taken")
	}
	if err := p.tick(); !errors.Is(err, errWrite) || !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestPoolWorkersOfADevice: one connection has a bounded number of them, and a
// known one may log in again.
func TestPoolWorkersOfADevice(t *testing.T) {
	p := testPool(t, hasher.SHA256d, easy)
	_, addr := key(t, p.chain.coin, 1)
	m, _ := p.device(t, addr+".0")
	for i := 1; i < maxWorkers; i++ {
		if err := p.authorize(m, fmt.Sprintf("%s.%d", addr, i)); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, p.authorize(m, addr+".more"), stratum.CodeUnauthorized)
	if err := p.authorize(m, addr+".0"); err != nil {
		t.Errorf("the first one again: %v", err)
	}
}

func TestPoolAnnouncesDifficultyWithAJob(t *testing.T) {
	p := testPool(t, hasher.SHA256d, 1e9)
	_, addr := key(t, p.chain.coin, 1)
	m, out := p.device(t, addr)
	p.suggest(m, 1e-9) // quick to find
	first := out.last()
	// Shares far faster than one every four seconds.
	for range 3 {
		j := out.last()
		if err := p.submit(m, work(t, j, addr, j.Target.Met)); err != nil {
			t.Fatal(err)
		}
		p.clock.add(20 * time.Millisecond)
	}
	now := out.last()
	if now == first || !(now.Difficulty > first.Difficulty) || now.Clean {
		t.Fatal("a fast device keeps its difficulty")
	}
	if out.difficulties[len(out.difficulties)-1] != now.Difficulty {
		t.Fatal("the job is harder than was announced")
	}
	up := now.Difficulty
	for range 120 {
		p.clock.add(time.Second)
		if err := p.tick(); err != nil {
			t.Fatal(err)
		}
	}
	if out.last().Difficulty >= up {
		t.Fatal("a silent device keeps its difficulty")
	}
	// A share of the first job counts at the first job's difficulty.
	j := first
	easier := func(h pow.Hash) bool { return j.Target.Met(h) && !now.Target.Met(h) }
	if err := p.submit(m, workWith(t, j, addr, []byte{9, 9, 9, 9, 9, 9, 9, 9}, easier)); err != nil {
		t.Fatal(err)
	}
}

func TestPoolSuggestion(t *testing.T) {
	p := testPool(t, hasher.SHA256d, 1e9)
	_, addr := key(t, p.chain.coin, 1)
	m, out := p.device(t, addr)
	p.suggest(m, 0.25)
	if d := out.last().Difficulty; d < 0.24 || d > 0.26 {
		t.Fatalf("suggested 0.25, got %g", d)
	}
	p.suggest(m, 1e30)
	limit := blockTarget(t, out.last()).Difficulty(hasher.SHA256d)
	if d := out.last().Difficulty; d > limit {
		t.Fatalf("difficulty %g above the block's %g", d, limit)
	}
	for _, d := range []float64{-1, 0} {
		p.suggest(m, d)
	}
}

// TestPoolMinesSegwit spends a matured reward of a bech32 address and mines the
// spending: the block needs a witness commitment that stays right although each
// device has a coinbase of its own.
func TestPoolMinesSegwit(t *testing.T) {
	p := testPool(t, hasher.SHA256d, easy)
	priv, addr := key(t, p.chain.coin, 1)
	_, other := key(t, p.chain.coin, 2)
	m, out := p.device(t, addr)
	block := func() {
		t.Helper()
		j := out.last()
		if err := p.submit(m, work(t, j, addr, blockTarget(t, j).Met)); err != nil {
			t.Fatal(err)
		}
		p.clock.add(10 * time.Second)
	}
	for range coinbaseMaturity + 1 {
		block()
	}
	raw := spend(t, p.chain, priv, addr, other, 1)
	if _, err := p.chain.broadcast(raw); err != nil {
		t.Fatalf("%v: %+v", err, err)
	}
	before := out.last()
	if err := p.tick(); err != nil {
		t.Fatal(err)
	}
	if j := out.last(); j == before || len(j.Branch) != 1 || j.Clean {
		t.Fatal("a transaction in the memory pool does not reach the devices")
	}
	block()
	b, err := p.chain.best.BlockByHeight(p.chain.tip().Height)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.Transactions()); n != 2 || !b.Transactions()[0].HasWitness() {
		t.Fatalf("%d transactions in the block", n)
	}
	if p.chain.txs.Count() != 0 {
		t.Fatal("a mined transaction still waits")
	}
}

// spend spends output 0 of the coinbase at height, which pays addr, to another
// address, less 1,000 satoshi.
func spend(t testing.TB, c *chain, priv *btcec.PrivateKey, from, to string, height int32) []byte {
	t.Helper()
	b, err := c.best.BlockByHeight(height)
	if err != nil {
		t.Fatal(err)
	}
	source := b.Transactions()[0]
	return spendOutput(t, c, priv, from, to, *source.Hash(), 0, source.MsgTx().TxOut[0].Value)
}

func spendOutput(t testing.TB, c *chain, priv *btcec.PrivateKey, from, to string, id chainhash.Hash, n uint32, value int64) []byte {
	t.Helper()
	own, err := c.coin.Script(from)
	if err != nil {
		t.Fatal(err)
	}
	target, err := c.coin.Script(to)
	if err != nil {
		t.Fatal(err)
	}
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: id, Index: n}, nil, nil))
	tx.AddTxOut(wire.NewTxOut(value-1000, target))
	fetcher := txscript.NewCannedPrevOutputFetcher(own, value)
	tx.TxIn[0].Witness, err = txscript.WitnessSignature(tx, txscript.NewTxSigHashes(tx, fetcher), 0, value, own, txscript.SigHashAll, priv, true)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := tx.Serialize(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// A device that rolls the version finds blocks that the chain takes.
func TestRolledVersion(t *testing.T) {
	p := testPool(t, hasher.SHA256d, easy)
	_, addr := key(t, p.chain.coin, 1)
	m, out := p.device(t, addr)
	j := *out.last()
	target := blockTarget(t, &j)
	j.Version |= 0x00abe000 & versionMask
	share := work(t, &j, addr, func(h pow.Hash) bool { return target.Met(h) })
	bits := j.Version & versionMask
	share.Version = &bits
	wantCode(t, p.submit(m, share), stratum.CodeOther) // nobody has agreed on a mask
	out.mask = versionMask
	if err := p.submit(m, share); err != nil {
		t.Fatal(err)
	}
	if len(p.events) != 1 {
		t.Fatalf("got %d blocks", len(p.events))
	}
	block, err := p.chain.best.BlockByHeight(p.events[0].Height)
	if err != nil || uint32(block.MsgBlock().Header.Version) != j.Version {
		t.Errorf("block %v, %v", block, err)
	}
}

// A device that comes back within two minutes goes on with its jobs; later, or under another name, it does not.
func TestComeBack(t *testing.T) {
	p := testPool(t, hasher.SHA256d, easy)
	_, addr := key(t, p.chain.coin, 1)
	m, out := p.device(t, addr)
	j := out.last()
	share := work(t, j, addr, j.Target.Met)
	extranonce1 := m.extranonce1
	p.leave(m, "a")
	if p.resume(out, "b") != nil {
		t.Error("an unknown session was resumed")
	}
	next := &fakeOutlet{}
	m = p.resume(next, "a")
	if m == nil || !bytes.Equal(m.extranonce1, extranonce1) {
		t.Fatalf("resumed %+v", m)
	}
	wantCode(t, p.submit(m, share), stratum.CodeUnauthorized)
	if err := p.authorize(m, addr); err != nil {
		t.Fatal(err)
	}
	if len(next.difficulties) != 1 || next.last() == nil {
		t.Error("the device was told no difficulty, or no job")
	}
	if err := p.submit(m, share); err != nil {
		t.Errorf("a share of before: %v", err)
	}
	if p.resume(out, "a") != nil {
		t.Error("a session was resumed twice")
	}

	p.leave(m, "c")
	m = p.resume(next, "c")
	_, other := key(t, p.chain.coin, 2)
	if err := p.authorize(m, other); err != nil {
		t.Fatal(err)
	}
	share.User = other
	wantCode(t, p.submit(m, share), stratum.CodeJobNotFound)

	p.leave(m, "d")
	p.clock.add(keepFor + time.Second)
	if p.resume(out, "d") != nil {
		t.Error("a session was resumed too late")
	}
}
