package practice

// syncDir does nothing: Windows has no call for it, and a rename lasts.
func syncDir(string) error { return nil }
