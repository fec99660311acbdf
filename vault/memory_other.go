//go:build !unix

package vault

// lockMemory does nothing here: Windows could (VirtualLock), but takes so few
// pages by default that the system's keyring is the better protection.
func lockMemory([]byte) {}
