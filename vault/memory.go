package vault

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// Memory is a Store that forgets everything with the process.
type Memory struct {
	mu      sync.Mutex
	secrets map[string][]byte
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{secrets: make(map[string][]byte)} }

// Format keeps the secrets out of whatever is printed.
func (*Memory) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(memory)") }

// Name returns "memory".
func (m *Memory) Name() string { return "memory" }

// Get implements Store.
func (m *Memory) Get(ctx context.Context, id string) ([]byte, error) {
	if err := precheck(ctx, id); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	secret, ok := m.secrets[id]
	if !ok {
		return nil, fmt.Errorf("memory: %w", ErrNotFound)
	}
	return bytes.Clone(secret), nil
}

// Put implements Store.
func (m *Memory) Put(ctx context.Context, id string, secret []byte) error {
	if err := precheck(ctx, id); err != nil {
		return err
	}
	if err := CheckSecret(secret); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	Wipe(m.secrets[id])
	m.secrets[id] = bytes.Clone(secret)
	return nil
}

// Delete implements Store.
func (m *Memory) Delete(ctx context.Context, id string) error {
	if err := precheck(ctx, id); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	secret, ok := m.secrets[id]
	if !ok {
		return fmt.Errorf("memory: %w", ErrNotFound)
	}
	Wipe(secret)
	delete(m.secrets, id)
	return nil
}

// List implements Store.
func (m *Memory) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.secrets)), nil
}

func precheck(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return CheckID(id)
}
