//go:build !amd64

package hasher

// multiplyCycles is zero: the latency of a multiplication differs between
// processors of this architecture, so the clock is not measured.
const multiplyCycles = 0
