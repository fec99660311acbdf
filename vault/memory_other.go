//go:build !linux && !darwin

package vault

// lockMemory does nothing here: Windows could (VirtualLock), but takes so few
// pages by default that the system's keyring is the better protection.
func lockMemory([]byte) {}

// Harden has nothing to switch off here: Windows writes no core files, and its
// crash reports hold what the person agreed to.
func Harden() error { return nil }
