package pow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// MaxCoinbase is how long a coinbase transaction may be to be read, in bytes.
// Pools with many payees send some ten thousand.
const MaxCoinbase = 1 << 18

// ErrCoinbase is returned for a coinbase transaction that cannot be read.
var ErrCoinbase = errors.New("coinbase transaction cannot be read")

// Output is what a transaction pays.
type Output struct {
	Value  uint64 // in the coin's smallest unit
	Script []byte // the locking script; it may share memory with what was decoded
	// Open tells that the miner's extranonce2 is part of Script, which is then
	// not the same in every header.
	Open bool
}

// Coinbase returns the job's coinbase transaction with the miner's extranonce2
// in it.
func (j *Job) Coinbase(extranonce2 []byte) []byte {
	b := make([]byte, 0, len(j.Coinbase1)+len(j.Extranonce1)+len(extranonce2)+len(j.Coinbase2))
	b = append(b, j.Coinbase1...)
	b = append(b, j.Extranonce1...)
	b = append(b, extranonce2...)
	return append(b, j.Coinbase2...)
}

// Outputs tells whom a block found with this job pays. It refuses, with
// [ErrCoinbase], a transaction whose outputs would depend on what the miner
// chooses as extranonce2, other than within one script, which is then marked.
func (j *Job) Outputs() ([]Output, error) {
	if j.Extranonce2Size < 0 || j.Extranonce2Size > MaxCoinbase ||
		len(j.Coinbase1)+len(j.Extranonce1)+len(j.Coinbase2) > MaxCoinbase-j.Extranonce2Size {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrCoinbase, MaxCoinbase)
	}
	from := len(j.Coinbase1) + len(j.Extranonce1)
	return coinbaseOutputs(j.Coinbase(make([]byte, j.Extranonce2Size)), from, from+j.Extranonce2Size)
}

// CoinbaseOutputs decodes a whole coinbase transaction, with or without witness
// (BIP 144), and returns what it pays. It refuses a transaction that spends
// anything, or that has bytes left over.
func CoinbaseOutputs(tx []byte) ([]Output, error) {
	if len(tx) > MaxCoinbase {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrCoinbase, MaxCoinbase)
	}
	return coinbaseOutputs(tx, 0, 0)
}

// coinbaseOutputs reads tx, of which bytes [from, to) are the miner's to choose.
func coinbaseOutputs(tx []byte, from, to int) ([]Output, error) {
	r := cursor{b: tx}
	r.next(4) // version
	segwit := len(tx) > 6 && tx[4] == 0 && tx[5] == 1
	if segwit {
		r.next(2)
	}
	if n := r.count(); r.err == nil && n != 1 {
		return nil, fmt.Errorf("%w: it has %d inputs, not one", ErrCoinbase, n)
	}
	if spent := r.next(36); r.err == nil && !spendsNothing(spent) {
		return nil, fmt.Errorf("%w: it spends another transaction", ErrCoinbase)
	}
	// settled: the miner's bytes have been met, whole, within a script.
	settled := from == to
	meet := func(n int) bool {
		inside := !settled && from >= r.at-n && to <= r.at
		settled = settled || inside
		return inside
	}
	meet(len(r.next(r.count())))
	r.next(4) // sequence

	n := r.count()
	// An output has 9 bytes at least, so a false count asks for no memory.
	if r.err == nil && n > (len(tx)-r.at)/9 {
		return nil, fmt.Errorf("%w: it ends early", ErrCoinbase)
	}
	var outputs []Output
	for range n {
		value := r.next(8)
		script := r.next(r.count())
		if r.err != nil {
			break
		}
		o := Output{Value: binary.LittleEndian.Uint64(value), Script: script, Open: meet(len(script))}
		outputs = append(outputs, o)
	}
	if segwit {
		for range r.count() { // the witness of the one input
			r.next(r.count())
			if r.err != nil {
				break
			}
		}
	}
	r.next(4) // lock time
	switch {
	case r.err != nil:
		return nil, r.err
	case r.at != len(tx):
		return nil, fmt.Errorf("%w: bytes are left over", ErrCoinbase)
	case len(outputs) == 0:
		return nil, fmt.Errorf("%w: it pays nobody", ErrCoinbase)
	case !settled:
		return nil, fmt.Errorf("%w: what the miner chooses is not within a script", ErrCoinbase)
	}
	return outputs, nil
}

// spendsNothing tells whether an outpoint is that of a coinbase: no
// transaction, and the highest index.
func spendsNothing(outpoint []byte) bool {
	for i, b := range outpoint {
		if i < 32 && b != 0 || i >= 32 && b != 0xff {
			return false
		}
	}
	return true
}

// cursor reads a transaction. After its first error it returns nothing but
// zeros.
type cursor struct {
	b   []byte
	at  int
	err error
}

// next returns n bytes.
func (r *cursor) next(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b)-r.at {
		if r.err == nil {
			r.err = fmt.Errorf("%w: it ends early", ErrCoinbase)
		}
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at : r.at]
}

// count reads a number in Bitcoin's variable-length form. A number in a longer
// form than it needs is refused, as nodes do.
func (r *cursor) count() int {
	b := r.next(1)
	if r.err != nil {
		return 0
	}
	var n, least uint64
	switch b[0] {
	case 0xfd:
		if b = r.next(2); r.err == nil {
			n, least = uint64(binary.LittleEndian.Uint16(b)), 0xfd
		}
	case 0xfe:
		if b = r.next(4); r.err == nil {
			n, least = uint64(binary.LittleEndian.Uint32(b)), 1<<16
		}
	case 0xff:
		if b = r.next(8); r.err == nil {
			n, least = binary.LittleEndian.Uint64(b), 1<<32
		}
	default:
		n = uint64(b[0])
	}
	if r.err == nil && (n < least || n > math.MaxInt32) {
		r.err = fmt.Errorf("%w: a length is out of range", ErrCoinbase)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}
