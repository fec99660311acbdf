package wallet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"goldpan/core/seal"
	"goldpan/wallet/label"
)

// ErrLabels says that neither the file of the labels nor its previous copy is whole. The wallet is, and nothing is
// written over the file: moved away, it makes room for new labels, and a backup file brings the old ones back.
var ErrLabels = errors.New("the file of the labels is damaged, and the wallet is whole")

func (w *Wallet) labelsName() string { return w.o.base() + ".labels" }

// private is the key of what is private, or ErrClosed.
func (w *Wallet) private() (seal.Key, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return seal.Key{}, ErrClosed
	}
	return w.key, nil
}

// Labels is every label of the wallet, of all its coins, by type and reference.
func (w *Wallet) Labels() ([]label.Record, error) {
	key, err := w.private()
	if err != nil {
		return nil, err
	}
	return w.readLabels(key)
}

func (w *Wallet) readLabels(key seal.Key) ([]label.Record, error) {
	var list []label.Record
	_, err := w.o.Storage.Read(w.labelsName(), label.MaxFile+1024, func(b []byte) error {
		plain, err := key.Open(b, w.purpose(w.labelsName()))
		if err != nil {
			return ErrLabels
		}
		if list, _, err = label.Parse(bytes.NewReader(plain)); err != nil {
			return ErrLabels
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, ErrLabels), errors.Is(err, ErrDamaged): // too long, or of another wallet
		return nil, fmt.Errorf("%w: %s", ErrLabels, w.labelsName())
	}
	return list, err
}

// SetLabel writes a label over another of the same thing; an empty one takes it away.
func (w *Wallet) SetLabel(t label.Type, ref, text string) error {
	text, _ = label.Clean(text)
	origin := ""
	if t == label.Tx {
		origin = w.account.Origin()
	}
	_, err := w.mergeLabels([]label.Record{{Type: t, Ref: ref, Label: text, Origin: origin}}, true)
	return err
}

// ImportLabels takes labels in from another program's file (BIP329). One that says nothing of a label leaves ours.
func (w *Wallet) ImportLabels(r io.Reader) (label.Result, error) {
	list, result, err := label.Parse(r)
	if err != nil || len(list) == 0 {
		return result, err
	}
	_, err = w.mergeLabels(list, false)
	return result, err
}

// ExportLabels writes the labels for another program (BIP329).
func (w *Wallet) ExportLabels(to io.Writer) error {
	list, err := w.Labels()
	if err != nil {
		return err
	}
	return label.Write(to, list)
}

// mergeLabels writes the records over those that are kept.
func (w *Wallet) mergeLabels(records []label.Record, erase bool) (list []label.Record, err error) {
	key, err := w.private()
	if err != nil {
		return nil, err
	}
	release, err := w.o.lockFile()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if list, err = w.readLabels(key); err != nil {
		return nil, err
	}
	type thing struct {
		t   label.Type
		ref string
	}
	kept := map[thing]label.Record{}
	for _, x := range list {
		kept[thing{x.Type, x.Ref}] = x
	}
	for _, x := range records {
		at := thing{x.Type, x.Ref}
		old := kept[at]
		if x.Label == "" && !erase {
			x.Label = old.Label
		}
		if x.Spendable == nil {
			x.Spendable = old.Spendable
		}
		x.Origin = cmp.Or(x.Origin, old.Origin)
		kept[at] = x
		if x.Label == "" && x.Spendable == nil {
			delete(kept, at)
		}
	}
	list = list[:0]
	for _, x := range kept {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b label.Record) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Ref, b.Ref)) })
	var plain bytes.Buffer
	if err := label.Write(&plain, list); err != nil {
		return nil, err
	}
	if plain.Len() > label.MaxFile || len(list) > label.MaxRecords {
		return nil, label.ErrTooLong
	}
	return list, w.o.Storage.Write(w.labelsName(), key.Seal(plain.Bytes(), w.purpose(w.labelsName())))
}
