package home

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"goldpan/core/invite"
	"goldpan/core/seal"
)

const (
	sealedName = "devices.sealed"
	clearName  = "devices.json"
	sealedFor  = "goldpan gateway devices 1"

	maxFile = 16 << 20 // bytes: some tens of thousands of devices
	maxGone = 256      // removed devices whose names are remembered
	maxName = 40       // characters
)

// manners are what a person decided about a device.
type manners struct {
	Name   string  `json:"name"`
	Paused bool    `json:"paused,omitempty"`
	Limit  float64 `json:"limit,omitempty"` // hashes a second; 0 is none
}

// kept is one device in the file.
type kept struct {
	Record json.RawMessage `json:"record"`
	manners
}

// promised is one invitation in the file.
type promised struct {
	Record json.RawMessage `json:"record"`
	Name   string          `json:"name"`
}

// gone is a device that was removed: its accounts stay, and so does its name.
type gone struct {
	ID   string    `json:"id"`
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

type document struct {
	Version     int        `json:"v"`
	Devices     []kept     `json:"devices"`
	Invitations []promised `json:"invitations"`
	Gone        []gone     `json:"gone"`
}

// register is what is kept of devices and invitations, and the file that it is in.
type register struct {
	dir string
	key *seal.Key // nil: the file is in clear

	mu sync.Mutex
	records
}

type records struct {
	kept    invite.Kept
	manners map[invite.ID]manners // of devices
	names   map[invite.ID]string  // of invitations
	gone    []gone
}

// openRegister reads the file, or begins with nothing where there is none. What was in clear is sealed once there is a key.
func openRegister(dir string, key *seal.Key) (*register, error) {
	r := &register{dir: dir, key: key, records: records{manners: map[invite.ID]manners{}, names: map[invite.ID]string{}}}
	err := r.read(sealedName)
	switch {
	case err == nil:
		return r, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	err = r.read(clearName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil || key == nil:
		return r, err
	}
	if err := r.write(r.document()); err != nil {
		return nil, err
	}
	for _, name := range []string{clearName, clearName + seal.Previous} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return r, nil
}

func (r *register) read(name string) error {
	path := filepath.Join(r.dir, name)
	sealed := name == sealedName
	if _, err := os.Lstat(path); err != nil {
		return err
	}
	if sealed && r.key == nil {
		return ErrSealed
	}
	var d document
	data, restored, err := seal.ReadFile(path, maxFile, func(b []byte) (err error) {
		if sealed {
			if b, err = r.key.Open(b, []byte(sealedFor)); err != nil {
				return err
			}
		}
		d, err = parseDocument(b)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	if err := r.fill(d); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	if restored {
		return seal.Mend(path, data, 0o600)
	}
	return nil
}

var errDocument = errors.New("it is not what Goldpan writes")

func parseDocument(b []byte) (document, error) {
	var d document
	if len(b) > maxFile {
		return d, errDocument
	}
	j := json.NewDecoder(bytes.NewReader(b))
	j.DisallowUnknownFields()
	if err := j.Decode(&d); err != nil || d.Version != 1 {
		return document{}, errDocument
	}
	if _, err := j.Token(); !errors.Is(err, io.EOF) {
		return document{}, errDocument
	}
	return d, nil
}

func (r *register) fill(d document) error {
	for _, k := range d.Devices {
		device, err := invite.ParseDevice(k.Record)
		if err != nil {
			return err
		}
		if checkName(k.Name) != nil || !(k.Limit >= 0) || math.IsInf(k.Limit, 0) {
			return errDocument
		}
		if _, twice := r.manners[device.ID]; twice {
			return errDocument
		}
		r.kept.Devices = append(r.kept.Devices, device)
		r.manners[device.ID] = k.manners
	}
	for _, p := range d.Invitations {
		issued, err := invite.ParseIssued(p.Record)
		if err != nil {
			return err
		}
		if checkName(p.Name) != nil {
			return errDocument
		}
		r.kept.Invitations = append(r.kept.Invitations, issued)
		r.names[issued.ID] = p.Name
	}
	for _, g := range d.Gone {
		if checkName(g.Name) != nil || len(g.ID) > 64 {
			return errDocument
		}
	}
	r.gone = d.Gone
	return nil
}

// document is all of it as it is written. It is called with the lock, or before anybody else knows r.
func (r *register) document() document {
	d := document{Version: 1, Gone: r.gone}
	for _, device := range r.kept.Devices {
		b, err := device.Export()
		if err != nil {
			panic(err) // it is plain data
		}
		d.Devices = append(d.Devices, kept{Record: b, manners: r.manners[device.ID]})
	}
	for _, i := range r.kept.Invitations {
		b, err := i.Export()
		if err != nil {
			panic(err)
		}
		d.Invitations = append(d.Invitations, promised{Record: b, Name: r.names[i.ID]})
	}
	return d
}

func (r *register) write(d document) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	name := clearName
	if r.key != nil {
		name, b = sealedName, r.key.Seal(b, []byte(sealedFor))
	}
	path := filepath.Join(r.dir, name)
	if err := seal.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	// Again, so that the copy that stays for accidents knows no device that was removed, nor an invitation that was used.
	_ = seal.WriteFile(path, b, 0o600)
	return nil
}

// keep is invite.Config's Keep: it writes what the gate knows with what people decided, as one.
func (r *register) keep(k invite.Kept) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.records
	r.kept = k
	r.manners, r.names, r.gone = map[invite.ID]manners{}, map[invite.ID]string{}, slices.Clone(r.gone)
	for _, i := range k.Invitations {
		name, ok := before.names[i.ID]
		if !ok {
			name = r.freeName(before)
		}
		r.names[i.ID] = name
	}
	for _, d := range k.Devices {
		m, ok := before.manners[d.ID]
		if !ok {
			if m.Name = r.names[d.From]; m.Name == "" {
				m.Name = r.freeName(before)
			}
		}
		r.manners[d.ID] = m
	}
	for _, d := range before.kept.Devices {
		if _, stays := r.manners[d.ID]; !stays {
			r.gone = append(r.gone, gone{ID: text(d.ID), Name: before.manners[d.ID].Name, At: time.Now().UTC().Round(0)})
		}
	}
	if n := len(r.gone) - maxGone; n > 0 {
		r.gone = r.gone[n:]
	}
	err := r.write(r.document())
	if err != nil {
		r.records = before
	}
	return err
}

// freeName is one that no device has, and no invitation. It is called with the lock.
func (r *register) freeName(before records) string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("Device %d", n)
		if !before.uses(name) && !r.uses(name) {
			return name
		}
	}
}

func (r *records) uses(name string) bool {
	for _, m := range r.manners {
		if m.Name == name {
			return true
		}
	}
	for _, other := range r.names {
		if other == name {
			return true
		}
	}
	return false
}

// decide changes what a person decided about a device.
func (r *register) decide(id invite.ID, change func(*manners)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.manners[id]
	if !ok {
		return ErrNoDevice
	}
	before := m
	change(&m)
	r.manners[id] = m
	if err := r.write(r.document()); err != nil {
		r.manners[id] = before
		return err
	}
	return nil
}

// nameInvitation gives a pending invitation the name that its device will have.
func (r *register) nameInvitation(id invite.ID, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.names[id]
	r.names[id] = name
	if err := r.write(r.document()); err != nil {
		r.names[id] = before
		return err
	}
	return nil
}

// mannersOf is what a person decided about a device; ok is false when it is not known.
func (r *register) mannersOf(id invite.ID) (m manners, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok = r.manners[id]
	return m, ok
}

func (r *register) nameOfInvitation(id invite.ID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[id]
}

// names of devices that were removed, by id.
func (r *register) removed() map[string]gone {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]gone, len(r.gone))
	for _, g := range r.gone {
		all[g.ID] = g
	}
	return all
}

// find is the device that a person means: its id, the beginning of it, or its name.
func (r *register) find(what string) (invite.ID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []invite.ID
	for _, d := range r.kept.Devices {
		switch {
		case text(d.ID) == what:
			return d.ID, nil
		case r.manners[d.ID].Name == what, len(what) >= 4 && strings.HasPrefix(text(d.ID), strings.ToLower(what)):
			found = append(found, d.ID)
		}
	}
	switch len(found) {
	case 0:
		return invite.ID{}, ErrNoDevice
	case 1:
		return found[0], nil
	}
	return invite.ID{}, ErrSeveral
}

// text is a device's id as people and the accounts have it: 18 hexadecimal digits.
func text(id invite.ID) string { return hex.EncodeToString(id[:]) }

func parseID(s string) (id invite.ID, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, false
	}
	return invite.ID(b), true
}

// checkName takes what can be shown on one line.
func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName || !utf8.ValidString(name) || strings.TrimSpace(name) != name {
		return ErrName
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return ErrName
		}
	}
	return nil
}
