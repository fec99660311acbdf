//go:build !js

package wallet

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"goldpan/core/seal"
	"goldpan/wallet/hd"
	"goldpan/wallet/label"
)

func TestChallenge(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1, ProveFirst: true, Words: 24}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := w.Mnemonic("p")
	if err != nil {
		t.Fatal(err)
	}
	if w.BackedUp() {
		t.Error("a new wallet is backed up")
	}
	if _, err := w.Address(0); !errors.Is(err, ErrNotProven) {
		t.Errorf("an address before the words were proven: %v", err)
	}
	if _, _, err := w.NextUnused(); !errors.Is(err, ErrNotProven) {
		t.Errorf("an address before the words were proven: %v", err)
	}
	answers := func(at []int) (list []string) {
		for _, i := range at {
			list = append(list, m.Words()[i-1])
		}
		return list
	}
	for n, want := range map[int]int{0: 24, 1: 3, 4: 4, 24: 24, 99: 24} {
		at, err := w.Challenge(n)
		if err != nil || len(at) != want || !slices.IsSorted(at) || len(slices.Compact(at)) != want {
			t.Errorf("%d: %v %v", n, at, err)
		}
	}
	at, err := w.Challenge(4)
	if err != nil {
		t.Fatal(err)
	}
	bad := answers(at)
	bad[1], bad[3] = "zoo", ""
	if bad[1] == answers(at)[1] {
		bad[1] = "abandon"
	}
	if wrong, err := w.Answer(at, bad); err != nil || !slices.Equal(wrong, []int{at[1], at[3]}) || w.BackedUp() {
		t.Errorf("%v %v", wrong, err)
	}
	for _, few := range [][]int{nil, {1}, {1, 2}, {1, 1, 1}} {
		if _, err := w.Answer(few, answers(few)); !errors.Is(err, ErrFewWords) || w.BackedUp() {
			t.Errorf("%v proves it: %v", few, err)
		}
	}
	if wrong, err := w.Answer([]int{0, 25, -1}, []string{"a", "b", "c"}); err != nil || len(wrong) != 3 {
		t.Errorf("%v %v", wrong, err)
	}
	good := answers(at)
	good[0] = " " + strings.ToUpper(good[0]) + "\n"
	if wrong, err := w.Answer(at, good); err != nil || len(wrong) != 0 || !w.BackedUp() || w.Backup().Words.IsZero() || !w.Backup().File.IsZero() {
		t.Errorf("%v %v", wrong, err)
	}
	if _, err := w.Address(0); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = Open(o); err != nil || !w.BackedUp() {
		t.Fatalf("it was not kept: %v", err)
	}
	defer w.Close()
}

func TestBackupFile(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1, SeedPassphrase: "TREZOR"}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	first, err := w.Address(0)
	if err != nil {
		t.Fatal(err)
	}
	path := hd.Path{Kind: hd.PKH, Steps: "0'"}
	if err := w.Remember(path, path); err != nil {
		t.Fatal(err)
	}
	if err := w.SetLabel(label.Address, first, "first gold"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteBackup(""); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("a backup under no passphrase: %v", err)
	}
	b, err := w.WriteBackup("of the backup")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("abandon")) || bytes.Contains(b, []byte("gold")) {
		t.Error("a backup in clear")
	}
	if err := w.VerifyBackup(b, "p"); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("%v", err)
	}
	for _, bad := range [][]byte{nil, []byte("hello"), b[:len(b)-1], append(bytes.Clone(b), 0)} {
		if err := w.VerifyBackup(bad, "of the backup"); !errors.Is(err, ErrBackup) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	if !w.Backup().File.IsZero() {
		t.Error("a bad file counts as a backup")
	}
	w.Lock()
	if err := w.VerifyBackup(b, "of the backup"); err != nil || w.Backup().File.IsZero() {
		t.Error(err)
	}

	n := Options{Dir: t.TempDir(), Params: o.Params, Passphrase: "new", WorkFactor: 1}
	back, err := RestoreBackup(n, b, "of the backup")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := back.Address(0); err != nil || a != first || !back.BackedUp() {
		t.Errorf("%s %v", a, err)
	}
	if list, err := back.Labels(); err != nil || len(list) != 1 || list[0].Label != "first gold" {
		t.Errorf("%v %v", list, err)
	}
	if got := back.Paths(); !slices.Equal(got, []hd.Path{path}) {
		t.Errorf("%v", got)
	}
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := RestoreBackup(n, b, "of the backup"); !errors.Is(err, ErrExists) {
		t.Errorf("over a wallet: %v", err)
	}
	n.Params, n.Dir = practice(t), t.TempDir()
	if _, err := RestoreBackup(n, b, "of the backup"); !errors.Is(err, ErrOther) {
		t.Errorf("on another network: %v", err)
	}

	other, err := hd.NewMnemonic(12)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.VerifyWords(other, "TREZOR"); !errors.Is(err, ErrOther) {
		t.Errorf("other words: %v", err)
	}
	if err := w.VerifyWords(words(t), "TREZOr"); !errors.Is(err, ErrOther) {
		t.Errorf("another passphrase of the words: %v", err)
	}
	if err := w.VerifyWords(hd.Mnemonic{}, ""); !errors.Is(err, hd.ErrLength) {
		t.Errorf("no words: %v", err)
	}
	if err := w.VerifyWords(words(t), "TREZOR"); err != nil {
		t.Error(err)
	}
}
