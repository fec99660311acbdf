//go:build !js

package vault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"goldpan/core/seal"
)

func readAuditFile(t *testing.T, v *Vault) []byte {
	t.Helper()
	data, err := os.ReadFile(v.auditPath())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeAuditFile(t *testing.T, v *Vault, data []byte) {
	t.Helper()
	if err := os.WriteFile(v.auditPath(), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// fresh is the same vault as a new program sees it.
func fresh(t *testing.T, v *Vault, store Store, c *clock) *Vault {
	t.Helper()
	w := openIn(t, filepath.Dir(v.path), store, c)
	w.auditLimit = v.auditLimit
	return w
}

func uses(t *testing.T, v *Vault, c *clock, n int) {
	t.Helper()
	for range n {
		if _, err := v.PoolPassword(t.Context(), "pool"); err != nil {
			t.Fatal(err)
		}
		c.t = c.t.Add(time.Minute)
	}
}

// Every byte of the audit, every cut, every swap and every older copy is named
// as tampering, to each way in; but for the end, which a cut-off write leaves
// and the anchor mends.
func TestAuditTampering(t *testing.T) {
	v, store, c := newVault(t)
	add(t, v, "pool", KindPool, "x")
	uses(t, v, c, 5)
	good := readAuditFile(t, v)
	lines := bytes.SplitAfter(good, []byte{'\n'})
	lines = lines[:len(lines)-1]
	last := len(lines) - 1

	check := func(what string, data []byte, detail string) {
		t.Helper()
		writeAuditFile(t, v, data)
		w := fresh(t, v, store, c)
		_, auditErr := w.Audit(t.Context())
		for _, err := range []error{auditErr, w.Tidy(t.Context()), second(w.PoolPassword(t.Context(), "pool")),
			second(w.Add(t.Context(), Entry{Name: "new", Kind: KindPool, Environment: Live}, NewSecret([]byte("y"))))} {
			if !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), detail) || Hint(err) == "" {
				t.Fatalf("%s: %v, want tampering that names %q", what, err, detail)
			}
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		writeAuditFile(t, v, bad)
		if _, err := fresh(t, v, store, c).Audit(t.Context()); !errors.Is(err, ErrTampered) {
			t.Fatalf("byte %d altered: %v", i, err)
		}
	}
	for i := 1; i <= last; i++ {
		if i < last {
			check("a line cut out", slices.Concat(slices.Concat(lines[:i]...), slices.Concat(lines[i+1:]...)), fmt.Sprintf("line %d", i+1))
			check("two lines swapped", slices.Concat(slices.Concat(lines[:i]...), lines[i+1], lines[i], slices.Concat(lines[i+2:]...)), fmt.Sprintf("line %d", i+1))
		}
		check("a line twice", slices.Concat(slices.Concat(lines[:i+1]...), lines[i], slices.Concat(lines[i+1:]...)), fmt.Sprintf("line %d", i+2))
		if i < last-1 {
			check("the end cut off", slices.Concat(lines[:i+1]...), "cut off")
		}
	}
	check("a line added", append(bytes.Clone(good), "{}\n"...), fmt.Sprintf("line %d", last+2))
	check("half a line added", append(bytes.Clone(good), "{"...), "added")
	check("one line missing, another begun", append(slices.Concat(lines[:last]...), "{x"...), "added")
	check("empty", nil, "line 1")
	check("head alone", lines[0], "cut off")
	check("another number in the head", append([]byte(strings.Replace(string(lines[0]), " 0 ", " 3 ", 1)), slices.Concat(lines[1:]...)...), "")
	forged := auditHead(strings.Fields(string(lines[0]))[3], 6, mac{})
	check("a new file without the one before", forged, "vault.audit.6, was removed")
	// The head that a full file's successor would have, but the full file is not there.
	key := func() []byte {
		_, r, err := v.load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r.derive("audit")
	}()
	whole, err := readTrail(good, strings.Fields(string(lines[0]))[3], key)
	if err != nil {
		t.Fatal(err)
	}
	check("everything cut, under the right head", auditHead(strings.Fields(string(lines[0]))[3], whole.n, whole.mac), "was removed")

	if err := os.Remove(v.auditPath()); err != nil {
		t.Fatal(err)
	}
	if _, err := fresh(t, v, store, c).Audit(t.Context()); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), "removed") {
		t.Errorf("removed: %v", err)
	}
	// Another vault's audit.
	w, _, _ := newVault(t)
	add(t, w, "pool", KindPool, "x")
	uses(t, w, c, 5)
	check("another vault's", readAuditFile(t, w), "another vault")

	// Revoking and locking work all the same: that is what one wants then.
	sick := fresh(t, v, store, c)
	if _, err := sick.Lock(t.Context()); err != nil {
		t.Errorf("Lock: %v", err)
	}
	if _, err := sick.Unlock(t.Context()); err != nil {
		t.Errorf("Unlock: %v", err)
	}
	// The way out.
	aside, err := sick.SetAuditAside(t.Context())
	if err != nil || aside == "" {
		t.Fatalf("%q, %v", aside, err)
	}
	records, err := fresh(t, v, store, c).Audit(t.Context())
	if err != nil || len(records) != 1 || records[0].Action != ActionRepair {
		t.Errorf("%+v, %v", records, err)
	}
	uses(t, v, c, 1)
}

// Every place at which a write can be cut off: nothing is called tampering, no
// record is lost, and what was mended is noted.
func TestAuditCutOff(t *testing.T) {
	for _, records := range []int{1, 4} {
		v, store, c := newVault(t)
		add(t, v, "pool", KindPool, "x")
		uses(t, v, c, records-1)
		good := readAuditFile(t, v)
		head := bytes.IndexByte(good, '\n') + 1
		begin := max(head, bytes.LastIndexByte(good[:len(good)-1], '\n')+1)
		id, _ := vaultOf(mustRead(t, v.path))
		anchor, err := store.Get(t.Context(), auditID(id))
		if err != nil {
			t.Fatal(err)
		}
		reset := func(data []byte) {
			writeAuditFile(t, v, data)
			if err := store.Put(t.Context(), auditID(id), anchor); err != nil {
				t.Fatal(err)
			}
		}
		check := func(what string, repaired bool) {
			t.Helper()
			got, err := fresh(t, v, store, c).Audit(t.Context())
			if err != nil {
				t.Fatalf("%d records, %s: %v", records, what, err)
			}
			want := records
			if repaired {
				want++
			}
			if len(got) != want || repaired != (got[len(got)-1].Action == ActionRepair) || !bytes.HasPrefix(readAuditFile(t, v), good) {
				t.Fatalf("%d records, %s: %+v", records, what, got)
			}
		}
		// The store has the line, the file has a part of it or nothing.
		for cut := begin; cut < len(good); cut++ {
			reset(good[:cut])
			check(fmt.Sprintf("cut at byte %d of %d", cut, len(good)), true)
		}
		if records == 1 {
			reset(good)
			if err := os.Remove(v.auditPath()); err != nil {
				t.Fatal(err)
			}
			check("no file yet", true)
		}
		// The file has the line, the store does not.
		reset(good)
		if records == 1 {
			if err := store.Delete(t.Context(), auditID(id)); err != nil {
				t.Fatal(err)
			}
		} else {
			lines := bytes.SplitAfter(good, []byte{'\n'})
			if err := store.Put(t.Context(), auditID(id), lines[len(lines)-3]); err != nil {
				t.Fatal(err)
			}
		}
		check("the store one behind", true)
		reset(good)
		check("nothing wrong", false)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A full file is followed by another, and stays part of the chain.
func TestAuditRolls(t *testing.T) {
	v, store, c := newVault(t)
	v.auditLimit = maxLine + 2500
	add(t, v, "pool", KindPool, "x")
	uses(t, v, c, 40)
	archives, err := filepath.Glob(v.auditPath() + ".*")
	if err != nil || len(archives) < 2 {
		t.Fatalf("%q, %v", archives, err)
	}
	w := fresh(t, v, store, c)
	records, err := w.Audit(t.Context())
	if err != nil || records[len(records)-1].N != 41 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	// The program ends between the new file's head and its first record.
	for range 40 {
		uses(t, w, c, 1)
		data := readAuditFile(t, w)
		if bytes.Count(data, []byte{'\n'}) == 2 {
			head := data[:bytes.IndexByte(data, '\n')+1]
			id, _ := vaultOf(mustRead(t, v.path))
			var n uint64
			var hexMAC string
			_, _ = fmt.Sscanf(string(head), auditMagic+id+" %d %s", &n, &hexMAC)
			full := mustRead(t, w.archivePath(n))
			line := full[bytes.LastIndexByte(full[:len(full)-1], '\n')+1:]
			writeAuditFile(t, w, head)
			if err := store.Put(t.Context(), auditID(id), line); err != nil {
				t.Fatal(err)
			}
			if _, err := fresh(t, w, store, c).Audit(t.Context()); err != nil {
				t.Errorf("cut off at a new file: %v", err)
			}
			break
		}
	}
	// An archive altered or gone.
	for _, spoil := range []func(path string) error{
		func(path string) error {
			data := mustRead(t, path)
			data[len(data)/2] ^= 1
			return os.WriteFile(path, data, 0o600)
		}, os.Remove,
	} {
		for _, path := range archives {
			kept := mustRead(t, path)
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			if _, err := fresh(t, w, store, c).Audit(t.Context()); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), filepath.Base(path)) {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
			if err := os.WriteFile(path, kept, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if matches, _ := filepath.Glob(v.auditPath() + "*" + seal.Previous); len(matches) > 0 {
		t.Errorf("copies stay: %q", matches)
	}
}

// The whole folder is replaced by an older copy, with the store as it is now.
func TestFolderRolledBack(t *testing.T) {
	v, store, c := newVault(t)
	add(t, v, "pool", KindPool, "x")
	uses(t, v, c, 2)
	meta, audit := mustRead(t, v.path), readAuditFile(t, v)
	uses(t, v, c, 3)
	if err := os.WriteFile(v.path, meta, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fresh(t, v, store, c).Tidy(t.Context()); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), FileName+" was replaced by an older copy") {
		t.Errorf("the list: %v", err)
	}
	now := readAuditFile(t, v)
	writeAuditFile(t, v, audit)
	if err := fresh(t, v, store, c).Tidy(t.Context()); !errors.Is(err, ErrTampered) {
		t.Errorf("both: %v", err)
	}
	_ = now
}

func TestAlerts(t *testing.T) {
	v, store, c := newVault(t)
	add(t, v, "pool", KindPool, "x")
	var alerts []Alert
	v.Alert = func(a Alert) { alerts = append(alerts, a) }
	take := func(v *Vault, want ...AlertReason) {
		t.Helper()
		var got []AlertReason
		for _, a := range alerts {
			got = append(got, a.Reason)
			if a.Text == "" || a.Key == "" || a.Time.IsZero() {
				t.Errorf("%+v", a)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("alerts %q, want %q", got, want)
		}
		alerts = nil
	}
	use := func(v *Vault, n int) {
		for range n {
			_, _ = v.PoolPassword(t.Context(), "pool")
		}
	}
	use(v, burstUses-1)
	take(v)
	// A new program goes on counting.
	v = fresh(t, v, store, c)
	v.Alert = func(a Alert) { alerts = append(alerts, a) }
	use(v, 3)
	take(v, AlertBurst)
	c.t = c.t.Add(time.Hour)
	if _, err := v.Lock(t.Context(), "pool"); err != nil {
		t.Fatal(err)
	}
	use(v, failedUses+1)
	take(v, AlertFailures)
	if _, err := v.Unlock(t.Context(), "pool"); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.AddDate(0, 0, RotateAfter)
	if e, _ := v.Show(t.Context(), "pool"); e.Standing(c.t) != Due {
		t.Errorf("standing %s", e.Standing(c.t))
	}
	use(v, 2)
	take(v, AlertDue)
	c.t = c.t.AddDate(0, 0, 1)
	use(v, 1)
	take(v, AlertDue)
	if err := v.SetRotation(t.Context(), "pool", -1, c.t.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	use(v, 1)
	take(v)
	c.t = c.t.Add(time.Hour)
	if _, err := v.PoolPassword(t.Context(), "pool"); !errors.Is(err, ErrExpired) {
		t.Errorf("%v", err)
	}
	take(v, AlertExpired)
	if err := v.SetPermissions(t.Context(), "pool", Permissions{Read: Yes, Trade: No, Allowlist: Yes}); err != nil {
		t.Fatal(err)
	}
	take(v)
	if err := v.SetPermissions(t.Context(), "pool", Permissions{Read: Yes, Trade: Yes, Allowlist: No}); err != nil {
		t.Fatal(err)
	}
	if len(alerts) != 1 || !strings.Contains(alerts[0].Text, "trade") || !strings.Contains(alerts[0].Text, "any address") {
		t.Errorf("%+v", alerts)
	}
	take(v, AlertPermissions)
	if e, _ := v.Show(t.Context(), "pool"); e.Permissions.Trade != Yes || e.Permissions.Seen.IsZero() {
		t.Errorf("%+v", e.Permissions)
	}
	records, err := v.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range records {
		if r.Action == ActionAlert {
			n++
		}
	}
	if n != 6 {
		t.Errorf("%d alerts in the audit", n)
	}
}

// FuzzAudit: only what the holder of the key wrote is read.
func FuzzAudit(f *testing.F) {
	key, id := bytes.Repeat([]byte{7}, 32), "aaaaaaaaaaaaa"
	head := auditHead(id, 0, mac{})
	line, _, err := encodeRecord(Record{N: 1, Time: time.Unix(1e9, 0).UTC(), Action: ActionUse, Key: "pool", Outcome: OutcomeOK}, key, link(key, mac{}, head))
	if err != nil {
		f.Fatal(err)
	}
	good := append(bytes.Clone(head), line...)
	f.Add(good, line)
	f.Add(head, []byte(nil))
	f.Add(append(bytes.Clone(good), "{"...), line[:10])
	f.Fuzz(func(t *testing.T, data, anchor []byte) {
		trail, err := readTrail(data, id, key)
		if err != nil {
			return
		}
		if whole := data[:len(data)-len(trail.tail)]; !bytes.Equal(whole, good) && !bytes.Equal(whole, trail.head) {
			t.Fatalf("a file was taken that the holder of the key did not write: %q", data)
		}
		trail.against(anchor, key)
	})
}

// A vault of before there was an audit opens, and has one from then on.
func TestVaultWithoutAudit(t *testing.T) {
	v, store, c := newVault(t)
	add(t, v, "pool", KindPool, "x")
	id, _ := vaultOf(mustRead(t, v.path))
	if err := os.Remove(v.auditPath()); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), auditID(id)); err != nil {
		t.Fatal(err)
	}
	w := fresh(t, v, store, c)
	uses(t, w, c, 2)
	if records, err := w.Audit(t.Context()); err != nil || len(records) != 2 || records[0].Action != ActionUse {
		t.Errorf("%+v, %v", records, err)
	}
}
