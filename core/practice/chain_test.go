//go:build !js

package practice

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// easy is a hash rate at which a new chain has the easiest difficulty there is:
// two hashes a block.
const easy = 1e-3

// fakeTime is a clock that goes when it is told to.
type fakeTime struct {
	mu sync.Mutex
	t  time.Time
}

func newFakeTime() *fakeTime { return &fakeTime{t: time.Unix(1_800_000_000, 0)} }

func (f *fakeTime) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.t
}

func (f *fakeTime) add(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.t = f.t.Add(d)
}

func practiceParams(t testing.TB, a hasher.Algorithm) *coin.Params {
	t.Helper()
	p, err := coin.ForPractice(a).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func testChain(t testing.TB, dir string, a hasher.Algorithm, now func() time.Time) *chain {
	t.Helper()
	c, err := openChain(dir, practiceParams(t, a), easy, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// anyone is a script that everybody can spend, and that is no address.
var anyone = []byte{0x51}

// mineBlock finds a block on the tip without giving it to the chain.
func mineBlock(t testing.TB, c *chain, script []byte) *wire.MsgBlock {
	t.Helper()
	bt, err := c.template()
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := newTemplate(bt, c.clock.AdjustedTime())
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := tmpl.coinbase(script)
	if err != nil {
		t.Fatal(err)
	}
	job := &pow.Job{
		Algorithm: c.algorithm, Prev: tmpl.prev, Coinbase1: before, Coinbase2: after, Branch: tmpl.branch,
		Version: uint32(tmpl.block.Header.Version), Bits: tmpl.block.Header.Bits, Time: tmpl.time,
		Extranonce1: extranonce1(7), Extranonce2Size: extranonce2Size, Target: tmpl.target,
	}
	en2 := make([]byte, extranonce2Size)
	for nonce := uint32(0); nonce < 1<<26; nonce++ {
		if s, ok := job.Check(pow.Solution{Extranonce2: en2, Version: job.Version, Time: job.Time, Nonce: nonce}); ok {
			block, err := tmpl.solved(job, s.Solution)
			if err != nil {
				t.Fatal(err)
			}
			return block
		}
	}
	t.Fatal("no block found: is the difficulty too high?")
	return nil
}

func mine(t testing.TB, c *chain, script []byte, n int) {
	t.Helper()
	for range n {
		block := mineBlock(t, c, script)
		if _, err := c.submit(block); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChainTakesBlocks(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			clock := newFakeTime()
			c := testChain(t, t.TempDir(), a, clock.now)
			for range 30 {
				mine(t, c, anyone, 1)
				clock.add(10 * time.Second)
			}
			if got := c.tip().Height; got != 30 {
				t.Fatalf("height %d, want 30", got)
			}
			if len(c.blocks) != 31 {
				t.Fatalf("the log holds %d blocks, want 31", len(c.blocks))
			}
		})
	}
}

func TestChainRefusesWrongWork(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			c := testChain(t, t.TempDir(), a, newFakeTime().now)
			block := mineBlock(t, c, anyone)
			size := c.log.size
			for c.checkWork(&block.Header) == nil {
				block.Header.Nonce++
			}
			if _, err := c.submit(block); !errors.Is(err, errHighHash) {
				t.Fatalf("block without work: %v", err)
			}
			if c.tip().Height != 0 || c.log.size != size {
				t.Fatal("a refused block left a trace")
			}
		})
	}
}

func TestChainRefusesSecondBlockOfAHeight(t *testing.T) {
	clock := newFakeTime()
	c := testChain(t, t.TempDir(), hasher.SHA256d, clock.now)
	first := mineBlock(t, c, anyone)
	second := mineBlock(t, c, []byte{0x52})
	if _, err := c.submit(first); err != nil {
		t.Fatal(err)
	}
	if _, err := c.submit(second); !errors.Is(err, errStaleBlock) {
		t.Fatalf("second block of a height: %v", err)
	}
}

// Work that is made while a block comes in is work on one tip or the other: a pool that ended with it would end the network.
func TestTemplateWhileABlockComes(t *testing.T) {
	clock := newFakeTime()
	c := testChain(t, t.TempDir(), hasher.SHA256d, clock.now)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		var err error
		for err == nil && ctx.Err() == nil {
			_, err = c.template()
		}
		failed <- err
	}()
	for range 100 {
		mine(t, c, anyone, 1)
		clock.add(10 * time.Second)
	}
	cancel()
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func TestChainRefusesTooHighReward(t *testing.T) {
	c := testChain(t, t.TempDir(), hasher.SHA256d, newFakeTime().now)
	block := mineBlock(t, c, anyone)
	size := c.log.size
	block.Transactions[0].TxOut[0].Value++
	block.Header.MerkleRoot = block.Transactions[0].TxHash()
	for c.checkWork(&block.Header) != nil {
		block.Header.Nonce++
	}
	var rule blockchain.RuleError
	if _, err := c.submit(block); !errors.As(err, &rule) || rule.ErrorCode != blockchain.ErrBadCoinbaseValue {
		t.Fatalf("block that pays too much: %v", err)
	}
	if c.log.size != size {
		t.Fatal("a refused block is in the log")
	}
}

// copyDir is what a disk holds when a process is killed: the files as they are
// while the chain is still open.
func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestChainSurvivesWithoutClose(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			clock := newFakeTime()
			dir := t.TempDir()
			c := testChain(t, dir, a, clock.now)
			for range 20 {
				mine(t, c, anyone, 1)
				clock.add(10 * time.Second)
			}
			again := testChain(t, copyDir(t, dir), a, clock.now)
			if again.tip().Hash != c.tip().Hash {
				t.Fatalf("height %d after a kill, want %d", again.tip().Height, c.tip().Height)
			}
			if *again.net.GenesisHash != *c.net.GenesisHash {
				t.Fatal("another genesis")
			}
			mine(t, again, anyone, 2)
		})
	}
}

func TestChainRebuildsADamagedDatabase(t *testing.T) {
	clock := newFakeTime()
	dir := t.TempDir()
	c, err := openChain(dir, practiceParams(t, hasher.SHA256d), easy, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	for range 15 {
		mine(t, c, anyone, 1)
		clock.add(10 * time.Second)
	}
	want := c.tip().Hash
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(filepath.Join(dir, dbName), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for name, damage := range map[string]func(path string) error{
				"emptied": func(p string) error { return os.Truncate(p, 0) },
				"one bit": func(p string) error {
					b, err := os.ReadFile(p)
					if err == nil && len(b) > 0 {
						b[len(b)/2] ^= 0x40
						err = os.WriteFile(p, b, 0o600)
					}
					return err
				},
				"removed": os.Remove,
				"garbage": func(p string) error {
					b, err := os.ReadFile(p)
					for i := range b {
						b[i] ^= byte(i*7) | 1
					}
					if err != nil {
						return err
					}
					return os.WriteFile(p, b, 0o600)
				},
			} {
				t.Run(name, func(t *testing.T) {
					broken := copyDir(t, dir)
					rel, err := filepath.Rel(dir, file)
					if err != nil {
						t.Fatal(err)
					}
					if err := damage(filepath.Join(broken, rel)); err != nil {
						t.Fatal(err)
					}
					again := testChain(t, broken, hasher.SHA256d, clock.now)
					if again.tip().Hash != want {
						t.Fatalf("height %d after damage", again.tip().Height)
					}
					mine(t, again, anyone, 1)
				})
			}
		})
	}
}

func TestChainGivesBackBlocksThatTheLogLost(t *testing.T) {
	clock := newFakeTime()
	dir := t.TempDir()
	c, err := openChain(dir, practiceParams(t, hasher.SHA256d), easy, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	mine(t, c, anyone, 10)
	want, damaged := c.tip().Hash, c.blocks[5].at
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, logName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[damaged+frameSize+20] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c = testChain(t, dir, hasher.SHA256d, clock.now)
	if c.tip().Hash != want || len(c.blocks) != 11 {
		t.Fatalf("height %d, log %d", c.tip().Height, len(c.blocks))
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Fatal("the damaged part was thrown away:", err)
	}
}

func TestChainKeepsALogWithoutABeginning(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, logName)
	torn := []byte(logMagic + "\x10\x00\x00\x00only a part")
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	mine(t, testChain(t, dir, hasher.SHA256d, time.Now), anyone, 1)
	if b, err := os.ReadFile(path + damagedSuffix); err != nil || string(b) != string(torn) {
		t.Fatalf("%q, %v", b, err)
	}

	// What is no log at all is left alone.
	dir = t.TempDir()
	path = filepath.Join(dir, logName)
	if err := os.WriteFile(path, []byte("a letter to grandmother"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openChain(dir, practiceParams(t, hasher.SHA256d), easy, time.Now); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
}

// TestLostLog: a database whose log is gone, or is empty, is no reason to begin
// a new chain in its place.
func TestLostLog(t *testing.T) {
	for name, lose := range map[string]func(string) error{
		"removed": os.Remove,
		"emptied": func(path string) error { return os.Truncate(path, 0) },
	} {
		dir := t.TempDir()
		c, err := openChain(dir, practiceParams(t, hasher.SHA256d), easy, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		mine(t, c, anyone, 2)
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		if err := lose(filepath.Join(dir, logName)); err != nil {
			t.Fatal(err)
		}
		if _, err := openChain(dir, practiceParams(t, hasher.SHA256d), easy, time.Now); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, dbName)); err != nil {
			t.Errorf("%s: the database is gone: %v", name, err)
		}
	}
}

func TestChainOfAnotherAlgorithm(t *testing.T) {
	dir := t.TempDir()
	c, err := openChain(dir, practiceParams(t, hasher.SHA256d), easy, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openChain(dir, practiceParams(t, hasher.Scrypt), easy, time.Now); err == nil {
		t.Fatal("a sha256d chain opened as scrypt")
	}
}

func TestChainClockSetBack(t *testing.T) {
	clock := newFakeTime()
	dir := t.TempDir()
	c, err := openChain(dir, practiceParams(t, hasher.SHA256d), easy, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	for range 15 {
		mine(t, c, anyone, 1)
		clock.add(10 * time.Second)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	clock.add(-365 * 24 * time.Hour)
	c = testChain(t, dir, hasher.SHA256d, clock.now)
	for range 30 {
		before := c.tip()
		mine(t, c, anyone, 1)
		h, err := c.header(c.tip().Height)
		if err != nil {
			t.Fatal(err)
		}
		if !h.Timestamp.After(before.MedianTime) {
			t.Fatal("a block time that the chain must refuse was accepted")
		}
		// Twelve blocks at the true pace: nothing near a factor of four.
		if got := blockHashes(t, h.Bits) / blockHashes(t, c.net.PowLimitBits); got > 1.5 {
			t.Fatalf("setting the clock back made blocks %.1f times harder", got)
		}
		clock.add(11 * time.Second)
	}
	clock.add(-48 * time.Hour) // and while it runs, without a monotonic clock to help
	mine(t, c, anyone, 3)
}

// TestChainClockDoesNotRunAway: a device that rolls the time of each of its
// blocks ahead as far as it may does not drive the chain into the future, where
// blocks would become ever easier.
func TestChainClockDoesNotRunAway(t *testing.T) {
	clock := newFakeTime()
	c := testChain(t, t.TempDir(), hasher.SHA256d, clock.now)
	for range 40 {
		block := mineBlock(t, c, anyone)
		block.Header.Timestamp = c.clock.AdjustedTime().Add(maxTimeAhead * time.Second)
		for c.checkWork(&block.Header) != nil {
			block.Header.Nonce++
		}
		if _, err := c.submit(block); err != nil {
			t.Fatal(err)
		}
		clock.add(10 * time.Second)
	}
	if ahead := c.clock.AdjustedTime().Sub(clock.now()); ahead > time.Minute {
		t.Errorf("after 40 blocks the chain's clock is %v ahead", ahead)
	}
}

// blockHashes is how many hashes a block of this difficulty takes.
func blockHashes(t testing.TB, bits uint32) float64 {
	t.Helper()
	target, err := pow.TargetFromBits(bits)
	if err != nil {
		t.Fatal(err)
	}
	return target.Expected()
}

// TestRetarget runs the chain at hash rates that change, with block times that
// are what luck gives on average, and waits for blocks of about 10 seconds.
func TestRetarget(t *testing.T) {
	for _, tt := range []struct {
		name   string
		factor float64 // the rate, over what the first difficulty was made for
		blocks int     // by which time it must have settled
	}{
		{"as measured", 1, 24},
		{"ten times faster", 10, 48},
		{"ten times slower", 0.1, 48},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := newFakeTime()
			rate := 100.0 // hashes a second, so that the test can find the blocks
			c, err := openChain(t.TempDir(), practiceParams(t, hasher.SHA256d), rate, clock.now)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.close() }()
			var took float64
			for range tt.blocks {
				block := mineBlock(t, c, anyone)
				took = blockHashes(t, block.Header.Bits) / (rate * tt.factor)
				if _, err := c.submit(block); err != nil {
					t.Fatal(err)
				}
				clock.add(time.Duration(took * float64(time.Second)))
			}
			if took < 7 || took > 15 {
				t.Fatalf("after %d blocks one takes %.1f s", tt.blocks, took)
			}
		})
	}
}

func TestGenesisBitsFollowTheRate(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		p := practiceParams(t, a)
		for _, rate := range []float64{1e3, 5e4, 2e6, 1e9, 1e14} {
			target, err := pow.TargetFromBits(bitsForRate(p, rate))
			if err != nil {
				t.Fatal(err)
			}
			if got := target.Expected() / rate; got < 9.5 || got > 10.5 {
				t.Errorf("%s at %g H/s: a block every %.2f s", a, rate, got)
			}
		}
		for _, rate := range []float64{0, -1, easy} {
			if _, err := pow.TargetFromBits(bitsForRate(p, rate)); err != nil {
				t.Errorf("rate %g: %v", rate, err)
			}
		}
	}
}

func TestUnwritableDirectory(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// A file stands where the directory should be: not even root can write
	// there.
	_, err := openChain(filepath.Join(file, "chain"), practiceParams(t, hasher.SHA256d), easy, time.Now)
	if err == nil {
		t.Fatal("opened a chain inside a file")
	}
}
