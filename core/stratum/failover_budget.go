package stratum

import (
	"context"
	"sync"
	"time"
)

// budget bounds how often something is begun: a third of its minute at once, and the rest spread out.
type budget struct {
	mu     sync.Mutex
	tokens float64
	burst  float64
	rate   float64 // a second
	last   time.Time
}

func newBudget(perMinute int) *budget {
	burst := max(1, float64(perMinute)/3)
	return &budget{tokens: burst, burst: burst, rate: max(1, float64(perMinute)-burst) / 60, last: time.Now()}
}

// wait takes one beginning, as soon as there is one. Its error is ctx's.
func (b *budget) wait(ctx context.Context) error {
	b.mu.Lock()
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.last).Seconds())
	b.last = now
	b.tokens--
	short := -b.tokens
	b.mu.Unlock()
	if short <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Duration(short / b.rate * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		b.mu.Lock()
		b.tokens++ // not used
		b.mu.Unlock()
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
