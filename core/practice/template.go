//go:build !js

package practice

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/mining"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/pow"
)

// Every device gets extranonce1 of its own, so no two ever search the same
// headers.
const (
	extranonce1Size = 4
	extranonce2Size = 8 // enough for a gateway to share out
	coinbaseTag     = "/goldpan practice/"
)

// template is one block to mine, shared by all devices; each gets a job of its
// own from it, with a coinbase that pays its own address.
type template struct {
	block      *wire.MsgBlock // its coinbase is replaced
	height     int32
	value      int64  // of the reward: subsidy and fees, satoshi
	commitment []byte // output script that commits to the witnesses, or nil
	branch     []pow.Hash
	prev       pow.Hash
	target     pow.Target // the block's own
	time       uint32
	made       time.Time
}

func newTemplate(t *mining.BlockTemplate, now time.Time) (*template, error) {
	target, err := pow.TargetFromBits(t.Block.Header.Bits)
	if err != nil {
		return nil, err
	}
	coinbase := t.Block.Transactions[0]
	out := &template{
		block:  t.Block,
		height: t.Height,
		value:  coinbase.TxOut[0].Value,
		prev:   pow.Hash(t.Block.Header.PrevBlock),
		target: target,
		time:   uint32(t.Block.Header.Timestamp.Unix()),
		made:   now,
	}
	if t.WitnessCommitment != nil {
		out.commitment = coinbase.TxOut[len(coinbase.TxOut)-1].PkScript
	}
	ids := make([]pow.Hash, len(t.Block.Transactions))
	for i, tx := range t.Block.Transactions {
		ids[i] = pow.Hash(tx.TxHash())
	}
	out.branch = pow.MerkleBranch(ids)
	return out, nil
}

// coinbase returns the coinbase transaction, without witness, in the two parts
// around the extranonces, paying script.
func (t *template) coinbase(script []byte) (before, after []byte, err error) {
	room := make([]byte, extranonce1Size+extranonce2Size)
	head, err := txscript.NewScriptBuilder().AddInt64(int64(t.height)).Script()
	if err != nil {
		return nil, nil, err
	}
	sig := append(bytes.Clone(head), byte(len(room)))
	at := len(sig)
	sig = append(sig, room...)
	sig = append(sig, byte(len(coinbaseTag)))
	sig = append(sig, coinbaseTag...)
	if len(sig) > blockchain.MaxCoinbaseScriptLen {
		return nil, nil, errors.New("coinbase script too long")
	}
	tx := wire.NewMsgTx(wire.TxVersion)
	tx.AddTxIn(&wire.TxIn{
		PreviousOutPoint: *wire.NewOutPoint(&chainhash.Hash{}, wire.MaxPrevOutIndex),
		SignatureScript:  sig,
		Sequence:         wire.MaxTxInSequenceNum,
	})
	tx.AddTxOut(&wire.TxOut{Value: t.value, PkScript: script})
	if t.commitment != nil {
		tx.AddTxOut(&wire.TxOut{PkScript: t.commitment})
	}
	var b bytes.Buffer
	if err := tx.SerializeNoWitness(&b); err != nil {
		return nil, nil, err
	}
	// Version, one input, its outpoint, the length of its script.
	at += 4 + 1 + 36 + 1
	raw := b.Bytes()
	return raw[:at:at], raw[at+len(room):], nil
}

// solved puts together the block that a share of a job of this template makes.
func (t *template) solved(j *pow.Job, s pow.Solution) (*wire.MsgBlock, error) {
	var coinbase wire.MsgTx
	if err := coinbase.DeserializeNoWitness(bytes.NewReader(j.Coinbase(s.Extranonce2))); err != nil {
		return nil, fmt.Errorf("put the coinbase together: %w", err)
	}
	if t.commitment != nil {
		coinbase.TxIn[0].Witness = wire.TxWitness{make([]byte, blockchain.CoinbaseWitnessDataLen)}
	}
	h := j.Header(s)
	block := &wire.MsgBlock{
		Header: wire.BlockHeader{
			Version:    int32(h.Version),
			PrevBlock:  chainhash.Hash(h.Prev),
			MerkleRoot: chainhash.Hash(h.Merkle),
			Timestamp:  time.Unix(int64(h.Time), 0),
			Bits:       h.Bits,
			Nonce:      h.Nonce,
		},
		Transactions: append([]*wire.MsgTx{&coinbase}, t.block.Transactions[1:]...),
	}
	return block, nil
}

// extranonce1 numbers the devices of one opening of the chain.
func extranonce1(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
