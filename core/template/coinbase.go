package template

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

const (
	tag             = "/goldpan/"
	extranonce1Size = 4 // drawn at random, so that two machines on one node search different headers
	extranonce2Size = 8
	maxScript       = 100 // of a coinbase's script, bytes: a rule of every chain
)

// pushHeight returns the script that a coinbase begins with (BIP 34): the height as
// the shortest push of a number. Zero to sixteen have an opcode each.
func pushHeight(height int64) []byte {
	switch {
	case height == 0:
		return []byte{0x00}
	case height <= 16:
		return []byte{0x50 + byte(height)}
	}
	var b []byte
	for v := height; v > 0; v >>= 8 {
		b = append(b, byte(v))
	}
	if b[len(b)-1]&0x80 != 0 { // it would read as a sign
		b = append(b, 0)
	}
	return append([]byte{byte(len(b))}, b...)
}

// auxOf joins what the node wants in the coinbase's script, in the order of its
// names.
func auxOf(named map[string]string) ([]byte, error) {
	names := make([]string, 0, len(named))
	for name := range named {
		names = append(names, name)
	}
	slices.Sort(names)
	var aux []byte
	for _, name := range names {
		b, err := hex.DecodeString(named[name])
		if err != nil || len(aux)+len(b) > maxAux {
			return nil, fmt.Errorf("%w: what it wants in the coinbase cannot be", ErrTemplate)
		}
		aux = append(aux, b...)
	}
	return aux, nil
}

// coinbase returns the transaction that pays script, without witness, in the parts
// before and after the extranonces.
func (t *template) coinbase(script []byte) (before, after []byte) {
	head := append(pushHeight(t.height), t.aux...)
	head = append(head, extranonce1Size+extranonce2Size)
	tail := append([]byte{byte(len(tag))}, tag...)
	length := len(head) + extranonce1Size + extranonce2Size + len(tail)
	if length > maxScript {
		panic("template: a coinbase script of " + strconv.Itoa(length) + " bytes") // the bounds above forbid it
	}
	before = binary.LittleEndian.AppendUint32(nil, 2) // version
	before = append(before, 1)                        // one input, which spends nothing
	before = append(before, make([]byte, 32)...)
	before = append(before, 0xff, 0xff, 0xff, 0xff)
	before = append(before, byte(length))
	before = append(before, head...)

	after = append(after, tail...)
	after = append(after, 0xff, 0xff, 0xff, 0xff) // sequence
	outputs := 1
	if t.commitment != nil {
		outputs = 2
	}
	after = append(after, byte(outputs))
	after = appendOutput(after, uint64(t.value), script)
	if t.commitment != nil {
		after = appendOutput(after, 0, t.commitment)
	}
	return before, append(after, 0, 0, 0, 0) // lock time
}

func appendOutput(b []byte, value uint64, script []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, value)
	b = appendCompact(b, len(script))
	return append(b, script...)
}

// appendCompact appends a count as transactions and blocks write it.
func appendCompact(b []byte, n int) []byte {
	switch {
	case n < 0xfd:
		return append(b, byte(n))
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(n))
}

// job returns the job of t that pays script. Its target is the block's own: with no
// pool there is nobody to count easier shares.
func (t *template) job(id string, a hasher.Algorithm, script, extranonce1 []byte, clean bool) *pow.Job {
	before, after := t.coinbase(script)
	return &pow.Job{
		ID:              id,
		Algorithm:       a,
		Prev:            t.prev,
		Coinbase1:       before,
		Coinbase2:       after,
		Branch:          t.branch,
		Version:         t.version,
		Bits:            t.bits,
		Time:            t.time,
		Clean:           clean,
		Extranonce1:     extranonce1,
		Extranonce2Size: extranonce2Size,
		Target:          t.target,
		Difficulty:      t.target.Difficulty(a),
	}
}

// block returns the whole block that s makes of a job of t, as it goes over the
// wire.
func (t *template) block(s pow.Share) []byte {
	header := s.Job.Header(s.Solution).Bytes()
	coinbase := s.Job.Coinbase(s.Extranonce2)
	size := len(header) + 9 + len(coinbase) + 40 + 1 + len(t.extension)
	for _, data := range t.data {
		size += len(data)
	}
	b := append(make([]byte, 0, size), header[:]...)
	b = appendCompact(b, 1+len(t.data))
	if t.commitment == nil {
		b = append(b, coinbase...)
	} else {
		// BIP 144: marker and flag after the version, the witness before the lock
		// time. It is the reserved value of BIP 141 alone.
		b = append(b, coinbase[:4]...)
		b = append(b, 0, flagWitness)
		b = append(b, coinbase[4:len(coinbase)-4]...)
		b = append(b, 1, 32)
		b = append(b, make([]byte, 32)...)
		b = append(b, coinbase[len(coinbase)-4:]...)
	}
	for _, data := range t.data {
		b = append(b, data...)
	}
	if t.extension != nil {
		b = append(b, 1) // present
		b = append(b, t.extension...)
	}
	return b
}
