package wallet

import (
	"bytes"
	"errors"
	"io/fs"
	"sync"

	"goldpan/core/seal"
)

// Storage keeps named blobs: a folder of files, or in a browser its database. Names are relative, with slashes. It
// may be called by several goroutines.
type Storage interface {
	// Read gives the blob of that name. A blob that is longer than limit or fails check is given from its
	// previous copy if that is good; else the error is check's. It is fs.ErrNotExist when there is none.
	Read(name string, limit int64, check func([]byte) error) ([]byte, error)
	// Write replaces a blob as a whole: after a crash the old one or the new one is there.
	Write(name string, data []byte) error
	// Lock holds a name for this process alone until release; it fails with ErrInUse.
	Lock(name string) (release func() error, err error)
	// PracticeKey is the key of practice wallets that have no passphrase, made when create is set and there is
	// none. It fails with ErrKeyFile.
	PracticeKey(create bool) (seal.Key, error)
}

// ErrInsecure says that no wallet is kept on a page that came without encryption.
var ErrInsecure = errors.New("this page came without encryption (plain http), where anybody on the way could read or change a wallet: none is kept here; open the page over https, or use the desktop program")

// ErrBrowser says that the browser did not do what it was asked; its own words are not shown.
var ErrBrowser = errors.New("this browser does not keep what it is given: leave its private mode, make room, or use another")

// MemoryStorage keeps blobs until the program ends. The zero value is empty and ready.
type MemoryStorage struct {
	mu    sync.Mutex
	blobs map[string][]byte
	held  map[string]bool
	key   seal.Key
}

// Read implements Storage.
func (m *MemoryStorage) Read(name string, limit int64, check func([]byte) error) ([]byte, error) {
	m.mu.Lock()
	b, ok := m.blobs[name]
	b = bytes.Clone(b)
	m.mu.Unlock()
	if !ok {
		return nil, fs.ErrNotExist
	}
	if int64(len(b)) > limit {
		return nil, ErrDamaged
	}
	if err := check(b); err != nil {
		return nil, err
	}
	return b, nil
}

// Write implements Storage.
func (m *MemoryStorage) Write(name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blobs == nil {
		m.blobs = map[string][]byte{}
	}
	m.blobs[name] = bytes.Clone(data)
	return nil
}

// Lock implements Storage.
func (m *MemoryStorage) Lock(name string) (func() error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held[name] {
		return nil, ErrInUse
	}
	if m.held == nil {
		m.held = map[string]bool{}
	}
	m.held[name] = true
	return func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.held, name)
		return nil
	}, nil
}

// PracticeKey implements Storage.
func (m *MemoryStorage) PracticeKey(create bool) (seal.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.key == (seal.Key{}) {
		if !create {
			return seal.Key{}, ErrKeyFile
		}
		m.key = seal.GenerateKey()
	}
	return m.key, nil
}
