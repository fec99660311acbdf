package electrum

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// stretch reads headers that follow each other from start on, with their proofs.
func stretch(t testing.TB, p *coin.Params, name string, start int32) *part {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	c := NewChainAt(p, pow.Hash{}, Checkpoint{})
	s := &part{start: start}
	for len(raw) > 0 {
		_, _, size, err := c.split(raw, true)
		if err != nil {
			t.Fatal(err)
		}
		s.headers = append(s.headers, raw[:size])
		raw = raw[size:]
	}
	return s
}

// on is a chain that has the stretch's first headers, as many as its rules look back at.
func on(t testing.TB, p *coin.Params, s *part, first int) *Chain {
	t.Helper()
	genesis, _ := Genesis(p)
	c := NewChainAt(p, genesis, Checkpoint{s.start + int32(first) - 1, hashOf(t, s.headers[first-1])})
	c.start, c.marks = s.start, nil
	last, err := pow.ParseHeader(s.headers[len(s.headers)-1][:message.HeaderSize])
	if err != nil {
		t.Fatal(err)
	}
	c.now = func() time.Time { return time.Unix(int64(last.Time), 0) }
	return c
}

// Stretches of real chains across their retargets, of the networks for tests too, with late blocks among them. Each
// header after the first ones is held to every rule; with the next harder or easier target it is refused.
//
// Sources: Bitcoin's testnet3 and the beginnings of Dogecoin's chains: dfinity/dogecoin-canister, commit
// 023e194d6ff9cce367df0ddaf8996d2ab5d524d7, validation/tests/data. Dogecoin's merge-mined headers about 978,000:
// dogethereum/dogethereum-contracts, commit 3b1981517a0d837f1077a645415f4dcdd1f96273, test/headers.
func TestRealStretches(t *testing.T) {
	for _, v := range []struct {
		file    string
		coin    string
		network coin.Network
		start   int32
		first   int // taken on unchecked, for the rules to look back at
		count   int
		changes int // how often the target is another than the block's before
	}{
		{"bitcoin_586656.bin", "bitcoin", coin.Main, 586_656, 2016, 2047, 1},
		{"bitcoin_test_2015.bin", "bitcoin", coin.Test, 2015, 12, 2226, 3},
		{"dogecoin_0.bin", "dogecoin", coin.Main, 0, 1, 490, 2},
		{"dogecoin_4790.bin", "dogecoin", coin.Main, 4790, 12, 500, 2},
		{"dogecoin_9590.bin", "dogecoin", coin.Main, 9590, 12, 500, 2},
		{"dogecoin_978000.bin", "dogecoin", coin.Main, 978_000, 12, 50, 33},
		{"dogecoin_test_0.bin", "dogecoin", coin.Test, 0, 1, 800, 52},
	} {
		t.Run(v.file, func(t *testing.T) {
			t.Parallel()
			p := cointest.Params(t, v.coin, v.network)
			src := stretch(t, p, v.file, v.start)
			if len(src.headers) != v.count {
				t.Fatalf("%d headers", len(src.headers))
			}
			c := on(t, p, src, v.first)
			if err := c.Follow(t.Context(), src, src.notice()); err != nil && !errors.Is(err, ErrStale) {
				t.Fatal(err)
			}
			if c.Height() != v.start+int32(v.count)-1 {
				t.Fatalf("at height %d", c.Height())
			}
			changes := 0
			for i := v.first; i < v.count; i++ {
				height := v.start + int32(i)
				h, _ := c.Header(height)
				if before, _ := c.Header(height - 1); before.Bits == h.Bits {
					continue
				}
				changes++
				for _, by := range []uint32{1, 1<<32 - 1} {
					other := h
					other.Bits += by
					_, aux, _, err := c.split(src.headers[i], true)
					if err != nil {
						t.Fatal(err)
					}
					if err := c.check(other, aux, height, c.at); !errors.Is(err, ErrHeader) {
						t.Errorf("height %d with target %#x: %v", height, other.Bits, err)
					}
				}
			}
			if changes != v.changes {
				t.Errorf("%d targets are another than the one before, want %d", changes, v.changes)
			}
		})
	}
}

// A block may be easy only when it is late, and the block after it is as hard as those before.
func TestLateBlocks(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Test)
	src := stretch(t, p, "bitcoin_test_2015.bin", 2015)
	c := on(t, p, src, 12)
	if err := c.Follow(t.Context(), src, src.notice()); err != nil {
		t.Fatal(err)
	}
	last, _ := c.Header(4032)
	for _, v := range []struct {
		height int32
		after  int64 // seconds after the block before
		want   uint32
	}{
		{4033, 1200, 0x1c3fffc0}, {4033, 1201, 0x1d00ffff}, {4033, -600, 0x1c3fffc0}, // the block itself came after 1,201
		{4209, 1200, 0x1c3fffc0}, {4209, 1201, 0x1d00ffff}, // after 176 late ones
		{4032, 9999, 0x1c3fffc0}, // the first of a window is never late
	} {
		before, _ := c.Header(v.height - 1)
		got, known := c.bitsRule(v.height, uint32(int64(before.Time)+v.after), c.at)
		if !known || got != v.want {
			t.Errorf("height %d after %d s: %#x, want %#x", v.height, v.after, got, v.want)
		}
	}
	if last.Bits != 0x1c3fffc0 {
		t.Errorf("%#x", last.Bits)
	}
}

// DigiShield on Dogecoin's test network: no late block is easy before height 157,501, and any may be after. Merge-mined
// blocks may say to be of any chain there, and so may their parents. Sources: in the file.
func TestDogecoinTestNetwork(t *testing.T) {
	p := cointest.Params(t, "dogecoin", coin.Test)
	var file struct {
		Stretches []struct {
			Height  int32
			Headers []message.Hex
		}
	}
	read(t, "testdata/dogecoin_test.json", &file)
	hard, late, checked, merged := 0, 0, 0, 0
	for _, v := range file.Stretches {
		src := &part{start: v.Height}
		for _, h := range v.Headers {
			src.headers = append(src.headers, h)
		}
		if v.Height == 293_098 { // the rules look at two headers before one, and there are two alone
			merged += proved(t, p, src)
			continue
		}
		c := on(t, p, src, 2)
		if err := c.Follow(t.Context(), src, src.notice()); err != nil {
			t.Errorf("from %d: %v", v.Height, err)
			continue
		}
		merged += proved(t, p, src)
		for h := v.Height + 2; h <= c.Height(); h++ {
			checked++
			now, _ := c.Header(h)
			before, _ := c.Header(h - 1)
			switch {
			case now.Time <= before.Time+120:
			case h < shieldLate:
				hard++ // late, and not easy
			default:
				late++
			}
		}
	}
	if hard != 2 || late != 5 || checked != 28 || merged != 3 {
		t.Errorf("%d and %d of %d are late, %d merge-mined", hard, late, checked, merged)
	}
}

// proved counts merge-mined headers, whose proofs must hold, and hold no more when the block is another.
func proved(t *testing.T, p *coin.Params, s *part) (merged int) {
	t.Helper()
	c := NewChainAt(p, pow.Hash{}, Checkpoint{})
	for i, raw := range s.headers {
		h, aux, size, err := c.split(raw, true)
		if err != nil || size != len(raw) {
			t.Fatalf("%d bytes of %d, %v", size, len(raw), err)
		}
		if aux == nil {
			continue
		}
		merged++
		height := s.start + int32(i)
		target, err := pow.TargetFromBits(h.Bits)
		if err != nil {
			t.Fatal(err)
		}
		if hash, ok := c.aux.work(h, aux, height, p.Algorithm); !ok || !target.Met(hash) {
			t.Errorf("height %d: no proof of work", height)
		}
		h.Merkle[0] ^= 1
		if _, ok := c.aux.work(h, aux, height, p.Algorithm); ok {
			t.Errorf("height %d: proves another block", height)
		}
	}
	return merged
}

// Every retarget of Litecoin's chain up to height 1,959,551: the time of the last block of each window and the target
// after it, as a wallet in wide use lists them. Whole headers that follow each other across a retarget were not to be
// found; TestLitecoinRetargets has single ones.
func TestEveryLitecoinRetarget(t *testing.T) {
	b, err := os.ReadFile("testdata/litecoin_retargets.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := cointest.Params(t, "litecoin", coin.Main)
	c := NewChainAt(p, pow.Hash{}, Checkpoint{})
	var times, bits []uint32
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var at, target uint32
		if _, err := fmt.Sscanf(line, "%d %x", &at, &target); err != nil {
			t.Fatal(err)
		}
		times, bits = append(times, at), append(bits, target)
	}
	if len(times) != 972 {
		t.Fatalf("%d windows", len(times))
	}
	moved := 0
	for i := 1; i < len(times); i++ {
		height := int32(i+1) * 2016
		at := func(h int32) pow.Header {
			switch h {
			case height - 1:
				return pow.Header{Time: times[i], Bits: bits[i-1]}
			case height - 2017:
				return pow.Header{Time: times[i-1]}
			}
			t.Fatalf("height %d: the rule looks at %d", height, h)
			return pow.Header{}
		}
		got, known := c.bitsRule(height, times[i]+1, at)
		if !known || got != bits[i] {
			t.Errorf("height %d: %#x, want %#x", height, got, bits[i])
		}
		if bits[i] != bits[i-1] {
			moved++
		}
	}
	if moved < 960 {
		t.Errorf("%d of the targets moved", moved)
	}
}

// Whatever network a first sync is of, it begins at a checkpoint near the tip, and its rules never look below what is
// kept, late blocks in a row or not.
func TestTestNetworksBeginAtACheckpoint(t *testing.T) {
	for id, least := range map[string]int32{"bitcoin": 5_011_775, "litecoin": 2_352_616, "dogecoin": 5_900_000} {
		p := cointest.Params(t, id, coin.Test)
		genesis, _ := Genesis(p)
		c := NewChain(p, genesis)
		if c.anchor.Height != least || !slices.IsSortedFunc(c.marks, func(a, b Checkpoint) int { return int(a.Height) - int(b.Height) }) {
			t.Errorf("%s begins at %d", id, c.anchor.Height)
		}
		easiest := pow.TargetFromBig(c.limit).Bits()
		for height := least + 1; height < least+3000; height++ {
			c.bitsRule(height, 0, func(h int32) pow.Header {
				if h < c.Start() {
					t.Fatalf("%s: a rule looks at %d, below %d", id, h, c.Start())
				}
				return pow.Header{Bits: easiest}
			})
		}
	}
}

// A server of another of Bitcoin's networks for tests is told from one of testnet3 by its first headers, whatever it
// says: it does not have the checkpoint.
func TestOtherTestNetworks(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Test)
	genesis, _ := Genesis(p)
	src := stretch(t, p, "bitcoin_test_2015.bin", 0)
	c := NewChain(p, genesis)
	at := c.anchor.Height
	other := &part{start: c.Start()}
	for h := c.Start(); h <= at; h++ { // as many as are asked for; none of them is the network's
		other.headers = append(other.headers, src.headers[int(h-c.Start())%len(src.headers)])
	}
	if err := c.Follow(t.Context(), other, other.notice()); !errors.Is(err, ErrGenesis) || !c.Empty() {
		t.Error(err)
	}
}

// Whole ranges of merge-mined headers are read as servers send them: any cut, added or changed byte is refused.
func TestStretchOfAuxPoW(t *testing.T) {
	p := cointest.Params(t, "dogecoin", coin.Main)
	src := stretch(t, p, "dogecoin_978000.bin", 978_000)
	whole := bytes.Join(src.headers[12:], nil)
	for name, raw := range map[string][]byte{
		"cut in a proof":      whole[:len(whole)-1],
		"cut in a header":     whole[:len(whole)-len(src.headers[49])+40],
		"a byte more":         append(bytes.Clone(whole), 0),
		"without its proof":   append(bytes.Clone(src.headers[12][:message.HeaderSize]), whole[len(src.headers[12]):]...),
		"another's proof":     append(append(bytes.Clone(src.headers[12][:message.HeaderSize]), src.headers[13][message.HeaderSize:]...), whole[len(src.headers[12]):]...),
		"without a flag":      flip(whole, 1),
		"of another chain":    flip(whole, 2),
		"another merkle root": flip(whole, 40),
	} {
		c := on(t, p, src, 12)
		begin := &part{start: src.start, headers: src.headers[:12]}
		if err := c.Follow(t.Context(), begin, begin.notice()); err != nil && !errors.Is(err, ErrStale) {
			t.Fatal(err)
		}
		if err := c.Connect(t.Context(), c.Height()+1, raw); err == nil {
			t.Errorf("%s: taken on", name)
		}
		if c.Height() != 978_011 {
			t.Errorf("%s: at height %d", name, c.Height())
		}
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}
