package electrum

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// part is a stretch of a real chain, as a source.
type part struct {
	start   int32
	headers [][]byte // with their proofs
	asked   []int32  // checkpoints
}

func (p *part) Headers(_ context.Context, start int32, count int, checkpoint int32) ([]byte, error) {
	p.asked = append(p.asked, checkpoint)
	var raw []byte
	for i := int(start - p.start); i >= 0 && i < len(p.headers) && count > 0; i++ {
		h := p.headers[i]
		if checkpoint > 0 {
			h = h[:message.HeaderSize]
		}
		raw = append(raw, h...)
		count--
	}
	return raw, nil
}

func (p *part) notice() message.HeaderNotice {
	return message.HeaderNotice{Height: p.start + int32(len(p.headers)) - 1, Header: p.headers[len(p.headers)-1]}
}

func hashOf(t testing.TB, raw []byte) pow.Hash {
	t.Helper()
	h, err := pow.ParseHeader(raw[:message.HeaderSize])
	if err != nil {
		t.Fatal(err)
	}
	return h.BlockHash()
}

// Bitcoin's main chain across the retarget at 588,672, from 586,656 to 588,702. Source: dfinity/dogecoin-canister,
// commit 023e194d6ff9cce367df0ddaf8996d2ab5d524d7: validation/tests/data/btc/headers_586657_589289_mainnet_parsed.csv,
// and for the first header validation/src/header/tests/btc.rs.
func TestBitcoinAcrossARetarget(t *testing.T) {
	all, err := os.ReadFile("testdata/bitcoin_586656.bin")
	if err != nil {
		t.Fatal(err)
	}
	src := &part{start: 586_656}
	for b := range slices.Chunk(all, message.HeaderSize) {
		src.headers = append(src.headers, b)
	}
	p := cointest.Params(t, "bitcoin", coin.Main)
	genesis, _ := Genesis(p)
	at := Checkpoint{588_670, hashOf(t, src.headers[588_670-586_656])}
	last, err := pow.ParseHeader(src.headers[len(src.headers)-1])
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(int64(last.Time), 0)
	fresh := func() *Chain {
		c := NewChainAt(p, genesis, at)
		c.start = 586_656 // the file's first
		c.now = func() time.Time { return now }
		return c
	}
	c := fresh()
	if err := c.Follow(t.Context(), src, src.notice()); err != nil {
		t.Fatal(err)
	}
	tip, _ := c.Hash(c.Height())
	if c.Height() != 588_702 || tip.String() != "0000000000000000001bf840d5818cc887f081f476cc48f0163481ad84d162b7" {
		t.Errorf("height %d, %v", c.Height(), tip)
	}
	before, _ := c.Header(588_671)
	after, _ := c.Header(588_672)
	if before.Bits == after.Bits {
		t.Error("no retarget in the vectors")
	}
	// The same headers with the old target at the retarget, or from a server of another chain.
	wrong := &part{start: src.start, headers: append([][]byte{}, src.headers...)}
	i := 588_672 - 586_656
	h := bytes.Clone(src.headers[i])
	binary.LittleEndian.PutUint32(h[72:], before.Bits)
	wrong.headers[i] = h
	c = fresh()
	if err := c.Follow(t.Context(), wrong, src.notice()); !errors.Is(err, ErrHeader) {
		t.Errorf("the old target: %v", err)
	}
	wrong.headers[3] = bytes.Clone(src.headers[3])
	wrong.headers[3][40] ^= 1
	c = fresh()
	if err := c.Follow(t.Context(), wrong, src.notice()); !errors.Is(err, ErrUnlinked) || !c.Empty() {
		t.Errorf("below the checkpoint: %v", err)
	}
	at.Hash[0] ^= 1
	c = fresh()
	if err := c.Follow(t.Context(), src, src.notice()); !errors.Is(err, ErrGenesis) || !c.Empty() {
		t.Errorf("another checkpoint: %v", err)
	}
	// A server that stopped long ago is not in step.
	at.Hash[0] ^= 1
	c = fresh()
	now = now.Add(staleAfter + time.Second)
	if err := c.Follow(t.Context(), src, src.notice()); !errors.Is(err, ErrStale) {
		t.Errorf("an old tip: %v", err)
	}
}

// Litecoin's headers after each of 38 retargets, against the times and targets before them. Sources: in the file.
// A whole stretch of Litecoin's headers across a retarget was not to be found.
func TestLitecoinRetargets(t *testing.T) {
	var file struct {
		Retargets []struct {
			Height              int32
			BeginTime, LastTime uint32
			LastBits            string
			Header              message.Hex
		}
	}
	read(t, "testdata/litecoin.json", &file)
	p := cointest.Params(t, "litecoin", coin.Main)
	for _, v := range file.Retargets {
		var bits [4]byte
		if err := json.Unmarshal([]byte(`"`+v.LastBits+`"`), (*hexBytes)(&bits)); err != nil {
			t.Fatal(err)
		}
		h, err := pow.ParseHeader(v.Header)
		if err != nil {
			t.Fatal(err)
		}
		c := NewChainAt(p, pow.Hash{}, Checkpoint{})
		c.start = v.Height // nothing is known of the times in between
		at := func(height int32) pow.Header {
			switch height {
			case v.Height - 1:
				return pow.Header{Time: v.LastTime, Bits: binary.BigEndian.Uint32(bits[:])}
			case v.Height - 2017:
				return pow.Header{Time: v.BeginTime}
			}
			t.Errorf("height %d: the rule looks at %d", v.Height, height)
			return pow.Header{}
		}
		if err := c.check(h, nil, v.Height, at); err != nil {
			t.Errorf("height %d: %v", v.Height, err)
		}
		h.Bits++
		if err := c.check(h, nil, v.Height, at); !errors.Is(err, ErrHeader) {
			t.Errorf("height %d, another target: %v", v.Height, err)
		}
		h.Bits--
		h.Nonce++
		if err := c.check(h, nil, v.Height, at); !errors.Is(err, ErrHeader) {
			t.Errorf("height %d, another nonce: %v", v.Height, err)
		}
	}
	if len(file.Retargets) != 38 {
		t.Errorf("%d vectors", len(file.Retargets))
	}
}

type hexBytes [4]byte

func (h *hexBytes) UnmarshalText(b []byte) error {
	var v message.Hex
	err := v.UnmarshalText(b)
	copy(h[:], v)
	return err
}

type dogeHeader struct {
	Height int32
	Hash   string
	Header message.Hex
	More   bool
}

func dogeHeaders(t testing.TB) map[int32]dogeHeader {
	t.Helper()
	var file struct{ Headers []dogeHeader }
	read(t, "testdata/dogecoin.json", &file)
	m := map[int32]dogeHeader{}
	for _, v := range file.Headers {
		m[v.Height] = v
	}
	if len(m) != 13 {
		t.Fatalf("%d vectors", len(m))
	}
	return m
}

// Dogecoin's headers, eight of them merge-mined with Litecoin.
func TestDogecoinHeaders(t *testing.T) {
	p := cointest.Params(t, "dogecoin", coin.Main)
	c := NewChainAt(p, pow.Hash{}, Checkpoint{})
	merged := 0
	for height, v := range dogeHeaders(t) {
		h, aux, size, err := c.split(v.Header, true)
		if err != nil {
			t.Fatalf("height %d: %v", height, err)
		}
		if size != len(v.Header) && !v.More {
			t.Errorf("height %d: %d bytes of %d", height, size, len(v.Header))
		}
		if h.BlockHash().String() != v.Hash {
			t.Errorf("height %d: %v", height, h.BlockHash())
		}
		target, err := pow.TargetFromBits(h.Bits)
		if err != nil {
			t.Fatal(err)
		}
		hash, ok := c.aux.work(h, aux, height, p.Algorithm)
		if !ok || !target.Met(hash) {
			t.Errorf("height %d: no proof of work", height)
		}
		if aux == nil {
			continue
		}
		merged++
		if _, ok := c.aux.work(h, nil, height, p.Algorithm); ok {
			t.Errorf("height %d: without its proof", height)
		}
		if _, ok := c.aux.work(h, aux, c.aux.since-1, p.Algorithm); ok {
			t.Errorf("height %d: before there was merged mining", height)
		}
	}
	if merged != 8 {
		t.Errorf("%d merge-mined headers", merged)
	}
}

// Three headers in a row, twice: before and after merged mining began. The third is held to every rule.
func TestDigiShield(t *testing.T) {
	p := cointest.Params(t, "dogecoin", coin.Main)
	genesis, _ := Genesis(p)
	all := dogeHeaders(t)
	for _, first := range []int32{151_556, 400_000} {
		src := &part{start: first}
		for i := range int32(3) {
			src.headers = append(src.headers, all[first+i].Header)
		}
		c := NewChainAt(p, genesis, Checkpoint{first + 1, hashOf(t, src.headers[1])})
		c.start = first
		last, err := pow.ParseHeader(src.headers[2][:message.HeaderSize])
		if err != nil {
			t.Fatal(err)
		}
		c.now = func() time.Time { return time.Unix(int64(last.Time), 0) }
		if err := c.Follow(t.Context(), src, src.notice()); err != nil || c.Height() != first+2 {
			t.Errorf("%d: %v", first, err)
		}
		// Proofs are asked for above the checkpoint alone, where servers would leave them out.
		for i, checkpoint := range src.asked {
			if want := (first + 1) * int32(1-min(i, 1)); checkpoint != want {
				t.Errorf("asked with checkpoint %d", checkpoint)
			}
		}
		h := last
		h.Bits++
		_, aux, _, err := c.split(src.headers[2], true)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check(h, aux, first+2, c.at); !errors.Is(err, ErrHeader) {
			t.Errorf("%d, another target: %v", first, err)
		}
	}
}

// Whatever is changed in a proof of merged mining, it proves nothing any more: but for the parent's hash, on which
// nothing depends.
func TestForgedAuxPoW(t *testing.T) {
	p := cointest.Params(t, "dogecoin", coin.Main)
	c := NewChainAt(p, pow.Hash{}, Checkpoint{})
	raw := dogeHeaders(t)[400_002].Header
	holds := func(raw []byte) bool {
		h, aux, size, err := c.split(raw, true)
		if err != nil || size != len(raw) {
			return false
		}
		target, err := pow.TargetFromBits(h.Bits)
		if err != nil {
			return false
		}
		hash, ok := c.aux.work(h, aux, 400_002, p.Algorithm)
		return ok && target.Met(hash)
	}
	if !holds(raw) {
		t.Fatal("the vector itself")
	}
	_, aux, _, err := c.split(raw, true)
	if err != nil {
		t.Fatal(err)
	}
	parent := bytes.LastIndex(raw, aux.parent.Prev[:]) - 4
	idle := parent - 4 - 32*len(aux.chainBranch) - 1 - 4 - 32*len(aux.branch) - 1 - 32
	var free []int
	for i := range raw {
		if i >= idle && i < idle+32 {
			continue
		}
		forged := bytes.Clone(raw)
		forged[i] ^= 0x10
		if holds(forged) {
			free = append(free, i)
		}
	}
	if len(free) > 0 {
		t.Errorf("bytes that count for nothing: %v", free)
	}
	for n := range raw {
		if holds(raw[:n]) {
			t.Errorf("cut to %d of %d bytes", n, len(raw))
		}
	}
}

func FuzzAuxPoW(f *testing.F) {
	p := cointest.Params(f, "dogecoin", coin.Main)
	for _, v := range dogeHeaders(f) {
		f.Add([]byte(v.Header))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := NewChainAt(p, pow.Hash{}, Checkpoint{})
		h, aux, size, err := c.split(raw, true)
		if err != nil {
			return
		}
		if size < message.HeaderSize || size > len(raw) || size > message.HeaderSize+maxAux {
			t.Fatalf("%d of %d bytes", size, len(raw))
		}
		if aux != nil {
			aux.check(h.BlockHash(), 0x62, false)
		}
	})
}

func TestCheckpoints(t *testing.T) {
	for id, least := range map[string]int32{"bitcoin": 953_567, "litecoin": 2_772_730, "dogecoin": 6_300_000} {
		p := cointest.Params(t, id, coin.Main)
		list := Checkpoints(p)
		for i, at := range list {
			if at.Hash == (pow.Hash{}) || i > 0 && at.Height <= list[i-1].Height {
				t.Fatalf("%s: %+v", id, at)
			}
		}
		genesis, _ := Genesis(p)
		c := NewChain(p, genesis)
		if c.anchor.Height != least || c.anchor != list[len(list)-1] {
			t.Errorf("%s begins at %d", id, c.anchor.Height)
		}
		// The rules must find what they look at from the first header after the checkpoint on.
		at := func(height int32) pow.Header {
			if height < c.Start() {
				t.Errorf("%s: a rule looks at %d, below %d", id, height, c.Start())
			}
			return pow.Header{Bits: 0x1a00ffff}
		}
		for height := least + 1; height < least+3000; height++ {
			c.bitsRule(height, 0, at)
		}
		if c.Start() > least-medianBlocks {
			t.Errorf("%s: starts at %d", id, c.Start())
		}
	}
	if Checkpoints(cointest.Params(t, "bitcoin", coin.Regtest)) != nil {
		t.Error("checkpoints of a regtest")
	}
	// Both sources of Dogecoin's are right about the block from which its headers are in testdata.
	for _, at := range Checkpoints(cointest.Params(t, "dogecoin", coin.Main)) {
		if v, ok := dogeHeaders(t)[at.Height]; ok && v.Hash != at.Hash.String() {
			t.Errorf("height %d: %v", at.Height, at.Hash)
		}
	}
}

func read(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}
