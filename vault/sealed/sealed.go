//go:build !js

// Package sealed is the vault.Store in a file, for machines without a keyring:
// a server, a container, a session without a desktop.
//
// The file is never in clear. All secrets together are sealed under a random
// key (XChaCha20-Poly1305), and that key under the person's passphrase (age's
// scrypt, RFC 7914); see core/seal. The passphrase comes from a callback when it
// is first needed, and is not kept; the key is kept in memory until Lock.
//
// It refuses an empty passphrase, a file that is too large or not its own, and
// a file with a bit altered. It cannot tell an older copy of the file from the
// newest: who can put one there brings back the secrets of that day, sealed as
// they are.
//
// Layout, numbers big-endian:
//
//	"goldpan sealed 1\n"
//	2 bytes   length of the wrapped key
//	          wrapped key: an age file
//	          sealed body, bound to everything before it
//
// The body is, for each secret in ascending order of ids: 1 byte length of the
// id, the id, 2 bytes length of the secret, the secret.
package sealed

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"goldpan/core/seal"
	"goldpan/vault"
)

const (
	storeName  = "sealed file"
	magic      = "goldpan sealed 1\n"
	maxSecrets = 1024
	maxWrapped = 4 << 10
	maxFile    = len(magic) + 2 + maxWrapped + seal.Overhead + maxSecrets*(1+vault.MaxID+2+vault.MaxSecret)

	hintPassphrase = "Enter the passphrase that protects the file. If you are sure of it, the file may be damaged: put back a copy from before."
	hintDamaged    = "Put back a copy of the file from before, or move it away and add the keys again."
)

// Options say where the file is and how to ask for its passphrase.
type Options struct {
	// Path of the file. Its folder must exist.
	Path string
	// Passphrase asks the person; create is true when the file is about to be
	// made, so that it can be asked for twice. The store wipes what it returns.
	// Nil makes a file that needs a passphrase vault.ErrLocked.
	Passphrase func(ctx context.Context, create bool) (vault.Secret, error)
	// WorkFactor of scrypt for a new passphrase; zero means the default of
	// core/seal. Tests use a small one.
	WorkFactor int
	// Idle locks the store when it was not used for this long; zero never does.
	Idle time.Duration
}

// Store implements vault.Store. It may be used by several goroutines at once,
// but one file by one Store at a time: the caller holds a lock on the folder.
type Store struct {
	o Options

	mu      sync.Mutex
	key     seal.Key // zero while locked
	wrapped []byte   // the wrapped form of key
	idle    *time.Timer
}

// Open returns a Store. It neither reads the file nor asks for the passphrase.
func Open(o Options) (*Store, error) {
	if o.Path == "" {
		return nil, errors.New("sealed file: no path")
	}
	if o.WorkFactor == 0 {
		o.WorkFactor = seal.DefaultWorkFactor
	}
	return &Store{o: o}, nil
}

// Format hides the key from logs.
func (*Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "("+storeName+")") }

// Name returns "sealed file".
func (s *Store) Name() string { return storeName }

// Lock forgets the key: the next call asks for the passphrase again.
func (s *Store) Lock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
}

// used puts the locking off. s.mu is held.
func (s *Store) used() {
	switch {
	case s.o.Idle <= 0 || s.key == (seal.Key{}):
	case s.idle == nil:
		s.idle = time.AfterFunc(s.o.Idle, s.Lock)
	default:
		s.idle.Reset(s.o.Idle)
	}
}

func (s *Store) forget() {
	if s.idle != nil {
		s.idle.Stop()
	}
	vault.Wipe(s.key[:])
	s.wrapped = nil
}

// Get implements vault.Store.
func (s *Store) Get(ctx context.Context, id string) ([]byte, error) {
	if err := vault.CheckID(id); err != nil {
		return nil, err
	}
	var found []byte
	err := s.view(ctx, func(secrets map[string][]byte) error {
		secret, ok := secrets[id]
		if !ok {
			return fmt.Errorf("%s: %w", storeName, vault.ErrNotFound)
		}
		found = bytes.Clone(secret)
		return nil
	})
	return found, err
}

// List implements vault.Store.
func (s *Store) List(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.view(ctx, func(secrets map[string][]byte) error {
		ids = slices.Sorted(maps.Keys(secrets))
		return nil
	})
	return ids, err
}

// Put implements vault.Store. A secret that it replaces also goes from the copy
// that seal.WriteFile keeps of the file.
func (s *Store) Put(ctx context.Context, id string, secret []byte) error {
	if err := vault.CheckID(id); err != nil {
		return err
	}
	if err := vault.CheckSecret(secret); err != nil {
		return fmt.Errorf("%s: %w", storeName, err)
	}
	return s.update(ctx, true, func(secrets map[string][]byte) (bool, error) {
		_, replaced := secrets[id]
		if !replaced && len(secrets) == maxSecrets {
			return false, &vault.Error{Store: storeName, Detail: "the file is full", Hint: "Revoke keys that you no longer use.", Err: vault.ErrTooLarge}
		}
		vault.Wipe(secrets[id])
		secrets[id] = bytes.Clone(secret)
		return replaced, nil
	})
}

// Delete implements vault.Store. The secret also goes from the kept copy.
func (s *Store) Delete(ctx context.Context, id string) error {
	if err := vault.CheckID(id); err != nil {
		return err
	}
	return s.update(ctx, false, func(secrets map[string][]byte) (bool, error) {
		secret, ok := secrets[id]
		if !ok {
			return false, fmt.Errorf("%s: %w", storeName, vault.ErrNotFound)
		}
		vault.Wipe(secret)
		delete(secrets, id)
		return true, nil
	})
}

// ChangePassphrase seals everything under a new key and a new passphrase. It
// asks for the old one first if the store is locked. Copies of the file made
// before still open with the old passphrase, except the one kept beside it.
func (s *Store) ChangePassphrase(ctx context.Context, passphrase vault.Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	secrets, _, err := s.load(ctx)
	if err != nil {
		return err
	}
	defer wipeAll(secrets)
	key := seal.GenerateKey()
	wrapped, err := seal.WrapKey(key, string(passphrase.Expose()), s.o.WorkFactor)
	if err != nil {
		return explain(err)
	}
	s.forget()
	s.key, s.wrapped = key, wrapped
	if err := s.save(secrets, true); err != nil {
		s.forget() // which of the two is on disk decides the next load
		return err
	}
	return nil
}

func (s *Store) view(ctx context.Context, use func(map[string][]byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	secrets, _, err := s.load(ctx)
	if err != nil {
		return err
	}
	defer s.used()
	defer wipeAll(secrets)
	return use(secrets)
}

// update lets change work on the secrets and writes them. change reports
// whether a secret went away.
func (s *Store) update(ctx context.Context, create bool, change func(map[string][]byte) (gone bool, err error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	secrets, there, err := s.load(ctx)
	if err != nil {
		return err
	}
	defer s.used()
	defer wipeAll(secrets)
	gone, err := change(secrets)
	if err != nil {
		return err
	}
	if !there && create {
		if err := s.create(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.save(secrets, gone)
}

// load reads and opens the file; without one it gives no secrets. It reads the
// file anew each time, so that it never answers from a state that is not on
// disk.
func (s *Store) load(ctx context.Context) (secrets map[string][]byte, there bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	data, err := readFile(s.o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(s.o.Path + seal.Previous); err == nil {
			return nil, false, damaged("the file is gone, but a copy of it is there")
		}
		return map[string][]byte{}, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	wrapped, body, err := split(data)
	if err != nil {
		return nil, false, err
	}
	if s.key == (seal.Key{}) || !bytes.Equal(s.wrapped, wrapped) {
		if err := s.unlock(ctx, wrapped); err != nil {
			return nil, false, err
		}
	}
	plain, err := s.key.Open(body, header(wrapped))
	if err != nil {
		return nil, false, damaged("the file was altered")
	}
	defer vault.Wipe(plain)
	secrets, err = parse(plain)
	return secrets, true, err
}

func (s *Store) ask(ctx context.Context, create bool) (vault.Secret, error) {
	if s.o.Passphrase == nil {
		return vault.Secret{}, &vault.Error{Store: storeName, Detail: "it needs a passphrase, and there is no way to ask for it here", Hint: "Name a file that holds the passphrase, or run Goldpan in a terminal.", Err: vault.ErrLocked}
	}
	passphrase, err := s.o.Passphrase(ctx, create)
	if err != nil {
		return vault.Secret{}, fmt.Errorf("%s: asking for the passphrase: %w", storeName, err)
	}
	return passphrase, nil
}

func (s *Store) unlock(ctx context.Context, wrapped []byte) error {
	passphrase, err := s.ask(ctx, false)
	if err != nil {
		return err
	}
	defer passphrase.Wipe()
	key, err := seal.UnwrapKey(wrapped, string(passphrase.Expose()))
	if err != nil {
		return explain(err)
	}
	s.forget()
	s.key, s.wrapped = key, bytes.Clone(wrapped)
	return nil
}

func (s *Store) create(ctx context.Context) error {
	passphrase, err := s.ask(ctx, true)
	if err != nil {
		return err
	}
	defer passphrase.Wipe()
	key := seal.GenerateKey()
	wrapped, err := seal.WrapKey(key, string(passphrase.Expose()), s.o.WorkFactor)
	if err != nil {
		return explain(err)
	}
	s.forget()
	s.key, s.wrapped = key, wrapped
	return nil
}

// save writes the file; with scrub it does so twice, so that the copy which
// seal.WriteFile keeps has nothing that the file no longer has.
func (s *Store) save(secrets map[string][]byte, scrub bool) error {
	plain := format(secrets)
	defer vault.Wipe(plain)
	head := header(s.wrapped)
	times := 1
	if scrub {
		times = 2
	}
	for n := range times {
		if err := seal.WriteFile(s.o.Path, append(bytes.Clone(head), s.key.Seal(plain, head)...), 0o600); err != nil {
			return unwritten(err, n > 0)
		}
	}
	return nil
}

// unwritten says why the file could not be written; done that it was, and only the
// copy of before holds what is gone.
func unwritten(err error, done bool) error {
	e := &vault.Error{Store: storeName, Detail: "nothing was changed", Err: err, Hint: "Look at the folder of the file, and try again."}
	if done {
		e.Detail = "the file was changed, and the copy of before beside it still holds what was replaced"
	}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Hint = "Goldpan may not write to the folder of the file. Give it that right, or choose another folder with --data."
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		e.Hint = "The disk is full. Make room, and try again."
	}
	return e
}

func explain(err error) error {
	e := &vault.Error{Store: storeName, Hint: hintPassphrase, Err: vault.ErrPassphrase}
	switch {
	case errors.Is(err, seal.ErrPassphrase):
		return e
	case errors.Is(err, seal.ErrWorkFactor):
		return damaged("opening it would take more memory than Goldpan allows")
	case errors.Is(err, seal.ErrWrapped):
		return damaged("its key was altered")
	}
	return fmt.Errorf("%s: %w", storeName, err)
}

func damaged(detail string) error {
	return &vault.Error{Store: storeName, Detail: detail, Hint: hintDamaged, Err: vault.ErrDamaged}
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", storeName, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", storeName, err)
	}
	if !info.Mode().IsRegular() || info.Size() > int64(maxFile) {
		return nil, damaged(filepath.Base(path) + " is not a file of its kind")
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(maxFile)+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", storeName, err)
	}
	return data, nil
}

// header is what comes before the sealed body.
func header(wrapped []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte(magic), uint16(len(wrapped)))
	return append(b, wrapped...)
}

func split(data []byte) (wrapped, body []byte, err error) {
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok || len(data) > maxFile || len(rest) < 2 {
		return nil, nil, damaged("the file is not a sealed file of Goldpan")
	}
	n := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if n == 0 || n > maxWrapped || n > len(rest) {
		return nil, nil, damaged("the file was cut short")
	}
	return rest[:n], rest[n:], nil
}

func format(secrets map[string][]byte) []byte {
	size := 0
	for id, secret := range secrets {
		size += 1 + len(id) + 2 + len(secret)
	}
	b := make([]byte, 0, size) // exact: growing would leave copies behind
	for _, id := range slices.Sorted(maps.Keys(secrets)) {
		b = append(b, byte(len(id)))
		b = append(b, id...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(secrets[id])))
		b = append(b, secrets[id]...)
	}
	return b
}

func parse(b []byte) (map[string][]byte, error) {
	bad := damaged("what is sealed in it makes no sense")
	secrets := make(map[string][]byte)
	last := ""
	for len(b) > 0 {
		n := int(b[0])
		if b = b[1:]; len(b) < n+2 {
			return nil, bad
		}
		id := string(b[:n])
		if vault.CheckID(id) != nil || id <= last || len(secrets) == maxSecrets {
			return nil, bad
		}
		size := int(binary.BigEndian.Uint16(b[n:]))
		if b = b[n+2:]; len(b) < size || vault.CheckSecret(b[:size]) != nil {
			return nil, bad
		}
		secrets[id], last = bytes.Clone(b[:size]), id
		b = b[size:]
	}
	return secrets, nil
}

func wipeAll(secrets map[string][]byte) {
	for _, secret := range secrets {
		vault.Wipe(secret)
	}
}
