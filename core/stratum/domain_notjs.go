//go:build !js

package stratum

import "golang.org/x/net/publicsuffix"

// sameDomain reports whether two different names belong to one registrable domain.
func sameDomain(a, b string) bool {
	ownerA, errA := publicsuffix.EffectiveTLDPlusOne(a)
	ownerB, errB := publicsuffix.EffectiveTLDPlusOne(b)
	return errA == nil && errB == nil && ownerA == ownerB
}
