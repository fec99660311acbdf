package seal

// In a browser scrypt takes eight times as long, and memory is scarce.
const (
	MaxWorkFactor     = 16
	DefaultWorkFactor = 15
	// MinStrength is what a passphrase must have, in bits as Strength counts them: the smaller work factor is made up
	// for.
	MinStrength = 50
)
