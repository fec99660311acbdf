//go:build !js

package seal

// Age itself would follow a file up to factor 22, which takes 4 GiB.
const (
	MaxWorkFactor     = 20
	DefaultWorkFactor = 18
	MinStrength       = 0 // who asks for the passphrase sets the bar
)
