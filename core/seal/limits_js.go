package seal

// In a browser scrypt takes eight times as long, and memory is scarce.
const (
	MaxWorkFactor     = 16
	DefaultWorkFactor = 15
)
