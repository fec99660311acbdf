package hasher

import (
	"errors"
	"fmt"
	"os"
)

// Environment is the variable that forces a kernel by its name. A kernel that
// is forced and missing, or that fails its self-check, is an error.
const Environment = "GOLDPAN_KERNEL"

// ErrKernel is returned when a kernel is not to be had on this machine, or
// gives wrong answers on it.
var ErrKernel = errors.New("kernel not usable")

// A Kernel is one implementation of an algorithm that this machine can run.
type Kernel struct {
	Name      string // generic, sse2, avx2, avx512, shani, sha2, neon or wasm
	Algorithm Algorithm
	// Batch is how many nonces to scan between two looks at the epoch: about
	// ten milliseconds of work on a slow machine.
	Batch uint32
	// New returns a scanner for one lane, with scratch memory of its own.
	New func() Scanner
}

// Kernels returns the kernels of a that this machine can run, the one that is
// fastest on most machines first. The last one is always "generic".
func Kernels(a Algorithm) []Kernel {
	switch a {
	case SHA256d:
		return append(fast(a), Kernel{"generic", SHA256d, 1 << 13, func() Scanner { return sha256dGeneric{} }})
	case Scrypt:
		return append(fast(a), Kernel{"generic", Scrypt, 1 << 3, func() Scanner { return newScryptGeneric(scryptN) }})
	}
	return nil
}

// Select returns the fastest kernel for a that passes its self-check, or the
// one that [Environment] names. Which is fastest here is measured when it is
// first asked, in less than a twentieth of a second.
func Select(a Algorithm) (Kernel, error) { return choose(a, os.Getenv(Environment)) }

func choose(a Algorithm, forced string) (Kernel, error) {
	if len(Kernels(a)) == 0 {
		return Kernel{}, fmt.Errorf("%q: %w", string(a), ErrAlgorithm)
	}
	if forced != "" {
		for _, k := range Kernels(a) {
			if k.Name == forced {
				return k, k.SelfCheck()
			}
		}
		return Kernel{}, fmt.Errorf("%w: %s asks for %q, which this machine or this build does not have for %s", ErrKernel, Environment, forced, a)
	}
	for _, k := range ranked[a]() {
		if k.SelfCheck() == nil {
			return k, nil
		}
	}
	return Kernel{}, fmt.Errorf("%w: no kernel for %s passes its self-check", ErrKernel, a)
}

// golden holds, for each algorithm, a header with a published nonce and the
// target that its hash meets. Sources: the genesis blocks in Bitcoin Core's and
// Litecoin Core's chainparams.cpp. Beside it, of 64 nonces that begin so far
// after that one, which have a hash below 2^255: about half. They are chosen so
// that each lane of a kernel with up to sixteen has both sorts.
var golden = map[Algorithm]struct {
	merkle     string
	time, bits uint32
	nonce      uint32
	after      uint32
	lower      uint64 // bit i is for nonce + after + i
}{
	SHA256d: {"3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a", 1231006505, 0x1d00ffff, 2083236893, 1, 0x6237d9cca866a620},
	Scrypt:  {"d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97", 1317972665, 0x1e0ffff0, 2084524493, 280, 0x5a64a0fbae97855b},
}

// SelfCheck makes a scanner of k find the nonce of a genesis block, and that
// nonce alone, in a short range around it. A kernel that hashes in lanes also has
// to tell 64 hashes apart, so that no lane of it is deaf: that is what a system
// does that does not keep the upper halves of the registers.
func (k Kernel) SelfCheck() error {
	g := golden[k.Algorithm]
	h, err := genesisHeader(g.merkle, g.time, g.bits, g.nonce)
	if err != nil {
		return err
	}
	var target [32]byte
	exponent := g.bits >> 24
	target[exponent-1], target[exponent-2], target[exponent-3] = byte(g.bits>>16), byte(g.bits>>8), byte(g.bits)
	var hits Hits
	const before, count = 21, 67
	scanner := k.New()
	scanned := scanner.Scan(NewWork(k.Algorithm, &h, target), g.nonce-before, count, &hits)
	if scanned != count || hits.N != 1 || hits.Nonces[0] != g.nonce {
		return fmt.Errorf("%w: %s for %s misses a known block", ErrKernel, k.Name, k.Algorithm)
	}
	if k.Name == "generic" {
		return nil
	}
	for i := range target {
		target[i] = 0xff
	}
	target[31] = 0x7f
	first := g.nonce + g.after
	scanned = scanner.Scan(NewWork(k.Algorithm, &h, target), first, 64, &hits)
	var lower uint64
	for _, nonce := range hits.Nonces[:hits.N] {
		lower |= 1 << (nonce - first)
	}
	if scanned != 64 || lower != g.lower {
		return fmt.Errorf("%w: %s for %s hashes wrongly", ErrKernel, k.Name, k.Algorithm)
	}
	return nil
}
