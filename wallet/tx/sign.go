package tx

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/hd"
)

// ErrSign says that a payment could not be signed so that nodes take it: a key is not that of its coin.
var ErrSign = errors.New("the payment could not be signed")

// Signed is a payment that can be sent. It does not change any more.
type Signed struct {
	Raw   []byte
	ID    pow.Hash
	VSize int // virtual bytes, as it is
}

// replaceable is the sequence number that lets a payment be replaced by a better one, and its lock time count.
const replaceable = wire.MaxTxInSequenceNum - 2

// Sign signs a plan with the keys that key gives, one for each input, and checks the result as a node does.
func Sign(p Plan, key func(Coin) (*btcec.PrivateKey, error)) (Signed, error) {
	if sum(p.Inputs) != p.Amount+p.Change+p.Fee || p.Amount <= 0 || p.Change < 0 || p.Fee <= 0 || p.Fee > limitsOf(p.Params).most {
		return Signed{}, fmt.Errorf("%w: its sums do not fit", ErrSign)
	}
	msg := p.unsigned()
	prevs := previous(p.Inputs)
	hashes := txscript.NewTxSigHashes(msg, prevs)
	var aux [32]byte
	for i, c := range p.Inputs {
		private, err := key(c)
		if err != nil {
			return Signed{}, err
		}
		_, _ = rand.Read(aux[:]) // never fails
		err = signInput(msg, hashes, i, c, private, aux)
		private.Zero()
		if err != nil {
			return Signed{}, fmt.Errorf("%w: %w", ErrSign, err)
		}
	}
	if err := verify(msg, hashes, p.Inputs, prevs); err != nil {
		return Signed{}, err
	}
	var raw bytes.Buffer
	if err := msg.Serialize(&raw); err != nil {
		return Signed{}, fmt.Errorf("%w: %w", ErrSign, err)
	}
	size := vsize(3*msg.SerializeSizeStripped() + msg.SerializeSize())
	if size > p.VSize {
		return Signed{}, fmt.Errorf("%w: it is longer than it was to be", ErrSign)
	}
	return Signed{raw.Bytes(), pow.Hash(msg.TxHash()), size}, nil
}

// unsigned is the transaction without signatures.
func (p Plan) unsigned() *wire.MsgTx {
	msg := wire.NewMsgTx(2)
	for _, c := range p.Inputs {
		in := wire.NewTxIn(outpoint(c), nil, nil)
		in.Sequence = replaceable
		msg.AddTxIn(in)
	}
	msg.AddTxOut(wire.NewTxOut(int64(p.Amount), p.Script))
	if p.Change > 0 {
		msg.AddTxOut(wire.NewTxOut(int64(p.Change), p.change))
	}
	slices.SortStableFunc(msg.TxOut, func(a, b *wire.TxOut) int {
		if a.Value != b.Value {
			return int(min(max(a.Value-b.Value, -1), 1))
		}
		return bytes.Compare(a.PkScript, b.PkScript)
	})
	msg.LockTime = p.lockTime
	return msg
}

func outpoint(c Coin) *wire.OutPoint {
	id := chainhash.Hash(c.TxID)
	return wire.NewOutPoint(&id, c.Index)
}

func previous(inputs []Coin) *txscript.MultiPrevOutFetcher {
	prevs := txscript.NewMultiPrevOutFetcher(nil)
	for _, c := range inputs {
		prevs.AddPrevOut(*outpoint(c), wire.NewTxOut(int64(c.Amount), c.Script))
	}
	return prevs
}

// signInput signs one input. aux is BIP340's auxiliary randomness.
func signInput(msg *wire.MsgTx, hashes *txscript.TxSigHashes, i int, c Coin, key *btcec.PrivateKey, aux [32]byte) error {
	in := msg.TxIn[i]
	switch c.Kind {
	case hd.PKH:
		script, err := txscript.SignatureScript(msg, i, c.Script, txscript.SigHashAll, key, true)
		in.SignatureScript = script
		return err
	case hd.WPKH:
		witness, err := txscript.WitnessSignature(msg, hashes, i, int64(c.Amount), c.Script, txscript.SigHashAll, key, true)
		in.Witness = witness
		return err
	case hd.SHWPKH:
		program := append([]byte{0, 20}, address.Hash160(key.PubKey().SerializeCompressed())...)
		witness, err := txscript.WitnessSignature(msg, hashes, i, int64(c.Amount), program, txscript.SigHashAll, key, true)
		in.SignatureScript, in.Witness = append([]byte{byte(len(program))}, program...), witness
		return err
	case hd.TR:
		signature, err := signTaproot(msg, hashes, i, c, key, nil, txscript.SigHashDefault, aux)
		in.Witness = wire.TxWitness{signature}
		return err
	}
	return errKind
}

// signTaproot signs with the key that BIP341 makes of an internal key and the root of a tree of scripts, nil for none.
func signTaproot(msg *wire.MsgTx, hashes *txscript.TxSigHashes, i int, c Coin, key *btcec.PrivateKey, root []byte, hashType txscript.SigHashType, aux [32]byte) ([]byte, error) {
	hash, err := txscript.CalcTaprootSignatureHash(hashes, hashType, msg, i, txscript.NewCannedPrevOutputFetcher(c.Script, int64(c.Amount)))
	if err != nil {
		return nil, err
	}
	tweaked := txscript.TweakTaprootPrivKey(*key, root)
	defer tweaked.Zero()
	s, err := schnorr.Sign(tweaked, hash, schnorr.CustomNonce(aux))
	if err != nil {
		return nil, err
	}
	signature := s.Serialize()
	if hashType != txscript.SigHashDefault {
		signature = append(signature, byte(hashType))
	}
	return signature, nil
}

// verify runs every input's scripts as a node does.
func verify(msg *wire.MsgTx, hashes *txscript.TxSigHashes, inputs []Coin, prevs txscript.PrevOutputFetcher) error {
	var in, out coin.Amount
	for i, c := range inputs {
		engine, err := txscript.NewEngine(c.Script, msg, i, txscript.StandardVerifyFlags, nil, hashes, int64(c.Amount), prevs)
		if err == nil {
			err = engine.Execute()
		}
		if err != nil {
			return fmt.Errorf("%w: input %d is refused: %w", ErrSign, i, err)
		}
		in += c.Amount
	}
	for _, o := range msg.TxOut {
		out += coin.Amount(o.Value)
	}
	if out >= in {
		return fmt.Errorf("%w: it pays more than it has", ErrSign)
	}
	return nil
}
