// Package electrumtest is a small practice chain and an Electrum server for it, both in memory, for tests. The
// server tells the truth unless a test has it lie.
//
// The chain is built without the code that it tests: headers, transactions and merkle trees are written here anew.
package electrumtest

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"

	"goldpan/core/coin"
	"goldpan/core/pow"
)

// Interval is the time between blocks that Mine makes, in seconds.
const Interval = 10

// Block is a mined block.
type Block struct {
	Header pow.Header
	Txs    [][]byte // raw
	IDs    []pow.Hash
}

// Chain is a list of blocks, the first at height 0.
type Chain struct {
	Params *coin.Params
	Blocks []Block
	nonce  uint64
}

// NewChain makes a first block of its own; two seeds make two chains.
func NewChain(p *coin.Params, seed uint32, bits uint32) *Chain {
	c := &Chain{Params: p}
	raw := c.Coinbase(nil, uint64(seed))
	b := Block{Txs: [][]byte{raw}, IDs: []pow.Hash{double(raw)}}
	b.Header = pow.Header{Version: 1, Time: 1_700_000_000 + seed, Bits: bits, Merkle: Root(b.IDs)}
	c.Blocks = append(c.Blocks, b)
	return c
}

// Clone is a copy that can grow another way.
func (c *Chain) Clone() *Chain {
	d := *c
	d.Blocks = slices.Clone(c.Blocks)
	d.nonce += 1 << 32
	return &d
}

// Cut drops the blocks from height on.
func (c *Chain) Cut(height int32) { c.Blocks = c.Blocks[:height] }

// Height is that of the last block.
func (c *Chain) Height() int32 { return int32(len(c.Blocks)) - 1 }

// Genesis is the first block's hash.
func (c *Chain) Genesis() pow.Hash { return c.Blocks[0].Header.BlockHash() }

// Mine appends a block whose reward pays script, and which holds txs besides.
func (c *Chain) Mine(script []byte, txs ...[]byte) Block {
	return c.MineAfter(Interval, script, txs...)
}

// MineAfter is Mine, so many seconds after the last block.
func (c *Chain) MineAfter(seconds uint32, script []byte, txs ...[]byte) Block {
	c.nonce++
	last := c.Blocks[len(c.Blocks)-1].Header
	b := Block{Txs: append([][]byte{c.Coinbase(script, c.nonce)}, txs...)}
	for _, raw := range b.Txs {
		b.IDs = append(b.IDs, ID(raw))
	}
	b.Header = Seal(c.Params, pow.Header{Version: 1, Prev: last.BlockHash(), Merkle: Root(b.IDs),
		Time: last.Time + seconds, Bits: c.NextBits()})
	c.Blocks = append(c.Blocks, b)
	return b
}

// MineEmpty appends n blocks that pay nobody the wallet knows.
func (c *Chain) MineEmpty(n int) {
	for range n {
		c.Mine([]byte{0x51})
	}
}

// NextBits is the compact target of the block to come: every 12 blocks the target is scaled by the time that the
// last 12 took, of which there are 11 intervals, over 120 seconds.
func (c *Chain) NextBits() uint32 {
	last := c.Blocks[len(c.Blocks)-1].Header
	if len(c.Blocks)%12 != 0 {
		return last.Bits
	}
	took := int64(last.Time) - int64(c.Blocks[len(c.Blocks)-12].Header.Time)
	if took < 30 {
		took = 30
	}
	if took > 480 {
		took = 480
	}
	exponent, mantissa := uint(last.Bits>>24), int64(last.Bits&0x7fffff)
	t := new(big.Int).Lsh(big.NewInt(mantissa), 8*(exponent-3))
	t.Div(t.Mul(t, big.NewInt(took)), big.NewInt(120))
	if t.Cmp(c.Params.Chain.PowLimit) > 0 {
		t = c.Params.Chain.PowLimit
	}
	size := uint((t.BitLen() + 7) / 8)
	m := new(big.Int).Rsh(t, 8*(size-3)).Uint64()
	if m&0x800000 != 0 {
		m >>= 8
		size++
	}
	return uint32(size)<<24 | uint32(m)
}

// Seal finds a nonce for a header.
func Seal(p *coin.Params, h pow.Header) pow.Header {
	target, err := pow.TargetFromBits(h.Bits)
	if err != nil {
		panic(err)
	}
	for !target.Met(h.PoWHash(p.Algorithm)) {
		h.Nonce++
	}
	return h
}

// Coinbase is a raw coinbase that pays 50 coins to script; unique makes it another's.
func (c *Chain) Coinbase(script []byte, unique uint64) []byte {
	data := binary.LittleEndian.AppendUint64(nil, unique)
	return Tx([]In{{Index: 1<<32 - 1, Script: append([]byte{8}, data...)}}, Out{50e8, script})
}

// In is an input.
type In struct {
	TxID   pow.Hash
	Index  uint32
	Script []byte
}

// Out is an output.
type Out struct {
	Value  int64
	Script []byte
}

// Tx writes a raw transaction without witness; every count must be below 253.
func Tx(ins []In, outs ...Out) []byte {
	b := []byte{1, 0, 0, 0, byte(len(ins))}
	for _, in := range ins {
		b = append(b, in.TxID[:]...)
		b = binary.LittleEndian.AppendUint32(b, in.Index)
		b = append(append(b, byte(len(in.Script))), in.Script...)
		b = binary.LittleEndian.AppendUint32(b, 1<<32-1)
	}
	b = append(b, byte(len(outs)))
	for _, out := range outs {
		b = binary.LittleEndian.AppendUint64(b, uint64(out.Value))
		b = append(append(b, byte(len(out.Script))), out.Script...)
	}
	return append(b, 0, 0, 0, 0)
}

// ID is a raw transaction's.
func ID(raw []byte) pow.Hash {
	t, _, err := take(raw)
	if err != nil {
		panic(err)
	}
	return double(t.stripped)
}

func double(b []byte) pow.Hash {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

func pair(a, b pow.Hash) pow.Hash { return double(append(slices.Clone(a[:]), b[:]...)) }

// Root is the merkle root of txids.
func Root(ids []pow.Hash) pow.Hash {
	level := slices.Clone(ids)
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		for i := range len(level) / 2 {
			level[i] = pair(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// Branch is the merkle branch of the transaction at place i.
func Branch(ids []pow.Hash, i int) []pow.Hash {
	branch := []pow.Hash{}
	level := slices.Clone(ids)
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		branch = append(branch, level[i^1])
		for i := range len(level) / 2 {
			level[i] = pair(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
		i /= 2
	}
	return branch
}
