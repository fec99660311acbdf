//go:build !js

package practice

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/hasher"
)

// The rules of a practice chain. With N-1 intervals in a window of 12 blocks,
// blocks settle at about 11 seconds.
const (
	blockInterval    = coin.PracticeInterval
	retargetTimespan = 120 * time.Second
	retargetBlocks   = int32(retargetTimespan / blockInterval)
	retargetFactor   = 4
	coinbaseMaturity = coin.PracticeMaturity
)

// newGenesis makes the first block of a new chain. Its bits are block 1's
// difficulty and its time enters the first retarget, so both are of now and of
// this machine: rate is in hashes a second.
func newGenesis(p *coin.Params, now time.Time, rate float64) (*wire.MsgBlock, error) {
	var unique [16]byte // two chains made in the same second are two chains
	_, _ = rand.Read(unique[:])
	script, err := txscript.NewScriptBuilder().AddInt64(0).AddData(unique[:]).AddData([]byte("goldpan practice")).Script()
	if err != nil {
		return nil, err
	}
	nobody, err := txscript.NullDataScript([]byte("practice coins, worth nothing"))
	if err != nil {
		return nil, err
	}
	tx := wire.NewMsgTx(wire.TxVersion)
	tx.AddTxIn(&wire.TxIn{
		PreviousOutPoint: *wire.NewOutPoint(&chainhash.Hash{}, wire.MaxPrevOutIndex),
		SignatureScript:  script,
		Sequence:         wire.MaxTxInSequenceNum,
	})
	tx.AddTxOut(&wire.TxOut{Value: 0, PkScript: nobody})
	block := &wire.MsgBlock{Header: wire.BlockHeader{
		Version:    1,
		MerkleRoot: tx.TxHash(),
		Timestamp:  time.Unix(now.Unix(), 0),
		Bits:       bitsForRate(p, rate),
	}}
	return block, block.AddTransaction(tx)
}

// bitsForRate is the difficulty at which so many hashes a second find a block
// every blockInterval, or the easiest one if that would be easier.
func bitsForRate(p *coin.Params, rate float64) uint32 {
	if !(rate > 0) { // not a number, too
		rate = defaultRate(p.Algorithm)
	}
	hashes, _ := big.NewFloat(min(rate*blockInterval.Seconds(), 1e30)).Int(nil)
	if hashes.Sign() == 0 {
		hashes.SetInt64(1)
	}
	target := new(big.Int).Lsh(big.NewInt(1), 256)
	target.Div(target, hashes)
	if target.Cmp(p.Chain.PowLimit) > 0 {
		return p.Chain.PowLimitBits
	}
	return blockchain.BigToCompact(target)
}

// defaultRate is what one ordinary processor core does.
func defaultRate(a hasher.Algorithm) float64 {
	if a == hasher.Scrypt {
		return 3e3
	}
	return 3e6
}

// chainParams are the coin's practice parameters with this chain's own first
// block and with the rules above. The rule-change clocks are made anew, because
// a chain stores itself in them.
func chainParams(p *coin.Params, genesis *wire.MsgBlock) *chaincfg.Params {
	c := *p.Chain
	hash := genesis.BlockHash()
	c.GenesisBlock, c.GenesisHash = genesis, &hash
	c.TargetTimespan, c.TargetTimePerBlock = retargetTimespan, blockInterval
	c.RetargetAdjustmentFactor = retargetFactor
	c.PoWNoRetargeting, c.ReduceMinDifficulty, c.EnforceBIP94 = false, false, false
	c.SubsidyReductionInterval = 0
	c.CoinbaseMaturity = coinbaseMaturity
	c.BIP0034Height, c.BIP0065Height, c.BIP0066Height = 1, 1, 1
	c.Checkpoints = nil
	c.Deployments = chaincfg.RegressionNetParams.Deployments
	for i := range c.Deployments {
		c.Deployments[i].DeploymentStarter = chaincfg.NewMedianTimeDeploymentStarter(time.Time{})
		c.Deployments[i].DeploymentEnder = chaincfg.NewMedianTimeDeploymentEnder(time.Time{})
	}
	return &c
}

// The genesis record of the log: the algorithm's name behind its length, then
// the block.
func encodeGenesis(a hasher.Algorithm, genesis *wire.MsgBlock) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte(byte(len(a)))
	b.WriteString(string(a))
	err := genesis.Serialize(&b)
	return b.Bytes(), err
}

func decodeGenesis(b []byte) (hasher.Algorithm, *wire.MsgBlock, error) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, errors.New("genesis record too short")
	}
	n := 1 + int(b[0])
	a, err := hasher.ParseAlgorithm(string(b[1:n]))
	if err != nil {
		return "", nil, fmt.Errorf("genesis record: %w", err)
	}
	block, err := decodeBlock(b[n:])
	if err != nil {
		return "", nil, fmt.Errorf("genesis record: %w", err)
	}
	return a, block, nil
}

// decodeBlock reads one whole block; the caller has bounded its size.
func decodeBlock(b []byte) (*wire.MsgBlock, error) {
	var block wire.MsgBlock
	r := bytes.NewReader(b)
	if err := block.Deserialize(r); err != nil {
		return nil, fmt.Errorf("decode block: %w", err)
	}
	if r.Len() != 0 || len(block.Transactions) == 0 {
		return nil, errors.New("decode block: not one whole block")
	}
	return &block, nil
}
