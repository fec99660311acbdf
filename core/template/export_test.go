package template

// PushHeight is how a coinbase begins at a height, for tests that hold it against a
// real node's.
func PushHeight(height int64) []byte { return pushHeight(height) }
