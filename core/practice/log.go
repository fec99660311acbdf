//go:build !js

package practice

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// The block log is the chain's memory. The chain database keeps what it has
// learned in its own cache for minutes, so a killed process would lose it; the
// log is synced block by block, and everything else can be rebuilt from it.
//
// A log is logMagic, then records:
//
//	length   4 bytes, little-endian: bytes of kind and payload
//	checksum 4 bytes, little-endian: CRC-32C of kind and payload
//	kind     1 byte
//	payload  length-1 bytes
//
// The first record is the genesis record; the others are blocks in the order
// in which they joined the chain.
const (
	logMagic  = "goldpan\x01"
	frameSize = 8

	// maxRecord is more than the largest block that consensus allows (4,000,000
	// bytes) and bounds what a damaged length can make us read.
	maxRecord = 4_000_000 + 1024

	damagedSuffix = ".damaged"

	recordGenesis byte = 'G'
	recordBlock   byte = 'B'
)

var (
	errNotLog = errors.New("not a practice block log")

	// errMidDamage says that whole, unreadable data stands where a record
	// should be: more than what an interrupted write leaves behind.
	errMidDamage = errors.New("block log damaged before its end")
)

type record struct {
	kind    byte
	payload []byte // valid until the next record is read
}

// readLog reads records from r and hands each to visit. It returns the length
// of the part that is whole, and what stopped it: nil at a clean end,
// io.ErrUnexpectedEOF if the last record is incomplete, errMidDamage if a
// record is complete and wrong, errNotLog if it is something else altogether,
// or the error of visit or of r.
func readLog(r io.Reader, visit func(at int64, rec record) error) (good int64, err error) {
	br := bufio.NewReaderSize(r, 64<<10)
	var magic [len(logMagic)]byte
	n, err := io.ReadFull(br, magic[:])
	if string(magic[:n]) != logMagic[:n] {
		return 0, errNotLog
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, io.ErrUnexpectedEOF
		}
		return 0, err
	}
	good = int64(len(logMagic))

	var frame [frameSize]byte
	var body []byte
	for {
		if _, err := io.ReadFull(br, frame[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return good, nil
			}
			return good, err
		}
		length := binary.LittleEndian.Uint32(frame[0:4])
		sum := binary.LittleEndian.Uint32(frame[4:8])
		if length == 0 || length > maxRecord {
			return good, errMidDamage
		}
		if uint32(cap(body)) < length {
			body = make([]byte, length)
		}
		body = body[:length]
		if _, err := io.ReadFull(br, body); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return good, err
		}
		if checksum(body) != sum {
			return good, errMidDamage
		}
		if err := visit(good, record{kind: body[0], payload: body[1:]}); err != nil {
			return good, err
		}
		good += frameSize + int64(length)
	}
}

func checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

// appendRecord appends the framed record to b.
func appendRecord(b []byte, kind byte, payload []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, frameSize)...)
	b = append(b, kind)
	b = append(b, payload...)
	body := b[at+frameSize:]
	binary.LittleEndian.PutUint32(b[at:], uint32(len(body)))
	binary.LittleEndian.PutUint32(b[at+4:], checksum(body))
	return b
}

// blockLog is an open log, positioned at its end. It is not safe for
// concurrent use.
type blockLog struct {
	path string
	f    *os.File
	size int64
}

// createLog makes a log that holds one genesis record. The file appears under
// its name only when it is whole and on the disk.
func createLog(path string, genesis []byte) error {
	b := appendRecord([]byte(logMagic), recordGenesis, genesis)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".blocks-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("create block log: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// openLog opens the log at path, hands every whole record to visit, and cuts
// off what an interrupted write left at the end. If what is cut off is more
// than that, it is kept beside the log as path+damagedSuffix. An error of visit
// ends the opening and leaves the file as it is.
//
// A file that does not hold one whole record is os.ErrNotExist: it was never a
// chain.
func openLog(path string, visit func(at int64, rec record) error) (*blockLog, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	l := &blockLog{path: path, f: f}
	if err := l.load(visit); err != nil {
		_ = f.Close()
		return nil, err
	}
	return l, nil
}

func (l *blockLog) load(visit func(at int64, rec record) error) error {
	first := true
	good, err := readLog(l.f, func(at int64, rec record) error {
		first = false
		return visit(at, rec)
	})
	switch {
	case err == nil, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errMidDamage):
	case errors.Is(err, errNotLog):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	default:
		return fmt.Errorf("read block log: %w", err)
	}
	if first {
		if errors.Is(err, errMidDamage) {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return fmt.Errorf("block log holds no chain: %w", os.ErrNotExist)
	}
	l.size = good
	if err != nil {
		if errors.Is(err, errMidDamage) {
			if err := l.keepTail(); err != nil {
				return fmt.Errorf("keep the damaged end of the block log: %w", err)
			}
		}
		if err := l.truncate(good); err != nil {
			return fmt.Errorf("cut the torn end of the block log: %w", err)
		}
	}
	_, err = l.f.Seek(good, io.SeekStart)
	return err
}

// keepTail copies everything after the last whole record to a file of its own,
// so that nothing that might be a block is ever thrown away.
func (l *blockLog) keepTail() error {
	if _, err := l.f.Seek(l.size, io.SeekStart); err != nil {
		return err
	}
	out, err := os.OpenFile(l.path+damagedSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, l.f)
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}

// append writes one block record and returns once it is on the disk. If that
// fails, nothing of it stays.
func (l *blockLog) append(block []byte) error {
	if len(block)+1 > maxRecord {
		return fmt.Errorf("block of %d bytes is too large for the log", len(block))
	}
	b := appendRecord(nil, recordBlock, block)
	_, err := l.f.Write(b)
	if err == nil {
		err = l.f.Sync()
	}
	if err != nil {
		if terr := l.truncate(l.size); terr != nil {
			err = errors.Join(err, terr)
		}
		return fmt.Errorf("write block log: %w", err)
	}
	l.size += int64(len(b))
	return nil
}

// truncate ends the log at size, which must be the end of a record.
func (l *blockLog) truncate(size int64) error {
	if err := l.f.Truncate(size); err != nil {
		return err
	}
	if _, err := l.f.Seek(size, io.SeekStart); err != nil {
		return err
	}
	l.size = size
	return l.f.Sync()
}

// readAt returns the payload of the record at the offset that visit was given.
func (l *blockLog) readAt(at int64) (record, error) {
	var rec record
	var frame [frameSize]byte
	if _, err := l.f.ReadAt(frame[:], at); err != nil {
		return rec, fmt.Errorf("read block log: %w", err)
	}
	length := binary.LittleEndian.Uint32(frame[0:4])
	if length == 0 || length > maxRecord {
		return rec, fmt.Errorf("read block log: %w", errMidDamage)
	}
	body := make([]byte, length)
	if _, err := l.f.ReadAt(body, at+frameSize); err != nil {
		return rec, fmt.Errorf("read block log: %w", err)
	}
	if checksum(body) != binary.LittleEndian.Uint32(frame[4:8]) {
		return rec, fmt.Errorf("read block log: %w", errMidDamage)
	}
	return record{kind: body[0], payload: body[1:]}, nil
}

func (l *blockLog) close() error { return l.f.Close() }
