//go:build !purego

package hasher

// fast returns the kernels in assembly that this processor runs, fastest first.
func fast(a Algorithm) []Kernel {
	switch a {
	case SHA256d:
		return sha256dAMD64()
	case Scrypt:
		return scryptAMD64()
	}
	return nil
}
