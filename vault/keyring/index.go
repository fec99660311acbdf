//go:build !js

package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"goldpan/vault"
)

// maxParts bounds the index: 32 parts hold over 800 ids of the greatest length.
const maxParts = 32

// emptyPart stands for a part without ids, for an entry may not be empty. Parts
// are never deleted: the first one that is missing ends the index.
const emptyPart = "\n"

func partName(i int) string {
	if i == 0 {
		return "#index"
	}
	return fmt.Sprintf("#index-%d", i)
}

// indexParts reads the index: ids[i] are those of part i.
func (s *Store) indexParts(ctx context.Context) (ids [][]string, err error) {
	for i := range maxParts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := s.get(partName(i))
		if errors.Is(err, vault.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		part, err := parseIndex(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, part)
	}
	return ids, nil
}

func (s *Store) indexList(ctx context.Context) ([]string, error) {
	parts, err := s.indexParts(ctx)
	if err != nil {
		return nil, err
	}
	ids := slices.Concat(parts...)
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// indexAdd reports whether id was not there before.
func (s *Store) indexAdd(ctx context.Context, id string) (added bool, err error) {
	parts, err := s.indexParts(ctx)
	if err != nil {
		return false, err
	}
	for _, part := range parts {
		if slices.Contains(part, id) {
			return false, nil
		}
	}
	for i := range maxParts {
		var part []string
		if i < len(parts) {
			part = parts[i]
		}
		if text := formatIndex(append(slices.Clone(part), id)); len(text) <= vault.MaxSecret {
			return true, s.set(ctx, partName(i), text)
		}
	}
	return false, &vault.Error{
		Store:  storeName,
		Detail: "its index is full",
		Hint:   "Revoke keys that you no longer use.",
		Err:    vault.ErrTooLarge,
	}
}

func (s *Store) indexRemove(ctx context.Context, id string) error {
	parts, err := s.indexParts(ctx)
	if err != nil {
		return err
	}
	for i, part := range parts {
		left := slices.DeleteFunc(slices.Clone(part), func(other string) bool { return other == id })
		if len(left) == len(part) {
			continue
		}
		if err := s.set(ctx, partName(i), formatIndex(left)); err != nil {
			return err
		}
	}
	return nil
}

// formatIndex ends each id with a newline.
func formatIndex(ids []string) []byte {
	if len(ids) == 0 {
		return []byte(emptyPart)
	}
	return []byte(strings.Join(ids, "\n") + "\n")
}

func parseIndex(text []byte) ([]string, error) {
	damaged := &vault.Error{
		Store:  storeName,
		Detail: "the index entry was not written by Goldpan",
		Hint:   "Delete Goldpan's entries named #index in your keyring; the keys themselves stay.",
		Err:    vault.ErrDamaged,
	}
	if string(text) == emptyPart {
		return nil, nil
	}
	body, ok := strings.CutSuffix(string(text), "\n")
	if !ok || len(text) > vault.MaxSecret {
		return nil, damaged
	}
	ids := strings.Split(body, "\n")
	for _, id := range ids {
		if vault.CheckID(id) != nil {
			return nil, damaged
		}
	}
	return ids, nil
}
