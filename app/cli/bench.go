package main

import (
	"context"
	"flag"
	"time"

	"goldpan/core/hasher"
)

func benchCommand() command {
	return command{
		name:    "bench",
		summary: "Measure how fast this machine hashes.",
		usage:   "[--algorithm sha256d|scrypt|all] [--kernel NAME|all] [--threads N] [--seconds S]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			algorithm := f.String("algorithm", "all", "`NAME` of the algorithm, or all")
			kernel := f.String("kernel", "all", "`NAME` of the kernel, or all that this machine can run")
			threads := f.Int("threads", 1, "`N` threads")
			seconds := f.Float64("seconds", 5, "`S` seconds for each")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if *threads < 1 || *threads > 1024 || !(*seconds > 0 && *seconds <= 3600) { // not a number, too
					return usagef("--threads from 1 to 1024, --seconds up to 3600")
				}
				algorithms := hasher.Algorithms()
				if *algorithm != "all" {
					a, err := hasher.ParseAlgorithm(*algorithm)
					if err != nil {
						return usagef("--algorithm: %s", err)
					}
					algorithms = []hasher.Algorithm{a}
				}
				return t.bench(ctx, algorithms, *kernel, *threads, time.Duration(*seconds*float64(time.Second)))
			}
		},
	}
}

func (t *terminal) bench(ctx context.Context, algorithms []hasher.Algorithm, kernel string, threads int, span time.Duration) error {
	ran := 0
	for _, a := range algorithms {
		for _, k := range hasher.Kernels(a) {
			if ctx.Err() != nil {
				return errInterrupted
			}
			if kernel != "all" && kernel != k.Name {
				continue
			}
			if err := k.SelfCheck(); err != nil {
				return err
			}
			m := hasher.Measure(ctx, k, threads, span)
			if ctx.Err() != nil {
				return errInterrupted
			}
			cycles := "cycles not measured on this processor"
			r := record{"type": "bench", "algorithm": a, "kernel": k.Name, "threads": threads, "hashes": m.Hashes,
				"seconds": m.Wall.Seconds(), "cpu_seconds": m.CPU.Seconds(), "hashrate": m.Hashrate()}
			if c := m.CyclesPerHash(); c > 0 {
				r["cycles_per_hash"], r["clock_hz"] = c, m.Clock
				cycles = withThousands(c) + " cycles a hash"
			}
			t.print(r, "%-8s %-8s %d %s: %12s, %s", a, k.Name, threads, threadsWord(threads), rate(m.Hashrate()), cycles)
			ran++
		}
	}
	if ran == 0 {
		return usagef("--kernel: this machine has no kernel %q", kernel)
	}
	t.emit(record{"type": "done", "measured": ran})
	return nil
}

// withThousands writes a number of cycles for people, without decimals where
// they say nothing.
func withThousands(v float64) string {
	n := int64(v + 0.5)
	digits := []byte{}
	for i := 0; ; i++ {
		if i > 0 && i%3 == 0 {
			digits = append(digits, ',')
		}
		digits = append(digits, byte('0'+n%10))
		if n /= 10; n == 0 {
			break
		}
	}
	for i, j := 0, len(digits)-1; i < j; i, j = i+1, j-1 {
		digits[i], digits[j] = digits[j], digits[i]
	}
	return string(digits)
}
