//go:build !js

package vault

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"goldpan/core/seal"
)

// copyFolder keeps a folder's files, for putting them back.
func copyFolder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			files[e.Name()] = mustRead(t, filepath.Join(dir, e.Name()))
		}
	}
	return files
}

func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// Whatever of a vault is deleted, what is left tells of it, unless nothing is.
func TestRemoved(t *testing.T) {
	for what, c := range map[string]struct {
		sole, moved bool
		lists       bool // both copies of the list go
		audit, root bool // these go too
		found       bool
	}{
		"the list, at its place":              {lists: true, found: true},
		"the list, folder moved":              {lists: true, moved: true, found: true},
		"list and record":                     {lists: true, audit: true, found: true},
		"list and its key":                    {lists: true, root: true, found: true},
		"list, key and record, keyring":       {lists: true, audit: true, root: true, found: false}, // nothing says that there ever was one
		"list and record, moved, keyring":     {lists: true, audit: true, moved: true, found: false},
		"list and record, moved, sealed file": {lists: true, audit: true, moved: true, sole: true, found: true},
		"list, key and record, sealed file":   {lists: true, audit: true, root: true, sole: true, found: true},
	} {
		v, store, cl := newVault(t)
		add(t, v, "pool", KindPool, "x")
		add(t, v, "node", KindNode, "y")
		id, _ := vaultOf(mustRead(t, v.path))
		dir := filepath.Dir(v.path)
		if c.moved {
			dir = filepath.Join(t.TempDir(), "moved")
			if err := os.Rename(filepath.Dir(v.path), dir); err != nil {
				t.Fatal(err)
			}
		}
		v = openIn(t, dir, store, cl)
		v.Sole = c.sole
		if c.lists {
			remove(t, v.path, v.path+seal.Previous)
		}
		if c.audit {
			remove(t, v.auditPath(), v.auditPath()+seal.Previous)
		}
		if c.root {
			if err := store.Delete(t.Context(), rootID(id)); err != nil {
				t.Fatal(err)
			}
		}
		err := v.Check(t.Context())
		if errors.Is(err, ErrTampered) != c.found || c.found && !strings.Contains(Hint(err), "key repair") {
			t.Errorf("%s: %v, %q", what, err, Hint(err))
		}
		if _, err := v.Add(t.Context(), Entry{Name: "new", Kind: KindPool, Environment: Live}, NewSecret([]byte("x"))); (err != nil) != c.found {
			t.Errorf("%s: adding gives %v", what, err)
		}
		if !c.found {
			continue
		}
		f, err := v.Repair(t.Context())
		if err != nil || f.List == "" || len(f.Kept) != 0 {
			t.Errorf("%s: %+v, %v", what, f, err)
		}
		if got := ids(t, v); len(got) != 0 {
			t.Errorf("%s: after the repair there is %q", what, got)
		}
		add(t, v, "pool", KindPool, "new")
		if c.sole {
			if list, _ := store.List(t.Context()); len(list) != 3 {
				t.Errorf("%s: the store holds %q", what, list)
			}
		}
	}
	// One copy alone: the other tells.
	v, store, cl := newVault(t)
	add(t, v, "pool", KindPool, "x")
	add(t, v, "node", KindPool, "x")
	remove(t, v.path, v.auditPath())
	if err := openIn(t, filepath.Dir(v.path), NewMemory(), cl).Check(t.Context()); !errors.Is(err, ErrTampered) {
		t.Errorf("a copy of the list is left: %v", err)
	}
	_ = store
}

func TestRepair(t *testing.T) {
	sealedElsewhere := NewMemory()
	for what, c := range map[string]struct {
		spoil             func(t *testing.T, v *Vault, old map[string][]byte)
		list, audit       string
		kept, lost        string
		state             State // of what is kept
		evidence, nothing bool
	}{
		"nothing": {spoil: func(*testing.T, *Vault, map[string][]byte) {}, kept: "pool node third", nothing: true},
		"altered": {spoil: func(t *testing.T, v *Vault, _ map[string][]byte) {
			write(t, v.path, bytes.Replace(mustRead(t, v.path), []byte(`"name":"pool"`), []byte(`"name":"loop"`), 1))
		}, list: "altered", kept: "pool node third", state: Locked},
		"endpoint of an altered list": {spoil: func(t *testing.T, v *Vault, _ map[string][]byte) {
			data := bytes.ReplaceAll(mustRead(t, v.path), []byte(`"kind":"pool"`), []byte(`"kind":"node"`))
			write(t, v.path, data)
			write(t, v.path+seal.Previous, data)
		}, list: "altered", audit: "cannot be checked", kept: ""},
		"older": {spoil: func(t *testing.T, v *Vault, old map[string][]byte) {
			write(t, v.path, old[FileName])
			remove(t, v.path+seal.Previous)
		}, list: "older copy", kept: "pool", state: Locked},
		"a secret exchanged": {spoil: func(t *testing.T, v *Vault, _ map[string][]byte) {
			id, _ := vaultOf(mustRead(t, v.path))
			if err := v.store.Put(t.Context(), secretID(id, 0, "node"), []byte("another")); err != nil {
				t.Fatal(err)
			}
		}, kept: "pool third", lost: "node", state: Active},
		"the record": {spoil: func(t *testing.T, v *Vault, _ map[string][]byte) {
			write(t, v.auditPath(), bytes.Replace(mustRead(t, v.auditPath()), []byte(`"add"`), []byte(`"use"`), 1))
		}, audit: "altered", kept: "pool node third", state: Active},
		"list and record": {spoil: func(t *testing.T, v *Vault, _ map[string][]byte) {
			write(t, v.path, []byte("x"))
			write(t, v.auditPath(), []byte("x"))
		}, list: "altered", audit: "altered", kept: "pool node third", state: Locked},
		"too large": {spoil: func(t *testing.T, v *Vault, _ map[string][]byte) {
			write(t, v.path, make([]byte, maxMetadata+1))
			remove(t, v.path+seal.Previous)
		}, list: "larger", audit: "cannot be checked", kept: ""},
		"another store": {spoil: func(_ *testing.T, v *Vault, _ map[string][]byte) { v.store = sealedElsewhere }, list: "does not hold the key", audit: "cannot be checked", kept: ""},
	} {
		t.Run(what, func(t *testing.T) {
			store, cl := &flaky{Memory: NewMemory()}, &clock{time.Unix(1e9, 0)}
			other := openIn(t, t.TempDir(), store, cl)
			add(t, other, "pool", KindPool, "of another")
			v := openIn(t, t.TempDir(), store, cl)
			add(t, v, "pool", KindPool, "of pool")
			old := copyFolder(t, filepath.Dir(v.path))
			add(t, v, "node", KindNode, "of node")
			add(t, v, "third", KindPool, "of third")
			if _, err := v.PoolPassword(t.Context(), "third"); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, v, old)
			before := copyFolder(t, filepath.Dir(v.path))
			names := func(list []Entry) string {
				var ids []string
				for _, e := range list {
					ids = append(ids, e.ID)
				}
				return strings.Join(ids, " ")
			}
			check := func(f Finding, err error) {
				t.Helper()
				if err != nil || !strings.Contains(f.List, c.list) || (f.List == "") != (c.list == "") || !strings.Contains(f.Audit, c.audit) || (f.Audit == "") != (c.audit == "") {
					t.Fatalf("found %+v, %v", f, err)
				}
				if names(f.Kept) != c.kept || names(f.Lost) != c.lost || f.Fine() != c.nothing {
					t.Fatalf("kept %q, lost %q", names(f.Kept), names(f.Lost))
				}
			}
			check(v.Examine(t.Context()))
			if after := copyFolder(t, filepath.Dir(v.path)); len(after) != len(before) {
				t.Errorf("looking changed the folder: %d files of %d", len(after), len(before))
			}
			f, err := v.Repair(t.Context())
			check(f, err)
			if c.nothing {
				if f.Evidence != "" {
					t.Error("evidence of nothing")
				}
				return
			}
			kept := copyFolder(t, f.Evidence)
			if data, ok := before[FileName]; ok && len(data) <= maxMetadata && !bytes.Equal(kept[FileName], data) || !bytes.Contains(kept["found.txt"], []byte("key")) && c.kept != "" {
				t.Errorf("the evidence is %d files", len(kept))
			}
			for _, id := range strings.Fields(c.kept) {
				if e, err := v.Show(t.Context(), id); err != nil || e.State != c.state {
					t.Errorf("%s is %s, %v", id, e.State, err)
				}
				if c.state == Locked {
					if _, err := v.PoolPassword(t.Context(), "pool"); !errors.Is(err, ErrKeyLocked) {
						t.Errorf("a locked key is lent: %v", err)
					}
				}
			}
			if _, err := v.Unlock(t.Context()); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(c.kept, "pool") {
				if got, err := v.PoolPassword(t.Context(), "pool"); err != nil || string(got) != "of pool" {
					t.Errorf("%q, %v", got, err)
				}
			}
			for _, id := range strings.Fields(c.lost) {
				if err := v.CheckKey(t.Context(), id); !errors.Is(err, ErrRevoked) {
					t.Errorf("%s is not revoked: %v", id, err)
				}
			}
			// A new start finds nothing wrong, and the record tells of it.
			again := openIn(t, filepath.Dir(v.path), v.store, cl)
			if err := again.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			records, err := again.Audit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			told := false
			for _, r := range records {
				told = told || r.Action == ActionAccept
			}
			if !told {
				t.Errorf("the record does not tell of it: %+v", records)
			}
			if f, err := again.Examine(t.Context()); err != nil || !f.Fine() {
				t.Errorf("after the repair: %+v, %v", f, err)
			}
			if got, err := other.PoolPassword(t.Context(), "pool"); err != nil || string(got) != "of another" {
				t.Errorf("another vault suffered: %v", err)
			}
		})
	}
}

// A repair that is cut off at any step can be made again.
func TestRepairCutOff(t *testing.T) {
	for step := 1; ; step++ {
		v, store, _ := newVault(t)
		add(t, v, "pool", KindPool, "x")
		add(t, v, "node", KindNode, "y")
		write(t, v.path, []byte("x"))
		write(t, v.auditPath(), []byte("x"))
		n := 0
		store.fail = func(op, _ string) error {
			if n++; n == step && op != "list" {
				return errors.New("cut off")
			}
			return nil
		}
		_, err := v.Repair(t.Context())
		cut := n >= step
		store.fail = nil
		v.audit = audit{}
		if err != nil {
			if _, err := v.Repair(t.Context()); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
		}
		if err := v.Tidy(t.Context()); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if got := ids(t, v); len(got) != 1 { // the copy that is left is from before the second
			t.Errorf("step %d: %q", step, got)
		}
		if !cut {
			if step < 8 {
				t.Errorf("%d steps alone", step)
			}
			return
		}
	}
}

// What is no cause to repair is told as what it is.
func TestRepairRefuses(t *testing.T) {
	v, store, _ := newVault(t)
	add(t, v, "pool", KindPool, "x")
	store.fail = func(string, string) error { return ErrLocked }
	if _, err := v.Repair(t.Context()); !errors.Is(err, ErrLocked) {
		t.Errorf("a locked store: %v", err)
	}
	store.fail = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Repair(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// A list that a newer Goldpan wrote.
	m, r, err := v.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(magic + m.vault + "\n" + `{"generation":9,"entries":[],"new":1}` + "\n")
	write(t, v.path, append(body, []byte(macPrefix+string(hexed(mac(r.mac(body))))+"\n")...))
	if _, err := v.Repair(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(Hint(err), "newest") {
		t.Errorf("a newer list: %v", err)
	}
	if f, err := openIn(t, t.TempDir(), NewMemory(), &clock{time.Unix(1e9, 0)}).Repair(t.Context()); err != nil || !f.Fine() {
		t.Errorf("nothing at all: %+v, %v", f, err)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
