//go:build !js

package practice

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb" // the only driver there is
	"github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/mining"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
)

var (
	errStaleBlock = errors.New("block does not extend the tip")
	errHighHash   = errors.New("block hash does not meet its target")
	errChainShut  = errors.New("practice chain is closed")
	// errWrite says that a good block could not be kept: the disk is full or
	// broken.
	errWrite = errors.New("write the practice chain")
)

const (
	logName  = "blocks.log"
	dbName   = "chain"
	dbDriver = "ffldb"

	utxoCacheBytes = 16 << 20
	relayFee       = mempool.DefaultMinRelayTxFee // satoshi for 1,000 bytes
	maxPoolTxs     = 5000
)

// chain is the block chain with its log, its memory pool and its index. Its
// methods are safe for concurrent use.
type chain struct {
	dir       string
	algorithm hasher.Algorithm
	coin      *coin.Params
	net       *chaincfg.Params
	clock     *chainClock
	txs       *mempool.TxPool
	templates *mining.BlkTmplGenerator
	index     *index

	// submitMu orders everything that writes: log, database, index; and what must see one tip all along.
	submitMu sync.Mutex
	log      *blockLog
	blocks   []blockAt // what the log holds, by height; genesis first
	shut     bool

	db   database.DB
	best *blockchain.BlockChain
}

type blockAt struct {
	hash chainhash.Hash
	at   int64 // in the log
}

// openChain opens the chain in dir, or makes one whose first difficulty suits
// rate. The caller holds dir's lock.
func openChain(dir string, p *coin.Params, rate float64, now func() time.Time) (*chain, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &chain{dir: dir, algorithm: p.Algorithm, coin: p, clock: newChainClock(now)}
	if err := c.openLog(rate); err != nil {
		return nil, err
	}
	if err := c.openDatabase(); err != nil {
		_ = c.log.close()
		return nil, err
	}
	c.best.Subscribe(c.notified)
	return c, nil
}

// openLog reads the log, or begins one.
func (c *chain) openLog(rate float64) error {
	path := filepath.Join(c.dir, logName)
	l, err := openLog(path, c.loadRecord)
	if errors.Is(err, os.ErrNotExist) {
		// The log is made before the database: a database alone has lost its log,
		// and a new chain in its place would make all coins vanish.
		if held, derr := os.ReadDir(filepath.Join(c.dir, dbName)); derr == nil && len(held) > 0 {
			return fmt.Errorf("%w: %s is missing or empty", ErrDamaged, logName)
		}
		genesis, gerr := newGenesis(c.coin, c.clock.AdjustedTime(), rate)
		if gerr != nil {
			return gerr
		}
		payload, gerr := encodeGenesis(c.algorithm, genesis)
		if gerr != nil {
			return gerr
		}
		// A file without one whole record was no chain; should it have been
		// one, it is not lost.
		if gerr := os.Rename(path, path+damagedSuffix); gerr != nil && !errors.Is(gerr, os.ErrNotExist) {
			return gerr
		}
		if gerr := createLog(path, payload); gerr != nil {
			return gerr
		}
		l, err = openLog(path, c.loadRecord)
	}
	c.log = l
	return err
}

// loadRecord takes in one record of the log. A block that does not follow the
// one before it is damage, and so is everything after it.
func (c *chain) loadRecord(at int64, rec record) error {
	switch {
	case c.net == nil && rec.kind == recordGenesis:
		a, genesis, err := decodeGenesis(rec.payload)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if a != c.algorithm {
			return fmt.Errorf("this chain is mined with %s, not %s", a, c.algorithm)
		}
		c.net = chainParams(c.coin, genesis)
		c.blocks = append(c.blocks, blockAt{*c.net.GenesisHash, at})
		c.clock.atLeast(genesis.Header.Timestamp)
		return nil
	case c.net == nil:
		return errNotLog
	case rec.kind != recordBlock:
		return errMidDamage
	}
	var header wire.BlockHeader
	if err := header.Deserialize(bytes.NewReader(rec.payload)); err != nil {
		return errMidDamage
	}
	if header.PrevBlock != c.blocks[len(c.blocks)-1].hash {
		return errMidDamage
	}
	c.blocks = append(c.blocks, blockAt{header.BlockHash(), at})
	c.clock.atLeast(header.Timestamp)
	return nil
}

// openDatabase brings the chain database up to the log. The database is only a
// faster copy: if it cannot be read or disagrees with the log it is made anew.
func (c *chain) openDatabase() error {
	path := filepath.Join(c.dir, dbName)
	spare := path + ".new"
	_ = os.RemoveAll(spare)
	if c.tryDatabase(path) == nil {
		return nil
	}
	if os.RemoveAll(path) != nil {
		path = spare // btcd leaves files open that Windows then keeps
	}
	if err := c.tryDatabase(path); err != nil {
		return fmt.Errorf("rebuild the chain from its log: %w", err)
	}
	return nil
}

func (c *chain) tryDatabase(path string) (err error) {
	defer func() {
		// A damaged database makes btcd panic in places.
		if r := recover(); r != nil {
			err = fmt.Errorf("chain database is damaged: %v", r)
		}
		if err != nil && c.db != nil {
			_ = c.db.Close()
			c.db, c.best = nil, nil
		}
	}()
	c.db, err = database.Open(dbDriver, path, c.net.Net)
	var derr database.Error
	if errors.As(err, &derr) && derr.ErrorCode == database.ErrDbDoesNotExist {
		c.db, err = database.Create(dbDriver, path, c.net.Net)
	}
	if err != nil {
		c.db = nil
		return fmt.Errorf("open chain database: %w", err)
	}
	c.best, err = blockchain.New(&blockchain.Config{
		DB:               c.db,
		ChainParams:      c.net,
		TimeSource:       c.clock,
		UtxoCacheMaxSize: utxoCacheBytes,
		SigCache:         nil,
	})
	if err != nil {
		return fmt.Errorf("load chain database: %w", err)
	}
	if err := c.replay(); err != nil {
		return err
	}
	c.startServices()
	// The index reads every block, so it sees damage that btcd has not met yet.
	return c.index.build(c)
}

// replay gives the database the blocks that it lacks, and the log those that
// it lost to damage and the database still has.
func (c *chain) replay() error {
	best := c.best.BestSnapshot()
	height := int(best.Height)
	if height >= len(c.blocks) {
		tip := c.blocks[len(c.blocks)-1].hash
		if !c.best.MainChainHasBlock(&tip) {
			return errors.New("chain database and log are not of the same chain")
		}
		for h := len(c.blocks); h <= height; h++ {
			if err := c.copyToLog(int32(h)); err != nil {
				return err
			}
		}
		return nil
	}
	if c.blocks[height].hash != best.Hash {
		return errors.New("chain database and log are not of the same chain")
	}
	for h := height + 1; h < len(c.blocks); h++ {
		rec, err := c.log.readAt(c.blocks[h].at)
		if err != nil {
			return err
		}
		msg, err := decodeBlock(rec.payload)
		if err != nil {
			return fmt.Errorf("%w: block %d: %w", ErrDamaged, h, err)
		}
		switch err := c.connect(btcutil.NewBlock(msg)); {
		case err == nil:
		case isRefusal(err):
			// The log is intact, so this is not a block that we wrote.
			return fmt.Errorf("%w: block %d is refused: %w", ErrDamaged, h, err)
		default: // a full disk, for one
			return fmt.Errorf("block %d: %w", h, err)
		}
	}
	return nil
}

// isRefusal tells an error of connect that is the block's fault from one of the database's.
func isRefusal(err error) bool {
	var rule blockchain.RuleError
	return errors.As(err, &rule) || errors.Is(err, errStaleBlock) || errors.Is(err, errHighHash) || errors.Is(err, pow.ErrBits)
}

func (c *chain) copyToLog(height int32) error {
	block, err := c.best.BlockByHeight(height)
	if err != nil {
		return err
	}
	b, err := block.Bytes()
	if err != nil {
		return err
	}
	c.clock.atLeast(block.MsgBlock().Header.Timestamp)
	return c.appendBlock(*block.Hash(), b)
}

func (c *chain) appendBlock(hash chainhash.Hash, b []byte) error {
	at := c.log.size
	if err := c.log.append(b); err != nil {
		return err
	}
	c.blocks = append(c.blocks, blockAt{hash, at})
	return nil
}

// connect checks the proof of work of a block and gives it to btcd, which
// checks everything else.
func (c *chain) connect(block *btcutil.Block) error {
	if err := c.checkWork(&block.MsgBlock().Header); err != nil {
		return err
	}
	flags := blockchain.BFNone
	if c.algorithm != hasher.SHA256d {
		flags = blockchain.BFNoPoWCheck // btcd knows sha256d alone
	}
	main, orphan, err := c.best.ProcessBlock(block, flags)
	switch {
	case err != nil:
		return err
	case orphan || !main:
		return errStaleBlock
	}
	return nil
}

func (c *chain) checkWork(h *wire.BlockHeader) error {
	target, err := pow.TargetFromBits(h.Bits)
	if err != nil {
		return err
	}
	if !target.Met(powHeader(h).PoWHash(c.algorithm)) {
		return errHighHash
	}
	return nil
}

func powHeader(h *wire.BlockHeader) pow.Header {
	return pow.Header{
		Version: uint32(h.Version),
		Prev:    pow.Hash(h.PrevBlock),
		Merkle:  pow.Hash(h.MerkleRoot),
		Time:    uint32(h.Timestamp.Unix()),
		Bits:    h.Bits,
		Nonce:   h.Nonce,
	}
}

// startServices makes what stands on an open chain.
func (c *chain) startServices() {
	sigs, hashes := txscript.NewSigCache(1000), txscript.NewHashCache(1000)
	c.txs = mempool.New(&mempool.Config{
		Policy: mempool.Policy{
			MaxTxVersion:         2,
			DisableRelayPriority: true,
			FreeTxRelayLimit:     0,
			MaxOrphanTxs:         0,
			MaxOrphanTxSize:      100_000,
			MaxSigOpCostPerTx:    blockchain.MaxBlockSigOpsCost / 4,
			MinRelayTxFee:        relayFee,
		},
		ChainParams:    c.net,
		FetchUtxoView:  c.best.FetchUtxoView,
		BestHeight:     func() int32 { return c.best.BestSnapshot().Height },
		MedianTimePast: func() time.Time { return c.best.BestSnapshot().MedianTime },
		CalcSequenceLock: func(tx *btcutil.Tx, view *blockchain.UtxoViewpoint) (*blockchain.SequenceLock, error) {
			return c.best.CalcSequenceLock(tx, view, true)
		},
		IsDeploymentActive: c.best.IsDeploymentActive,
		SigCache:           sigs,
		HashCache:          hashes,
	})
	c.templates = mining.NewBlkTmplGenerator(&mining.Policy{
		BlockMaxWeight: blockchain.MaxBlockWeight - 4000,
		BlockMaxSize:   blockchain.MaxBlockBaseSize - 1000,
		TxMinFreeFee:   relayFee,
	}, c.net, c.txs, c.best, c.clock, sigs, hashes)
	c.index = newIndex()
}

// template is a block to mine on the tip. Its coinbase pays anybody and is
// replaced before it is mined. btcd checks what it has made against the tip: no
// block may come in between.
func (c *chain) template() (*mining.BlockTemplate, error) {
	c.submitMu.Lock()
	defer c.submitMu.Unlock()
	return c.templates.NewBlockTemplate(nil)
}

// submit adds a mined block to the chain. It is in the log, and on the disk,
// before anybody hears of it. errStaleBlock says that another block came
// first, errWrite that the block is good and cannot be kept.
func (c *chain) submit(msg *wire.MsgBlock) (height int32, err error) {
	c.submitMu.Lock()
	defer c.submitMu.Unlock()
	if c.shut {
		return 0, errChainShut
	}
	tip := c.best.BestSnapshot()
	if msg.Header.PrevBlock != tip.Hash {
		return 0, errStaleBlock
	}
	block := btcutil.NewBlock(msg)
	block.SetHeight(tip.Height + 1)
	if err := c.checkWork(&msg.Header); err != nil {
		return 0, err
	}
	if err := c.best.CheckConnectBlockTemplate(block); err != nil {
		return 0, fmt.Errorf("mined block is refused: %w", err)
	}
	b, err := block.Bytes()
	if err != nil {
		return 0, err
	}
	size := c.log.size
	if err := c.appendBlock(*block.Hash(), b); err != nil {
		return 0, fmt.Errorf("%w: %w", errWrite, err)
	}
	if err := c.connect(block); err != nil { // its rules were checked above
		c.blocks = c.blocks[:len(c.blocks)-1]
		return 0, fmt.Errorf("%w: %w", errWrite, errors.Join(err, c.log.truncate(size)))
	}
	// A device may roll the time of its block ahead. The clock does not follow
	// it there: block by block it would run away.
	if now := c.clock.AdjustedTime(); now.Before(msg.Header.Timestamp) {
		c.clock.atLeast(now)
	} else {
		c.clock.atLeast(msg.Header.Timestamp)
	}
	return tip.Height + 1, nil
}

// notified follows the tip. btcd calls it, one call after the other, while a
// block is being connected.
func (c *chain) notified(n *blockchain.Notification) {
	block, ok := n.Data.(*btcutil.Block)
	if !ok {
		return
	}
	switch n.Type {
	case blockchain.NTBlockConnected:
		for _, tx := range block.Transactions()[1:] {
			c.txs.RemoveTransaction(tx, false)
			c.txs.RemoveDoubleSpends(tx)
		}
		c.index.connect(block)
	case blockchain.NTBlockDisconnected:
		c.index.disconnect(block, c)
		for _, tx := range block.Transactions()[1:] {
			if _, _, err := c.txs.MaybeAcceptTransaction(tx, false, false); err != nil {
				c.txs.RemoveTransaction(tx, true)
			}
		}
	}
}

// tip is the newest block.
func (c *chain) tip() *blockchain.BestState { return c.best.BestSnapshot() }

// header is the header at height of the main chain.
func (c *chain) header(height int32) (wire.BlockHeader, error) {
	hash, err := c.best.BlockHashByHeight(height)
	if err != nil {
		return wire.BlockHeader{}, err
	}
	return c.best.HeaderByHash(hash)
}

func (c *chain) close() error {
	c.submitMu.Lock()
	defer c.submitMu.Unlock()
	if c.shut {
		return nil
	}
	c.shut = true
	return errors.Join(
		c.best.FlushUtxoCache(blockchain.FlushRequired),
		c.db.Close(),
		c.log.close(),
	)
}
