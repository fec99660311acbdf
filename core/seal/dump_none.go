//go:build !unix

package seal

// NoDumps does nothing here: the system makes no dumps by itself, or keeps them to the person's own choice.
func NoDumps() error { return nil }
