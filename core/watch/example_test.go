package watch_test

import (
	"fmt"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/watch"
)

func Example() {
	w := watch.New(hasher.Scrypt)
	w.Sample(0) // from now on about once a second, with what the engine has hashed
	for range 90 {
		w.Share(pow.Result{Status: pow.Accepted, Target: 2, Difficulty: 2.5})
	}
	time.Sleep(10 * time.Millisecond)
	w.Sample(100 * 2 * 65537) // a share of difficulty 2 takes 2 × 65,537 hashes on average

	r := w.Report()
	minute := r.Windows[1]
	fmt.Printf("%.0f %% of what was hashed; from %.0f to %.0f %% is likely\n", 100*minute.Implied/minute.Hashrate,
		100*minute.Low/minute.Hashrate, 100*minute.High/minute.Hashrate)
	fmt.Println(minute.Why)
	fmt.Printf("luck %.2f, best share %.1f\n", r.Luck, r.Best.Difficulty)
	// Output:
	// 90 % of what was hashed; from 72 to 111 % is likely
	// They agree: with 90 shares, chance alone moves the shares' figure by about 19 %.
	// luck 0.90, best share 2.5
}
