package hasher

// multiplyCycles is the latency of a 32-bit multiplication: three cycles on
// Intel's processors since 2008, the small cores included, and on AMD's but for
// the Bulldozer family, whose clock shows a quarter too low. At 64 bits the small
// cores take longer.
const multiplyCycles = 3
