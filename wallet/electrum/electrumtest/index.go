package electrumtest

import (
	"encoding/binary"
	"errors"

	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// index knows which transactions concern which script, and where they are.
type index struct {
	blocks  []pow.Hash // that are indexed
	outs    map[pow.Hash][]message.Hash
	history map[message.Hash]message.History
	place   map[pow.Hash][2]int32 // height, and place in the block
}

// update brings the index up to a chain. When blocks went, it begins anew.
func (x *index) update(c *Chain) {
	if n := len(x.blocks); n > 0 && n == len(c.Blocks) && x.blocks[n-1] == c.Blocks[n-1].Header.BlockHash() {
		return
	}
	for i, h := range x.blocks {
		if i >= len(c.Blocks) || c.Blocks[i].Header.BlockHash() != h {
			x.blocks = nil
			break
		}
	}
	if len(x.blocks) == 0 {
		*x = index{outs: map[pow.Hash][]message.Hash{}, history: map[message.Hash]message.History{}, place: map[pow.Hash][2]int32{}}
	}
	for height := len(x.blocks); height < len(c.Blocks); height++ {
		b := c.Blocks[height]
		for i, raw := range b.Txs {
			x.place[b.IDs[i]] = [2]int32{int32(height), int32(i)}
			entry := message.HistoryEntry{Height: int32(height), TxHash: message.Hash(b.IDs[i])}
			for script := range x.touched(raw, b.IDs[i]) {
				x.history[script] = append(x.history[script], entry)
			}
		}
		x.blocks = append(x.blocks, b.Header.BlockHash())
	}
}

// touched is the scripts that a transaction pays or spends from; it remembers its outputs.
func (x *index) touched(raw []byte, id pow.Hash) map[message.Hash]bool {
	t, _, err := take(raw)
	if err != nil {
		panic(err) // the test made or fetched it
	}
	list := map[message.Hash]bool{}
	x.outs[id] = nil
	for _, script := range t.scripts {
		h := message.ScriptHash(script)
		x.outs[id] = append(x.outs[id], h)
		list[h] = true
	}
	for _, in := range t.ins {
		if outs := x.outs[in.TxID]; int(in.Index) < len(outs) {
			list[outs[in.Index]] = true
		}
	}
	return list
}

// with is a script's history with what is in the mempool.
func (x *index) with(h message.Hash, mempool [][]byte) message.History {
	list := x.history[h]
	list = list[:len(list):len(list)]
	for _, raw := range mempool {
		if x.touched(raw, ID(raw))[h] {
			list = append(list, message.HistoryEntry{TxHash: message.Hash(ID(raw))})
		}
	}
	return list
}

// taken is a transaction taken apart.
type taken struct {
	ins      []In
	scripts  [][]byte
	stripped []byte // without witness
}

var errRaw = errors.New("electrumtest: not a transaction")

// take reads a transaction at the beginning of raw and gives what follows.
func take(raw []byte) (t taken, rest []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errRaw
		}
	}()
	b := raw[4:]
	witness := b[0] == 0
	if witness {
		b = b[2:]
	}
	body := b
	n, b := varint(b)
	for range n {
		in := In{TxID: pow.Hash(b[:32]), Index: binary.LittleEndian.Uint32(b[32:])}
		size, script := varint(b[36:])
		in.Script, b = script[:size], script[size+4:]
		t.ins = append(t.ins, in)
	}
	n, b = varint(b)
	for range n {
		size, script := varint(b[8:])
		t.scripts = append(t.scripts, script[:size])
		b = script[size:]
	}
	body = body[:len(body)-len(b)]
	if witness {
		for range t.ins {
			var items uint64
			items, b = varint(b)
			for range items {
				size, item := varint(b)
				b = item[size:]
			}
		}
	}
	t.stripped = append(append(append(t.stripped, raw[:4]...), body...), b[:4]...)
	return t, b[4:], nil
}

func varint(b []byte) (uint64, []byte) {
	switch b[0] {
	case 0xfd:
		return uint64(binary.LittleEndian.Uint16(b[1:])), b[3:]
	case 0xfe:
		return uint64(binary.LittleEndian.Uint32(b[1:])), b[5:]
	case 0xff:
		return binary.LittleEndian.Uint64(b[1:]), b[9:]
	}
	return uint64(b[0]), b[1:]
}

// ReadBlock reads a block as a node gives it.
func ReadBlock(raw []byte) (Block, error) {
	if len(raw) < message.HeaderSize+1 {
		return Block{}, errRaw
	}
	h, err := pow.ParseHeader(raw[:message.HeaderSize])
	if err != nil {
		return Block{}, err
	}
	b := Block{Header: h}
	n, rest := varint(raw[message.HeaderSize:])
	for range n {
		t, after, err := take(rest)
		if err != nil {
			return Block{}, err
		}
		b.Txs = append(b.Txs, rest[:len(rest)-len(after)])
		b.IDs = append(b.IDs, double(t.stripped))
		rest = after
	}
	if Root(b.IDs) != h.Merkle {
		return Block{}, errRaw
	}
	return b, nil
}
