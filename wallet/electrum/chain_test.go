package electrum

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
)

const easy = 0x207fffff

func practice(t testing.TB, a hasher.Algorithm) *coin.Params {
	t.Helper()
	p, err := coin.ForPractice(a).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// source gives a test chain's headers, and counts how many it was asked for.
type source struct {
	*electrumtest.Chain
	asked int
}

func (s *source) Headers(_ context.Context, start int32, count int, _ int32) ([]byte, error) {
	raw := headers(s.Chain, start, count)
	s.asked += len(raw) / message.HeaderSize
	return raw, nil
}

func headers(c *electrumtest.Chain, start int32, count int) []byte {
	var raw []byte
	for h := start; h <= c.Height() && int(h-start) < count; h++ {
		b := c.Blocks[h].Header.Bytes()
		raw = append(raw, b[:]...)
	}
	return raw
}

func notice(c *electrumtest.Chain) message.HeaderNotice {
	return message.HeaderNotice{Height: c.Height(), Header: headers(c, c.Height(), 1)}
}

func follow(t *testing.T, c *Chain, from *electrumtest.Chain) {
	t.Helper()
	if err := c.Follow(t.Context(), &source{Chain: from}, notice(from)); err != nil {
		t.Fatal(err)
	}
	if got, _ := c.Hash(c.Height()); c.Height() != from.Height() || got != from.Blocks[from.Height()].Header.BlockHash() {
		t.Fatalf("at height %d of %d", c.Height(), from.Height())
	}
}

func TestFollow(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		p := practice(t, a)
		their := electrumtest.NewChain(p, 1, easy)
		their.MineEmpty(40) // over three retargets
		c := NewChain(p, their.Genesis())
		follow(t, c, their)
		work := c.Work()
		src := &source{Chain: their}
		their.MineEmpty(1)
		if err := c.Follow(t.Context(), src, notice(their)); err != nil || c.Height() != 41 {
			t.Fatalf("%v, height %d", err, c.Height())
		}
		if src.asked != 0 {
			t.Errorf("a tip that links was asked for again: %d headers", src.asked)
		}
		if c.Work().Cmp(work) <= 0 {
			t.Error("the work did not grow")
		}
		for h := range c.Height() + 1 {
			got, ok := c.Hash(h)
			header, _ := c.Header(h)
			if want := their.Blocks[h].Header; !ok || got != want.BlockHash() || header != want {
				t.Fatalf("height %d: %v", h, got)
			}
		}
		if _, ok := c.Hash(c.Height() + 1); ok {
			t.Error("a hash past the tip")
		}
		if _, ok := c.Header(-1); ok {
			t.Error("a header before the first")
		}
	}
}

func TestReorganisation(t *testing.T) {
	p := practice(t, hasher.SHA256d)
	for _, depth := range []int32{1, 2, 3, 7, 20, 49} {
		ours := electrumtest.NewChain(p, 1, easy)
		ours.MineEmpty(50)
		other := ours.Clone()
		other.Cut(ours.Height() + 1 - depth)
		c := NewChain(p, ours.Genesis())
		follow(t, c, ours)
		before := c.Work()

		other.MineEmpty(int(depth)) // as high, no more work
		if err := c.Follow(t.Context(), &source{Chain: other}, notice(other)); !errors.Is(err, ErrLowWork) {
			t.Fatalf("depth %d: equal work: %v", depth, err)
		}
		if tip, _ := c.Hash(50); tip != ours.Blocks[50].Header.BlockHash() || c.Work().Cmp(before) != 0 {
			t.Fatal("the known chain was harmed")
		}
		other.MineEmpty(2)
		src := &source{Chain: other}
		if err := c.Follow(t.Context(), src, notice(other)); err != nil {
			t.Fatalf("depth %d: %v", depth, err)
		}
		if tip, _ := c.Hash(c.Height()); tip != other.Blocks[other.Height()].Header.BlockHash() {
			t.Fatalf("depth %d: not taken on", depth)
		}
		if mid, _ := c.Hash(other.Height() - 1); mid != other.Blocks[other.Height()-1].Header.BlockHash() {
			t.Fatalf("depth %d: a header of the old branch stays", depth)
		}
		// Not ErrBehind: the old chain's tip is unknown now.
		if err := c.Follow(t.Context(), &source{Chain: ours}, notice(ours)); !errors.Is(err, ErrLowWork) {
			t.Fatalf("back to less work: %v", err)
		}
	}
}

// Nothing parts from a chain below its checkpoint, whatever its work.
func TestForkBelowTheCheckpoint(t *testing.T) {
	p := practice(t, hasher.SHA256d)
	ours := electrumtest.NewChain(p, 1, easy)
	ours.MineEmpty(60)
	other := ours.Clone()
	other.Cut(50)
	other.MineEmpty(30)
	at := Checkpoint{55, ours.Blocks[55].Header.BlockHash()}
	for _, start := range []int32{55, 56, 60} {
		c := NewChainAt(p, ours.Genesis(), at)
		short := ours.Clone()
		short.Cut(start + 1)
		follow(t, c, short)
		if err := c.Follow(t.Context(), &source{Chain: other}, notice(other)); !errors.Is(err, ErrGenesis) {
			t.Errorf("from %d: %v", start, err)
		}
		follow(t, c, ours) // the known chain was not harmed
		above := ours.Clone()
		above.Cut(57)
		above.MineEmpty(9)
		follow(t, c, above)
	}
	c := NewChainAt(p, ours.Genesis(), at)
	if err := c.Follow(t.Context(), &source{Chain: other}, notice(other)); !errors.Is(err, ErrGenesis) || !c.Empty() {
		t.Errorf("at first: %v", err)
	}
	if h, _ := c.Hash(c.Start()); h != (pow.Hash{}) {
		t.Error("an empty chain has a hash")
	}
	short := ours.Clone()
	short.Cut(40)
	if err := c.Follow(t.Context(), &source{Chain: short}, notice(short)); !errors.Is(err, ErrBehind) {
		t.Errorf("a server below the checkpoint: %v", err)
	}
}

func TestBehind(t *testing.T) {
	p := practice(t, hasher.SHA256d)
	their := electrumtest.NewChain(p, 1, easy)
	their.MineEmpty(10)
	c := NewChain(p, their.Genesis())
	follow(t, c, their)
	short := their.Clone()
	short.Cut(7)
	if err := c.Follow(t.Context(), &source{Chain: short}, notice(short)); !errors.Is(err, ErrBehind) {
		t.Fatal(err)
	}
	if c.Height() != 10 {
		t.Fatal("the known chain was cut")
	}
}

// A server that begins anew is behind, however far: it is not of another chain, and it may catch up. So is one that
// gives none of the headers that it announced.
func TestServerAtItsBeginning(t *testing.T) {
	p := practice(t, hasher.SHA256d)
	their := electrumtest.NewChain(p, 1, easy)
	their.MineEmpty(60)
	c := NewChainAt(p, their.Genesis(), Checkpoint{55, their.Blocks[55].Header.BlockHash()})
	follow(t, c, their)
	for height := range int32(9) {
		short := their.Clone()
		short.Cut(height + 1)
		if err := c.Follow(t.Context(), &source{Chain: short}, notice(short)); !errors.Is(err, ErrBehind) || !Waits(err) {
			t.Errorf("at %d, below %d: %v", height, c.Start(), err)
		}
	}
	none := their.Clone()
	none.Cut(0)
	longer := their.Clone()
	longer.MineEmpty(5)
	if err := c.Follow(t.Context(), &source{Chain: none}, notice(longer)); !errors.Is(err, ErrBehind) {
		t.Errorf("gives nothing: %v", err)
	}
	follow(t, c, longer)
}

func TestFollowRefusesOtherChain(t *testing.T) {
	p := practice(t, hasher.SHA256d)
	ours, other := electrumtest.NewChain(p, 1, easy), electrumtest.NewChain(p, 2, easy)
	other.MineEmpty(5)
	c := NewChain(p, ours.Genesis())
	if err := c.Follow(t.Context(), &source{Chain: other}, notice(other)); !errors.Is(err, ErrGenesis) {
		t.Fatal(err)
	}
	ours.MineEmpty(3)
	follow(t, c, ours)
	if err := c.Follow(t.Context(), &source{Chain: other}, notice(other)); !errors.Is(err, ErrGenesis) {
		t.Fatal(err)
	}
}

func TestConnectRefuses(t *testing.T) {
	p := practice(t, hasher.SHA256d)
	base := electrumtest.NewChain(p, 1, 0x1f7fffff) // hard enough that a wrong nonce does not pass
	base.MineEmpty(23)
	next := func(c *electrumtest.Chain, change func(*pow.Header)) []byte {
		last := c.Blocks[c.Height()].Header
		h := pow.Header{Version: 1, Prev: last.BlockHash(), Time: last.Time + 10, Bits: c.NextBits()}
		change(&h)
		h = electrumtest.Seal(p, h)
		b := h.Bytes()
		return b[:]
	}
	mid := base.Clone()
	mid.Cut(20)
	for name, tt := range map[string]struct {
		on   *electrumtest.Chain
		raw  []byte
		want error
	}{
		"good":                     {base, next(base, func(*pow.Header) {}), nil},
		"kept bits at a retarget":  {base, next(base, func(h *pow.Header) { h.Bits = base.Blocks[23].Header.Bits }), ErrHeader},
		"easier bits":              {mid, next(mid, func(h *pow.Header) { h.Bits = easy }), ErrHeader},
		"bits over the limit":      {mid, next(mid, func(h *pow.Header) { h.Bits = 0x2100ffff }), ErrHeader},
		"not later than the past":  {mid, next(mid, func(h *pow.Header) { h.Time -= 60 }), ErrHeader},
		"later than the past":      {mid, next(mid, func(h *pow.Header) { h.Time -= 59 }), nil},
		"another predecessor":      {mid, next(mid, func(h *pow.Header) { h.Prev[5] ^= 1 }), ErrUnlinked},
		"half a header":            {mid, next(mid, func(*pow.Header) {})[:40], ErrHeader},
		"nothing":                  {mid, nil, ErrUnlinked},
		"a second that is another": {mid, append(next(mid, func(*pow.Header) {}), next(mid, func(*pow.Header) {})...), ErrUnlinked},
	} {
		c := NewChain(p, base.Genesis())
		follow(t, c, tt.on)
		if err := c.Connect(t.Context(), c.Height()+1, tt.raw); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if tt.want != nil && c.Height() != tt.on.Height() {
			t.Errorf("%s: the chain changed", name)
		}
	}
	c := NewChain(p, base.Genesis())
	follow(t, c, mid)
	raw := next(mid, func(*pow.Header) {})
	for raw[76]++; ; raw[76]++ { // a nonce that does not do
		h, err := pow.ParseHeader(raw)
		if err != nil {
			t.Fatal(err)
		}
		target, err := pow.TargetFromBits(h.Bits)
		if err != nil {
			t.Fatal(err)
		}
		if !target.Met(h.PoWHash(p.Algorithm)) {
			break
		}
	}
	if err := c.Connect(t.Context(), c.Height()+1, raw); !errors.Is(err, ErrHeader) {
		t.Errorf("no work: %v", err)
	}
	for _, start := range []int32{-1, c.Height() + 2} {
		if err := c.Connect(t.Context(), start, raw); !errors.Is(err, ErrUnlinked) {
			t.Errorf("start %d: %v", start, err)
		}
	}
}

// A server that announces a great height and gives headers without work must not be followed past the first.
func TestEndlessHeaders(t *testing.T) {
	p := practice(t, hasher.SHA256d)
	base := electrumtest.NewChain(p, 1, 0x1f7fffff)
	base.MineEmpty(3)
	c := NewChain(p, base.Genesis())
	follow(t, c, base)
	src := &endless{base: base}
	tip := message.HeaderNotice{Height: 1 << 30, Header: make([]byte, message.HeaderSize)}
	if err := c.Follow(t.Context(), src, tip); !errors.Is(err, ErrHeader) {
		t.Fatal(err)
	}
	if src.calls > 2 {
		t.Fatalf("asked %d times", src.calls)
	}
}

type endless struct {
	base  *electrumtest.Chain
	calls int
}

func (e *endless) Headers(_ context.Context, start int32, count int, _ int32) ([]byte, error) {
	e.calls++
	raw := headers(e.base, start, count)
	last := e.base.Blocks[e.base.Height()].Header
	for len(raw) < count*message.HeaderSize {
		last = pow.Header{Version: 1, Prev: last.BlockHash(), Time: last.Time + 10, Bits: last.Bits}
		b := last.Bytes()
		raw = append(raw, b[:]...)
	}
	return raw, nil
}

func TestTrust(t *testing.T) {
	p := practice(t, hasher.SHA256d)
	their := electrumtest.NewChain(p, 1, easy)
	their.MineEmpty(30)
	c := NewChain(p, their.Genesis())
	follow(t, c, their)
	again := NewChain(p, their.Genesis())
	for h := int32(0); h <= 30; h += 8 {
		if err := again.Trust(t.Context(), c.Raw(h, 8)); err != nil {
			t.Fatal(err)
		}
	}
	if again.Height() != 30 || again.Work().Cmp(c.Work()) != 0 || !bytes.Equal(again.Raw(0, 99), headers(their, 0, 99)) {
		t.Fatal("not the same chain")
	}
	if err := again.Trust(t.Context(), c.Raw(4, 2)); !errors.Is(err, ErrUnlinked) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := NewChain(p, their.Genesis()).Trust(ctx, c.Raw(0, 9)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// Bitcoin's own first headers: https://en.bitcoin.it/wiki/Genesis_block and the block after it.
func TestMainnetHeaders(t *testing.T) {
	btc, err := coin.ByID("bitcoin")
	if err != nil {
		t.Fatal(err)
	}
	p, err := btc.Params(coin.Main)
	if err != nil {
		t.Fatal(err)
	}
	genesis, ok := Genesis(p)
	if !ok || genesis.String() != "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f" {
		t.Fatalf("genesis %v", genesis)
	}
	raw := firstHeaders(t)
	c := NewChainAt(p, genesis, Checkpoint{Hash: genesis})
	if err := c.Connect(t.Context(), 0, raw); err != nil || c.Height() != 1 {
		t.Fatalf("%v, height %d", err, c.Height())
	}
	if tip, _ := c.Hash(1); tip.String() != "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048" {
		t.Fatalf("block 1 is %v", tip)
	}
	raw[message.HeaderSize+77] ^= 1
	if err := NewChainAt(p, genesis, Checkpoint{Hash: genesis}).Connect(t.Context(), 0, raw); !errors.Is(err, ErrHeader) {
		t.Fatalf("no work: %v", err)
	}
}

func firstHeaders(t *testing.T) message.Hex {
	t.Helper()
	var raw message.Hex
	if err := raw.UnmarshalText([]byte("0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c" +
		"010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299")); err != nil {
		t.Fatal(err)
	}
	return raw
}

func FuzzConnect(f *testing.F) {
	p := practice(f, hasher.SHA256d)
	base := electrumtest.NewChain(p, 1, easy)
	base.MineEmpty(13)
	c := NewChain(p, base.Genesis())
	if err := c.Connect(f.Context(), 0, headers(base, 0, 12)); err != nil {
		f.Fatal(err)
	}
	f.Add(int32(12), headers(base, 12, 2))
	f.Add(int32(0), headers(base, 0, 14))
	f.Add(int32(5), headers(base, 6, 3))
	f.Fuzz(func(t *testing.T, start int32, raw []byte) {
		again := NewChain(p, base.Genesis())
		if err := again.Trust(t.Context(), c.Raw(0, 12)); err != nil {
			t.Fatal(err)
		}
		work := again.Work()
		if err := again.Connect(t.Context(), start, raw); err != nil {
			if !bytes.Equal(again.Raw(0, 99), c.Raw(0, 99)) || again.Work().Cmp(work) != 0 {
				t.Fatal("a failed connect changed the chain")
			}
			return
		}
		if again.Work().Cmp(work) <= 0 {
			t.Fatal("took on less work")
		}
	})
}
