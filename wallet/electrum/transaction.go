package electrum

import (
	"encoding/binary"
	"errors"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// ErrTransaction says that bytes are no transaction that this package reads. Litecoin's transactions that are wholly
// within its extension block, and so pay no address, are among them.
var ErrTransaction = errors.New("not a transaction that can be read")

// Outpoint names an output: the transaction and the place in it.
type Outpoint struct {
	TxID  pow.Hash
	Index uint32
}

// Output pays Value, in the coin's smallest unit, to Script.
type Output struct {
	Value  int64
	Script []byte
}

// Transaction is what a wallet needs of one. Scripts point into the bytes that it was parsed from.
type Transaction struct {
	ID       pow.Hash
	Coinbase bool
	// Extension says that it ties a block of Litecoin to its extension block, which it pays from.
	Extension bool
	Inputs    []Outpoint
	Outputs   []Output
	stripped  int // size without witness, in bytes
}

// ParseTransaction reads one whole transaction with or without witness, and of one with a part in Litecoin's
// extension block the other part, which alone makes its ID. It takes memory in proportion to raw alone, whatever
// counts raw claims.
func ParseTransaction(raw []byte) (*Transaction, error) {
	t, end, err := parse(raw, true)
	if err != nil || end != len(raw) {
		return nil, ErrTransaction
	}
	return t, nil
}

// maxValue is what no transaction's outputs can sum up to more than: MAX_MONEY of Dogecoin, the greatest of all coins'.
const maxValue = 10_000_000_000 * 100_000_000

// Flags of a transaction's serialisation, BIP144's and LIP-0003's.
const (
	witnessFlag   = 1
	extensionFlag = 8
)

// parse reads a transaction at the beginning of raw, and says where it ends. One with a part in an extension block is
// read only where it is whole: that it ends with raw.
func parse(raw []byte, whole bool) (*Transaction, int, error) {
	r := reader{b: raw}
	version := r.take(4)
	var flags byte
	if len(raw) > 5 && raw[4] == 0 {
		flags = r.take(2)[1]
		if flags == 0 || flags&^(witnessFlag|extensionFlag) != 0 || flags&extensionFlag != 0 && !whole {
			return nil, 0, ErrTransaction
		}
	}
	witness := flags&witnessFlag != 0
	body := r.at
	t := &Transaction{}
	inputs := r.count(41)
	t.Inputs = make([]Outpoint, 0, inputs)
	for range inputs {
		var in Outpoint
		copy(in.TxID[:], r.take(32))
		in.Index = r.uint32()
		r.bytes()
		r.take(4)
		t.Inputs = append(t.Inputs, in)
	}
	total := int64(0)
	outputs := r.count(9)
	t.Outputs = make([]Output, 0, outputs)
	for range outputs {
		value := int64(r.uint64())
		script := r.bytes()
		if value < 0 || value > maxValue-total {
			return nil, 0, ErrTransaction
		}
		total += value
		t.Outputs = append(t.Outputs, Output{value, script})
	}
	bodyEnd := r.at
	if witness {
		some := false
		for range inputs {
			for range r.count(1) {
				r.bytes()
				some = true
			}
		}
		if !some { // such a transaction must be written without the flag
			return nil, 0, ErrTransaction
		}
	}
	if flags&extensionFlag != 0 {
		// What it does in the extension block is nobody's business here: the lock time is what is last.
		data := r.take(len(raw) - r.at - 4)
		if r.bad || len(data) == 0 || data[0] > 1 || data[0] == 0 && len(data) != 1 || data[0] == 1 && len(data) == 1 {
			return nil, 0, ErrTransaction
		}
	}
	// Not by the flag, which the ID says nothing of and a server could leave out or put in.
	t.Extension = len(t.Outputs) > 0 && tie(t.Outputs[0].Script)
	lock := r.take(4)
	if r.bad || len(t.Inputs) == 0 || len(t.Outputs) == 0 {
		return nil, 0, ErrTransaction
	}
	stripped := make([]byte, 0, 8+bodyEnd-body)
	stripped = append(stripped, version...)
	stripped = append(stripped, raw[body:bodyEnd]...)
	stripped = append(stripped, lock...)
	t.stripped = len(stripped)
	t.ID = hasher.SumSHA256d(stripped)
	t.Coinbase = len(t.Inputs) == 1 && t.Inputs[0] == Outpoint{Index: 1<<32 - 1}
	return t, r.at, nil
}

// tie tells whether a script is that of the first output of the transaction that ties a block to its extension block:
// witness version 8 and the extension block's hash, of 32 bytes (LIP-0002).
func tie(script []byte) bool {
	return len(script) == 34 && script[0] == 0x58 && script[1] == 32
}

// reader takes bytes off a slice; once bad, it gives zeros.
type reader struct {
	b   []byte
	at  int
	bad bool
}

var zeros [32]byte

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b)-r.at {
		r.bad = true
		return zeros[:min(max(n, 0), len(zeros))]
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// varint reads a compact size, and refuses one written longer than needed, as nodes do.
func (r *reader) varint() uint64 {
	switch first := r.take(1)[0]; first {
	case 0xfd:
		n := uint64(binary.LittleEndian.Uint16(r.take(2)))
		r.bad = r.bad || n < 0xfd
		return n
	case 0xfe:
		n := uint64(r.uint32())
		r.bad = r.bad || n < 1<<16
		return n
	case 0xff:
		n := r.uint64()
		r.bad = r.bad || n < 1<<32
		return n
	default:
		return uint64(first)
	}
}

// count reads how many items of at least size bytes follow; more than can be there is bad.
func (r *reader) count(size int) int {
	n := r.varint()
	if r.bad || n > uint64((len(r.b)-r.at)/size) {
		r.bad = true
		return 0
	}
	return int(n)
}

// bytes reads a length and so many bytes.
func (r *reader) bytes() []byte { return r.take(r.count(1)) }
