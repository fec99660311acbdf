package hasher

// multiplyCycles is the latency of a 64-bit multiplication: three cycles on
// every amd64 processor since 2008.
const multiplyCycles = 3
