//go:build !js

package practice

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// sampleLog is a genesis record and two blocks, and where each record ends.
func sampleLog() (b []byte, ends []int) {
	b = appendRecord([]byte(logMagic), recordGenesis, []byte("genesis"))
	ends = append(ends, len(b))
	for _, block := range []string{"first block", "second"} {
		b = appendRecord(b, recordBlock, []byte(block))
		ends = append(ends, len(b))
	}
	return b, ends
}

func openSample(t *testing.T, b []byte) (*blockLog, []string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), logName)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	l, err := openLog(path, func(_ int64, rec record) error {
		got = append(got, string(rec.payload))
		return nil
	})
	if l != nil {
		t.Cleanup(func() { _ = l.close() })
	}
	return l, got, err
}

func TestLogTornAtEveryByte(t *testing.T) {
	whole, ends := sampleLog()
	for cut := range len(whole) + 1 {
		l, got, err := openSample(t, whole[:cut])
		want := 0
		for _, end := range ends {
			if cut >= end {
				want++
			}
		}
		if want == 0 {
			if !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("cut at %d: %v, want no chain", cut, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if len(got) != want {
			t.Fatalf("cut at %d: %d records, want %d", cut, len(got), want)
		}
		// What is written next must follow the last whole record.
		if err := l.append([]byte("next")); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(l.path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, appendRecord(bytes.Clone(whole[:ends[want-1]]), recordBlock, []byte("next"))) {
			t.Fatalf("cut at %d: the log did not go on where it was whole", cut)
		}
	}
}

func TestLogFlippedAtEveryByte(t *testing.T) {
	whole, ends := sampleLog()
	for at := range whole {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		l, got, err := openSample(t, b)
		want := 0
		for _, end := range ends {
			if at >= end {
				want++
			}
		}
		if want == 0 {
			if err == nil {
				t.Fatalf("byte %d: a log with a damaged beginning opened", at)
			}
			// A length that reaches past the end looks like a log that was
			// never finished; all else is told apart.
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("byte %d: %v", at, err)
			}
			continue
		}
		if err != nil || len(got) != want {
			t.Fatalf("byte %d: %d records and %v, want %d", at, len(got), err, want)
		}
		if l.size != int64(ends[want-1]) {
			t.Fatalf("byte %d: size %d", at, l.size)
		}
	}
}

func TestLogReadAt(t *testing.T) {
	whole, _ := sampleLog()
	var offsets []int64
	path := filepath.Join(t.TempDir(), logName)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := openLog(path, func(at int64, _ record) error {
		offsets = append(offsets, at)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.close() }()
	rec, err := l.readAt(offsets[2])
	if err != nil || string(rec.payload) != "second" || rec.kind != recordBlock {
		t.Fatalf("%+v %v", rec, err)
	}
	if _, err := l.readAt(offsets[2] + 1); err == nil {
		t.Fatal("read a record from between two")
	}
}

func TestLogErrorsOfVisitEndTheOpening(t *testing.T) {
	whole, _ := sampleLog()
	path := filepath.Join(t.TempDir(), logName)
	if err := os.WriteFile(path, append(whole, 1, 2, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	if _, err := openLog(path, func(int64, record) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || len(b) != len(whole)+3 {
		t.Fatal("the log was changed")
	}
}

func FuzzReadLog(f *testing.F) {
	whole, ends := sampleLog()
	f.Add(whole)
	f.Add(whole[:ends[1]+5])
	f.Add([]byte(logMagic))
	f.Add([]byte(logMagic + "\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		again := []byte(logMagic)
		good, err := readLog(bytes.NewReader(b), func(at int64, rec record) error {
			if at != int64(len(again)) {
				t.Fatalf("record at %d, want %d", at, len(again))
			}
			again = appendRecord(again, rec.kind, rec.payload)
			return nil
		})
		if good == 0 {
			return
		}
		if good > int64(len(b)) || !bytes.Equal(b[:good], again) {
			t.Fatal("what was read is not what stands there")
		}
		if err == nil && good != int64(len(b)) {
			t.Fatal("a clean end that is not the end")
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, errMidDamage) {
			t.Fatal(err)
		}
	})
}
