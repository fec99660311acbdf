//go:build !js

package practice

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"goldpan/core/hasher"
)

// TestReplayTellsDamageFromTrouble: blocks that no database can take are damage;
// a database that fails, as on a full disk, is not.
func TestReplayTellsDamageFromTrouble(t *testing.T) {
	clock := newFakeTime()
	begin := func() (c *chain, dir string, whole []byte) {
		dir = t.TempDir()
		c, err := openChain(dir, practiceParams(t, hasher.SHA256d), easy, clock.now)
		if err != nil {
			t.Fatal(err)
		}
		mine(t, c, anyone, 2)
		path := filepath.Join(dir, logName)
		if whole, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		first, rest := c.blocks[:2], c.blocks[2]
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		// The database knows one block less than the log.
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, dbName)), os.Truncate(path, rest.at)); err != nil {
			t.Fatal(err)
		}
		if c, err = openChain(dir, practiceParams(t, hasher.SHA256d), easy, clock.now); err != nil {
			t.Fatal(err)
		}
		c.blocks = append(slices.Clone(first), rest)
		return c, dir, whole
	}

	c, dir, whole := begin()
	if err := os.WriteFile(filepath.Join(dir, logName), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.replay(); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("a database that fails: %v", err)
	}
	_ = c.log.close()

	c, dir, whole = begin()
	msg, err := decodeBlock(whole[c.blocks[2].at+frameSize+1:])
	if err != nil {
		t.Fatal(err)
	}
	msg.Header.Timestamp = msg.Header.Timestamp.Add(time.Second)    // its work is gone
	for powHeader(&msg.Header).PoWHash(hasher.SHA256d)[31] < 0x80 { // half of all hashes meet the easiest target
		msg.Header.Nonce++
	}
	var b bytes.Buffer
	if err := msg.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	whole = appendRecord(whole[:c.blocks[2].at], recordBlock, b.Bytes())
	if err := os.WriteFile(filepath.Join(dir, logName), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.replay(); !errors.Is(err, ErrDamaged) || !errors.Is(err, errHighHash) {
		t.Errorf("a block without work: %v", err)
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}
