//go:build purego || (!amd64 && !arm64)

package hasher

// fast returns nothing: without assembly there is the generic kernel alone.
func fast(Algorithm) []Kernel { return nil }
