//go:build !js

// Package keyring is the vault.Store on the operating system's own keyring:
// the Secret Service on Linux (GNOME Keyring, KWallet, KeePassXC), the Keychain
// on macOS, the Credential Manager on Windows.
//
// It refuses to wait for ever: a keyring that gives no answer within the
// time-out yields vault.ErrTimeout. It refuses to ask a locked keyring, which
// would put up a prompt or hang, and returns vault.ErrLocked instead. On Linux
// it never starts a D-Bus daemon: without a session bus it returns
// vault.ErrUnavailable.
//
// Each secret is one entry of a service: its user name is the id, its password
// the text "goldpan1:" and the secret in base64 (RFC 4648, section 4), because
// not every keyring keeps arbitrary bytes. Keyrings cannot be listed portably,
// so the ids stand in entries of their own, "#index", "#index-1" and so on,
// which no id can be named.
package keyring

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	gokeyring "github.com/zalando/go-keyring"

	"goldpan/core/disk"
	"goldpan/vault"
)

// DefaultTimeout is how long one operation may take.
const DefaultTimeout = 10 * time.Second

const (
	storeName  = "keyring"
	prefix     = "goldpan1:"
	maxService = 40
)

// Options say which entries a Store uses.
type Options struct {
	// Service is the name under which the keyring files the entries, as a
	// person sees it there: 1 to 40 bytes of a–z, 0–9, '.' and '-'.
	Service string
	// Timeout ends an operation; zero means DefaultTimeout.
	Timeout time.Duration
	// Lock is a file that programs which write to the same service lock while
	// they do; it is made if it is missing, and stays. Without it, only one
	// program at a time may write.
	Lock string
}

// Store implements vault.Store. It may be used by several goroutines at once,
// which it serves one after another, and by several programs at once if they
// agree on Options.Lock.
//
// An operation that timed out leaves its goroutine behind until the keyring
// answers. Until then further operations fail at once with vault.ErrTimeout,
// for a second question would only queue behind the first. An answer that has
// not come after giveUp never comes: the keyring may have ended with its
// question open. Then the next operation goes past it, unless it could still
// change something.
type Store struct {
	service string
	timeout time.Duration
	giveUp  time.Duration
	lock    string // Options.Lock
	backend backend
	ready   func(context.Context) error // nil, or why backend must not be called

	mu    sync.Mutex
	turn  chan struct{} // holds one token while no operation runs
	stuck *operation    // the last one that timed out, or nil
}

// A backend is go-keyring, or its stand-in in a test.
type backend interface {
	Get(service, user string) (string, error)
	Set(service, user, password string) error
	Delete(service, user string) error
}

type system struct{}

func (system) Get(service, user string) (string, error) { return gokeyring.Get(service, user) }
func (system) Set(service, user, password string) error {
	return gokeyring.Set(service, user, password)
}
func (system) Delete(service, user string) error { return gokeyring.Delete(service, user) }

// New returns a Store. It does not touch the keyring: see Check.
func New(o Options) (*Store, error) {
	if err := checkService(o.Service); err != nil {
		return nil, err
	}
	if o.Timeout < 0 {
		return nil, errors.New("keyring: the time-out is negative")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	s := &Store{service: o.Service, timeout: o.Timeout, giveUp: giveUp, lock: o.Lock, backend: system{}, ready: ready}
	s.turn = newTurn()
	return s, nil
}

// checkService keeps out ':', which Windows puts between service and user: "a"
// with "b:c" would be "a:b" with "c".
func checkService(service string) error {
	if service == "" || len(service) > maxService {
		return fmt.Errorf("keyring: a service name has 1 to %d characters", maxService)
	}
	for i := range len(service) {
		c := service[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || i > 0 && (c == '.' || c == '-')) {
			return errors.New("keyring: a service name has a–z, 0–9, '.' and '-', and begins with a letter or a digit")
		}
	}
	return nil
}

// Name returns "keyring".
func (s *Store) Name() string { return storeName }

// Check returns nil if the keyring is there, unlocked and answers. It reads and
// writes no secret.
func (s *Store) Check(ctx context.Context) error {
	return s.do(ctx, func(ctx context.Context) error {
		if s.ready != nil {
			return s.ready(ctx)
		}
		_, err := s.get("#check")
		if errors.Is(err, vault.ErrNotFound) {
			return nil
		}
		return err
	})
}

// Get implements vault.Store.
func (s *Store) Get(ctx context.Context, id string) ([]byte, error) {
	if err := vault.CheckID(id); err != nil {
		return nil, err
	}
	found := make(chan []byte, 1) // not a shared variable: the operation may outlive this call
	err := s.do(ctx, func(ctx context.Context) error {
		if err := s.usable(ctx); err != nil {
			return err
		}
		secret, err := s.get(id)
		if err == nil {
			found <- secret
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-found, nil
}

// Put implements vault.Store. It reads back what it stored, because a keyring
// whose question to the person was dismissed reports success.
func (s *Store) Put(ctx context.Context, id string, secret []byte) error {
	if err := vault.CheckID(id); err != nil {
		return err
	}
	if err := vault.CheckSecret(secret); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	own := bytes.Clone(secret) // the caller may wipe its copy after a time-out
	return s.do(ctx, func(ctx context.Context) error {
		defer vault.Wipe(own)
		if err := s.usable(ctx); err != nil {
			return err
		}
		release, err := s.exclusive(ctx)
		if err != nil {
			return err
		}
		defer release()
		// The index first: an id without a secret is harmless, a secret that
		// List does not show is not.
		added, err := s.indexAdd(ctx, id)
		if err != nil {
			return err
		}
		err = s.set(ctx, id, own)
		if err != nil && added && ctx.Err() == nil {
			_ = s.indexRemove(ctx, id)
		}
		return err
	})
}

// Delete implements vault.Store. It makes sure that the secret is gone.
func (s *Store) Delete(ctx context.Context, id string) error {
	if err := vault.CheckID(id); err != nil {
		return err
	}
	return s.do(ctx, func(ctx context.Context) error {
		if err := s.usable(ctx); err != nil {
			return err
		}
		release, err := s.exclusive(ctx)
		if err != nil {
			return err
		}
		defer release()
		err = s.remove(ctx, id)
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			return err
		}
		// Also when it was not found: an interrupted Put may have left its id.
		if err := s.indexRemove(ctx, id); err != nil {
			return err
		}
		return err
	})
}

// List implements vault.Store. After a Put that was cut off by a crash or a
// time-out it may name an id that Get does not find.
func (s *Store) List(ctx context.Context) ([]string, error) {
	found := make(chan []string, 1)
	err := s.do(ctx, func(ctx context.Context) error {
		if err := s.usable(ctx); err != nil {
			return err
		}
		ids, err := s.indexList(ctx)
		if err == nil {
			found <- ids
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-found, nil
}

// lockPause is how often a lock that another program holds is tried.
const lockPause = 5 * time.Millisecond

// exclusive keeps other programs from writing: the index is read, changed and
// written back.
func (s *Store) exclusive(ctx context.Context) (release func(), err error) {
	if s.lock == "" {
		return func() {}, nil
	}
	o, _ := ctx.Value(running{}).(*operation)
	if o != nil {
		o.waiting.Store(true) // until it has the lock
	}
	tick := time.NewTicker(lockPause)
	defer tick.Stop()
	for {
		l, err := disk.LockFile(s.lock)
		if err == nil {
			if o != nil {
				o.waiting.Store(false)
			}
			return func() { _ = l.Close() }, nil
		}
		if !errors.Is(err, disk.ErrLocked) {
			return nil, fmt.Errorf("%s: %w", storeName, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Store) usable(ctx context.Context) error {
	if s.ready == nil {
		return nil
	}
	return s.ready(ctx)
}

func (s *Store) get(user string) ([]byte, error) {
	text, err := s.backend.Get(s.service, user)
	if err != nil {
		return nil, explain(err)
	}
	return decode(text)
}

func (s *Store) set(ctx context.Context, user string, secret []byte) error {
	if err := change(ctx, func() error { return s.backend.Set(s.service, user, encode(secret)) }); err != nil {
		return explainIn(ctx, err)
	}
	kept, err := s.get(user)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	defer vault.Wipe(kept)
	if !bytes.Equal(kept, secret) {
		return notDone("it did not keep what was stored")
	}
	return nil
}

func (s *Store) remove(ctx context.Context, user string) error {
	if err := change(ctx, func() error { return s.backend.Delete(s.service, user) }); err != nil {
		return explainIn(ctx, err)
	}
	kept, err := s.get(user)
	vault.Wipe(kept)
	if err == nil {
		return notDone("it did not delete the entry")
	}
	if !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	return nil
}

func notDone(detail string) error {
	return &vault.Error{
		Store:  storeName,
		Detail: detail,
		Hint:   "Your keyring may have asked a question that was dismissed; try again and allow it.",
		Err:    vault.ErrUnavailable,
	}
}

func encode(secret []byte) string {
	b := make([]byte, len(prefix)+base64.StdEncoding.EncodedLen(len(secret)))
	defer vault.Wipe(b)
	copy(b, prefix)
	base64.StdEncoding.Encode(b[len(prefix):], secret)
	return string(b)
}

func decode(text string) ([]byte, error) {
	damaged := &vault.Error{
		Store:  storeName,
		Detail: "an entry was not written by Goldpan",
		Hint:   "Delete the entry and add the key again.",
		Err:    vault.ErrDamaged,
	}
	body, ok := strings.CutPrefix(text, prefix)
	if !ok || len(body) > base64.StdEncoding.EncodedLen(vault.MaxSecret) || strings.ContainsAny(body, "\r\n") {
		return nil, damaged
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(body)
	if err != nil || len(secret) > vault.MaxSecret {
		return nil, damaged
	}
	return secret, nil
}

// explainIn is explain, for what may be the context's own error.
func explainIn(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
		return err
	}
	return explain(err)
}

// explain maps go-keyring's three errors and the system's.
func explain(err error) error {
	switch {
	case errors.Is(err, gokeyring.ErrNotFound):
		return fmt.Errorf("%s: %w", storeName, vault.ErrNotFound)
	case errors.Is(err, gokeyring.ErrSetDataTooBig):
		return fmt.Errorf("%s: %w", storeName, vault.ErrTooLarge)
	case errors.Is(err, gokeyring.ErrUnsupportedPlatform):
		return &vault.Error{
			Store:  storeName,
			Detail: "this system has no keyring that Goldpan can use",
			Hint:   hintSealed,
			Err:    vault.ErrUnavailable,
		}
	}
	return explainSystem(err)
}

const hintSealed = "Keep keys in the sealed file instead, which a passphrase protects."
