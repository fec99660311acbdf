//go:build !linux && !windows && !darwin && !js

package machine

func sensors() []*sensor { return nil }
