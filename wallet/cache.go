package wallet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"goldpan/core/pow"
	"goldpan/core/seal"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
)

// What was learned is kept beside the wallet file, sealed under its key: the state as one blob, the headers in
// blobs of chunkSize. All of it can be learned again, but for the first block that was trusted and the addresses
// that were asked for; so a change of those is saved soon, and the rest every saveEvery and at the end. While many
// headers come, they are saved every headersEvery.
const (
	chunkSize    = 512
	saveEvery    = time.Minute
	headersEvery = 3 * time.Second
)

// savedMarks remember what lies in storage.
type savedMarks struct {
	at      time.Time
	state   *state
	genesis pow.Hash
	issued  int
	chunks  []pow.Hash // of each saved chunk, the hash of its last header
}

func (w *Wallet) stateName() string { return w.o.accountName() + "/state" }

func (w *Wallet) chunkName(i int) string { return fmt.Sprintf("%s/headers.%05d", w.o.accountName(), i) }

// purpose binds a blob to its place, so that one cannot be put in another's.
func (w *Wallet) purpose(name string) []byte { return []byte("goldpan wallet " + name) }

// unseal opens what was learned; what version 1 of the wallet file knew lay under the file key.
func (w *Wallet) unseal(b []byte, name string) ([]byte, error) {
	plain, err := w.key.Open(b, w.purpose(name))
	if err != nil && w.file != (seal.Key{}) {
		return w.file.Open(b, w.purpose(name))
	}
	return plain, err
}

// load reads what was learned. What is damaged is learned again.
func (w *Wallet) load() error {
	w.put(w.newState())
	var plain []byte
	_, err := w.o.Storage.Read(w.stateName(), maxState+1024, func(b []byte) (err error) {
		plain, err = w.unseal(b, w.stateName())
		return err
	})
	switch {
	case err == nil:
		if s, err := decodeState(plain); err == nil {
			s.single = w.account.Chains() == 1
			w.put(s)
		}
	case errors.Is(err, fs.ErrPermission):
		return err
	}
	w.saved = savedMarks{state: w.state, genesis: w.state.genesis, issued: w.state.issued}
	want, fixed := electrum.Genesis(w.o.Params)
	if w.o.Genesis != nil {
		if fixed && *w.o.Genesis != want {
			return electrum.ErrGenesis
		}
		want, fixed = *w.o.Genesis, true
	}
	if fixed && w.state.genesis != want {
		w.begin(want)
		return nil
	}
	if w.state.genesis == (pow.Hash{}) {
		return nil
	}
	w.chain = electrum.ResumeChain(w.o.Params, w.state.genesis, w.state.start)
	w.loadHeaders()
	fresh := electrum.NewChain(w.o.Params, w.state.genesis)
	if w.chain.Height() < fresh.Start() || w.chain.Empty() { // a newer checkpoint is nearer to the tip than they are
		w.chain = fresh
		w.saved.chunks = nil
	}
	s := w.state.clone()
	s.height, s.start = w.chain.Height(), w.chain.Start()
	w.put(s)
	return nil
}

func (w *Wallet) newState() *state {
	s := newState()
	s.single = w.account.Chains() == 1
	s.gap = w.o.GapLimit
	return s
}

// begin forgets all but which addresses were asked for, and awaits the chain of that first block.
func (w *Wallet) begin(genesis pow.Hash) {
	s := w.newState()
	s.genesis, s.issued, s.gap = genesis, w.state.issued, w.state.gap
	w.chain, w.lent = nil, false
	if genesis != (pow.Hash{}) {
		w.chain = electrum.NewChain(w.o.Params, genesis)
		s.start = w.chain.Start()
	}
	w.put(s)
	w.saved.chunks = nil
}

// FixGenesis is Options.Genesis for a wallet that is open; it fails while Run or Sync does its work, and with
// electrum.ErrGenesis when the network's first block is known to be another. The zero hash stands for the first block of
// the server that is asked next.
func (w *Wallet) FixGenesis(genesis pow.Hash) error {
	return w.alone(func() error {
		if want, fixed := electrum.Genesis(w.o.Params); fixed && want != genesis {
			return electrum.ErrGenesis
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.state.genesis != genesis {
			w.begin(genesis)
		}
		return nil
	})
}

func (w *Wallet) loadHeaders() {
	for i := 0; ; i++ {
		var raw []byte
		name := w.chunkName(i)
		_, err := w.o.Storage.Read(name, chunkSize*message.HeaderSize+1024, func(b []byte) (err error) {
			raw, err = w.unseal(b, w.headersPlace(name))
			return err
		})
		if err != nil || w.chain.Trust(context.Background(), raw) != nil {
			return
		}
		tip, _ := w.chain.Hash(w.chain.Height())
		w.saved.chunks = append(w.saved.chunks, tip)
		if len(raw) < chunkSize*message.HeaderSize {
			return
		}
	}
}

// save writes what changed: all of it when force is set, else what must not wait. The caller is one that alone let.
func (w *Wallet) save(force bool) error {
	if force {
		return w.saveAfter(0)
	}
	return w.saveAfter(saveEvery)
}

// saveAfter writes all that changed when that long has passed since it last did, else what must not wait.
func (w *Wallet) saveAfter(wait time.Duration) error {
	w.servers.saving.Lock()
	defer w.servers.saving.Unlock()
	w.mu.Lock()
	s, chain := w.state, w.chain
	w.mu.Unlock()
	due := wait == 0 || w.o.now().Sub(w.saved.at) >= wait
	if s.genesis == w.saved.genesis && s.issued == w.saved.issued && !due {
		return nil
	}
	if s != w.saved.state {
		plain, err := s.encode()
		if err != nil {
			return err
		}
		if len(plain) > maxState {
			return errors.New("wallet: the history is too long to be saved")
		}
		if err := w.o.Storage.Write(w.stateName(), w.key.Seal(plain, w.purpose(w.stateName()))); err != nil {
			return err
		}
		w.saved.state, w.saved.genesis, w.saved.issued = s, s.genesis, s.issued
	}
	if due && chain != nil {
		// An account that nobody ever paid leaves no chain behind that another account keeps.
		if !w.lent || len(s.txs) > 0 {
			if err := w.saveHeaders(); err != nil {
				return err
			}
		}
		w.saved.at = w.o.now()
	}
	return nil
}

// headersPlace binds a chunk to the height at which the headers begin besides.
func (w *Wallet) headersPlace(name string) string {
	if start := w.chain.Start(); start > 0 {
		return fmt.Sprintf("%s from %d", name, start)
	}
	return name
}

func (w *Wallet) saveHeaders() error {
	start := w.chain.Start()
	for i := 0; start+int32(i*chunkSize) <= w.chain.Height(); i++ {
		last := min(start+int32((i+1)*chunkSize-1), w.chain.Height())
		tip, _ := w.chain.Hash(last)
		if i < len(w.saved.chunks) && w.saved.chunks[i] == tip {
			continue
		}
		name := w.chunkName(i)
		raw := w.chain.Raw(start+int32(i*chunkSize), chunkSize)
		if err := w.o.Storage.Write(name, w.key.Seal(raw, w.purpose(w.headersPlace(name)))); err != nil {
			return err
		}
		w.saved.chunks = append(w.saved.chunks[:min(i, len(w.saved.chunks))], tip)
	}
	return nil
}
