package vardiff_test

import (
	"fmt"
	"math"
	"time"

	"goldpan/core/vardiff"
)

func Example() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	v := vardiff.New(now, 1e3) // a guess: 1,000 hashes a second
	for range 3 {              // and three shares at once
		now = now.Add(10 * time.Millisecond)
		v.Share(now, v.Current())
	}
	hashes, atOnce := v.Next(now, math.Inf(1))
	v.Announced(hashes)
	fmt.Println(atOnce, hashes > 1e6)
	// Output: true true
}
