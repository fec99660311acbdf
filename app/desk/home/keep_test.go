package home

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"goldpan/core/invite"
	"goldpan/core/seal"
)

// filled is a register with a gate on it, a page's device, a miner's and an open invitation.
func filled(t *testing.T, dir string, key *seal.Key) (*register, *invite.Gate) {
	t.Helper()
	r, err := openRegister(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	g := invite.NewGate(invite.Config{Kept: r.kept, Keep: r.keep})
	i, err := g.Invite("http://192.168.1.20:8080")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.nameInvitation(i.ID, "Ada's phone"); err != nil {
		t.Fatal(err)
	}
	caller, _ := invite.NewJoin(i)
	a, challenge, err := g.Begin(i.Origin, caller.Hello())
	if err != nil {
		t.Fatal(err)
	}
	proof, _, err := caller.Answer(challenge)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Finish(proof, invite.Payee{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.IssueToken(); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Invite("http://192.168.1.20:8080"); err != nil {
		t.Fatal(err)
	}
	return r, g
}

func reopened(t *testing.T, dir string, key *seal.Key) *register {
	t.Helper()
	r, err := openRegister(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegisterIsKept(t *testing.T) {
	key := seal.GenerateKey()
	for name, k := range map[string]*seal.Key{devicesFile(nil): nil, devicesFile(&key): &key} {
		dir := t.TempDir()
		r, g := filled(t, dir, k)
		id, err := r.find("Ada's phone")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.decide(id, func(m *manners) { m.Paused, m.Limit = true, 5e5 }); err != nil {
			t.Fatal(err)
		}
		back := reopened(t, dir, k)
		m, ok := back.mannersOf(id)
		if !ok || m != (manners{Name: "Ada's phone", Paused: true, Limit: 5e5}) {
			t.Errorf("%s: %+v", name, m)
		}
		if len(back.kept.Devices) != 2 || len(back.kept.Invitations) != 2 {
			t.Errorf("%s: %d devices, %d invitations", name, len(back.kept.Devices), len(back.kept.Invitations))
		}
		if again := invite.NewGate(invite.Config{Kept: back.kept}); len(again.Invitations()) != 1 {
			t.Errorf("%s: %d open invitations", name, len(again.Invitations()))
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		if err := g.Remove(id); err != nil {
			t.Fatal(err)
		}
		if was := reopened(t, dir, k).removed()[text(id)]; was.Name != "Ada's phone" || was.At.IsZero() {
			t.Errorf("%s: removed %+v", name, was)
		}
	}
}

func devicesFile(k *seal.Key) string {
	if k == nil {
		return clearName
	}
	return sealedName
}

// A sealed list shows nothing, and does not open without its key; nor is a new one begun in its place.
func TestRegisterIsSealed(t *testing.T) {
	dir, key := t.TempDir(), seal.GenerateKey()
	filled(t, dir, &key)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("Ada")) || bytes.Contains(b, []byte("record")) {
			t.Errorf("%s is in clear", f.Name())
		}
	}
	if _, err := openRegister(dir, nil); !errors.Is(err, ErrSealed) {
		t.Errorf("without a key: %v", err)
	}
	other := seal.GenerateKey()
	if _, err := openRegister(dir, &other); !errors.Is(err, ErrDamaged) {
		t.Errorf("with another key: %v", err)
	}
	reopened(t, dir, &key)
}

// Once there is a keyring, what was in clear is sealed, and gone.
func TestClearListIsSealedLater(t *testing.T) {
	dir, key := t.TempDir(), seal.GenerateKey()
	filled(t, dir, nil)
	if r := reopened(t, dir, &key); len(r.kept.Devices) != 2 {
		t.Errorf("%d devices", len(r.kept.Devices))
	}
	for _, name := range []string{clearName, clearName + seal.Previous} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

// A damaged list is mended from its copy, which knows no device that was removed; without a copy it is named and left.
func TestDamagedRegister(t *testing.T) {
	dir := t.TempDir()
	r, g := filled(t, dir, nil)
	id, err := r.find("Ada's phone")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Remove(id); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, clearName)
	damage := func(path string) {
		if err := os.WriteFile(path, []byte(`{"v":1,"devices":`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage(path)
	back := reopened(t, dir, nil)
	if _, ok := back.mannersOf(id); ok || len(back.kept.Devices) != 1 {
		t.Error("a device that was removed is back")
	}
	damage(path)
	damage(path + seal.Previous)
	if _, err := openRegister(dir, nil); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), clearName) {
		t.Errorf("both damaged: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || len(b) != 17 {
		t.Errorf("the damaged list was not left: %q, %v", b, err)
	}
}

// An invitation or a token that nobody is shown, because its name could not be kept, takes no device's place.
func TestNothingIsLeftThatNobodySees(t *testing.T) {
	o := options(t, "", "")
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.gate = invite.NewGate(invite.Config{}) // whose own writing works
	g.register.dir = filepath.Join(o.Dir, "gone")
	if i, err := g.Invite("Phone"); err == nil {
		t.Errorf("invited %v", i)
	}
	if d, _, err := g.Token("Box"); err == nil {
		t.Errorf("a token for %+v", d)
	}
	if i, d := g.gate.Invitations(), g.gate.Devices(); len(i)+len(d) > 0 {
		t.Errorf("%d invitations and %d devices are left", len(i), len(d))
	}
}

func TestFind(t *testing.T) {
	r, g := filled(t, t.TempDir(), nil)
	id, err := r.find("Ada's phone")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{text(id), text(id)[:6], strings.ToUpper(text(id)[:8])} {
		if got, err := r.find(what); err != nil || got != id {
			t.Errorf("%q: %v", what, err)
		}
	}
	for _, what := range []string{"", text(id)[:3], "nobody"} {
		if _, err := r.find(what); !errors.Is(err, ErrNoDevice) {
			t.Errorf("%q: %v", what, err)
		}
	}
	for _, d := range g.Devices() {
		if err := r.decide(d.ID, func(m *manners) { m.Name = "same" }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.find("same"); !errors.Is(err, ErrSeveral) {
		t.Errorf("two of one name: %v", err)
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"x", "Ada's phone", "Küche", strings.Repeat("n", maxName)} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", " x", "x ", "a\nb", "a\x1b[2Jb", "\u202eabc", strings.Repeat("n", maxName+1), "\xff"} {
		if checkName(name) == nil {
			t.Errorf("%q is a name", name)
		}
	}
}

func FuzzRegister(f *testing.F) {
	f.Add([]byte(`{"v":1,"devices":[],"invitations":[],"gone":[]}`))
	f.Add([]byte(`{"v":1,"devices":[{"record":{},"name":"x","limit":1e999}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDocument(b)
		if err != nil {
			return
		}
		r := &register{records: records{manners: map[invite.ID]manners{}, names: map[invite.ID]string{}}}
		if r.fill(d) != nil {
			return
		}
		text, err := json.Marshal(r.document())
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseDocument(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(again.Devices) != len(d.Devices) || len(again.Invitations) != len(d.Invitations) {
			t.Fatalf("%s became %s", b, text)
		}
	})
}
