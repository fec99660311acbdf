//go:build !js

package stratum

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

func TestFailoverAndReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b", "c")
		w.set("a", "refuse")
		f, end := w.run(w.pools("a", "b", "c"), nil)
		w.expect("0s job b", "0s moved b from ", "0s mining b")
		w.until(25 * time.Second)
		w.set("a", "")
		// Found at the third attempt, used again after it was healthy for a minute. No rest in between.
		w.until(95 * time.Second)
		w.expect("1m30s job a", "1m30s returned a from b", "1m30s mining a")
		if n := len(w.hosts["b"].peersNow()); n != 1 {
			t.Errorf("%d connections to the backup right after the return", n)
		}
		w.until(101 * time.Second)
		if n := len(w.hosts["b"].peersNow()); n != 0 {
			t.Errorf("%d connections to the backup are kept", n)
		}
		if s := f.Pools(); !s[0].Active || s[0].Phase != pow.Mining || s[1].Active || !s[1].Idle || !s[2].Idle {
			t.Errorf("got %+v", s)
		}
		// Once more, from a pool that worked.
		w.until(200 * time.Second)
		w.set("a", "refuse")
		w.until(205 * time.Second)
		w.expect("3m20s job none", "3m20s job b", "3m20s moved b from a", "3m20s mining b")
		if s := f.Pools(); s[0].Active || !errors.Is(s[0].Err, jsonrpc.ErrRefused) && s[0].Reason == "" || !s[1].Active || !s[2].Idle {
			t.Errorf("got %+v", s)
		}
		if n := w.hosts["c"].dials; n != 0 {
			t.Errorf("the third pool was dialled %d times", n)
		}
		// The backup dies too, while the first is on probation: the first is used at once.
		w.set("a", "")
		w.until(215 * time.Second)
		w.expect()
		w.set("b", "refuse")
		w.until(220 * time.Second)
		w.expect("3m35s job a", "3m35s returned a from b", "3m35s mining a")
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// One that drops and comes back again and again is not returned to, and the lanes stay with the backup.
func TestFailoverFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		_, end := w.run(w.pools("a", "b"), nil)
		w.expect("0s job a", "0s mining a")
		for d := 20 * time.Second; d < 10*time.Minute; d += 20 * time.Second {
			w.until(d)
			w.hosts["a"].drop()
		}
		w.until(10 * time.Minute)
		w.expect("20s job none", "20s job b", "20s moved b from a", "20s mining b")
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Many dead pools and a back-off that would let them be asked all the time: the attempts of all are bounded.
func TestFailoverStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b", "c", "d")
		for name := range w.hosts {
			w.set(name, "refuse")
		}
		_, end := w.run(w.pools("a", "b", "c", "d"), func(c *FailoverConfig) {
			c.Client.Backoff = func(int) time.Duration { return time.Millisecond }
		})
		w.until(10 * time.Minute)
		for i := range w.dials {
			n := 0
			for _, d := range w.dials[i:] {
				if d < w.dials[i]+time.Minute {
					n++
				}
			}
			if n > 30 {
				t.Fatalf("%d attempts in the minute from %v", n, w.dials[i])
			}
		}
		if len(w.dials) < 100 {
			t.Errorf("%d attempts in ten minutes", len(w.dials))
		}
		for _, h := range w.hosts {
			if h.dials < 20 {
				t.Errorf("%s was tried %d times", h.name, h.dials)
			}
		}
		// All come back: the first that answers is used at once.
		w.log = nil
		for name := range w.hosts {
			w.set(name, "")
		}
		w.until(10*time.Minute + 15*time.Second)
		if len(w.jobs) == 0 || len(w.log) == 0 || !strings.Contains(strings.Join(w.log, "\n"), "mining") {
			t.Errorf("not mining: %q", w.log)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestFailoverSilentAndUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		w.set("a", "hole")
		_, end := w.run(w.pools("a", "b"), nil)
		w.expect()
		w.until(15 * time.Second) // a dial that hangs keeps nobody from mining
		w.expect("10s job b", "10s moved b from ", "10s mining b")
		w.set("a", "")
		w.until(2 * time.Minute)
		w.expect("1m30s job a", "1m30s returned a from b", "1m30s mining a")
		w.set("a", "mute") // the last job came at 2m0s
		w.until(6 * time.Minute)
		w.expect("5m0s job none", "5m0s job b", "5m0s moved b from a", "5m0s mining b")
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A pool that gives one job at each connection and is silent then is not returned to, however often it answers.
func TestFailoverHalfDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		w.set("a", "once")
		_, end := w.run(w.pools("a", "b"), nil)
		w.until(20 * time.Minute)
		w.expect("0s job a", "0s mining a", "3m0s job none", "3m0s job b", "3m0s moved b from a", "3m0s mining b")
		if n := w.hosts["a"].dials; n < 5 {
			t.Errorf("it was tried %d times", n)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// What a pool says to a person is passed on with its name, whether it is used or not.
func TestFailoverMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		w.set("a", "talk")
		_, end := w.run(w.pools("a", "b"), nil)
		w.until(15 * time.Second)
		if len(w.log) == 0 || w.log[0] != "0s a says closed until bnoon/b" || w.log[len(w.log)-1] != "10s mining b" {
			t.Errorf("got %q", w.log)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A user that the pool refused is asked for again when the person sets the pools anew.
func TestFailoverRefusedIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		pools := w.pools("a", "b")
		pools[0].User = "stranger"
		f, end := w.run(pools, nil)
		w.expect("0s refused a from ", "0s job b", "0s moved b from ", "0s mining b")
		if err := f.SetPools(pools); err != nil {
			t.Fatal(err)
		}
		w.until(time.Second)
		w.expect("0s refused a from ")
		if n := w.hosts["a"].dials; n != 2 {
			t.Errorf("asked %d times", n)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestFailoverRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		pools := w.pools("a", "b")
		pools[0].User = "stranger"
		f, end := w.run(pools, nil)
		w.expect("0s refused a from ", "0s job b", "0s moved b from ", "0s mining b")
		w.until(20 * time.Minute)
		if n := w.hosts["a"].dials; n != 1 {
			t.Errorf("a pool that refuses the user was dialled %d times", n)
		}
		if s := f.Pools(); !s[0].Refused || s[0].Idle || s[0].Reason == "" || !errors.Is(s[0].Err, ErrUnauthorized) || !s[1].Active {
			t.Errorf("got %+v", s)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		w.log = nil
		pools[1].User = "stranger"
		_, end = w.run(pools, nil)
		if err := end(); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("all refuse, and Run says %v", err)
		}
		_, end = w.run(nil, nil)
		if err := end(); !errors.Is(err, ErrAddress) {
			t.Errorf("without a pool Run says %v", err)
		}
	})
}

// A backup that has paid the user before, and refuses at a later connection, is asked again.
func TestFailoverKnownUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a")
		f, end := w.run(w.pools("a"), nil)
		m := f.pools[0]
		f.Submit(unchecked(w.job(), 0), func(r pow.Result) { w.write("%v", r.Status) })
		synctest.Wait()
		w.expect("0s job a", "0s mining a", "0s accepted")
		f.act(func() { m.run.ended(fmt.Errorf("%w: busy", ErrUnauthorized)); f.settle(true) })
		w.until(5 * time.Second)
		w.expect("0s job none")
		w.until(11 * time.Second)
		w.expect("10s job a", "10s mining a")
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A pool that gives jobs and answers no shares is as good as down: it is left, for longer each time, as long as there
// is another.
func TestFailoverUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		w.set("a", "deaf")
		f, end := w.run(w.pools("a", "b"), nil)
		nonce := uint32(0)
		mine := func(until time.Duration) { // a share every half minute
			for time.Since(w.begun)+30*time.Second <= until {
				w.until(time.Since(w.begun) + 30*time.Second)
				if nonce++; w.jobs[len(w.jobs)-1] != nil {
					f.Submit(unchecked(w.job(), nonce), func(pow.Result) {})
				}
				synctest.Wait()
			}
		}
		w.until(10 * time.Second)
		mine(5 * time.Minute)
		w.expect("0s job a", "0s mining a")
		mine(7 * time.Minute)
		w.expect("6m0s job none", "6m0s job b", "6m0s moved b from a", "6m0s mining b")
		if s := f.Pools(); s[0].Idle || !errors.Is(s[0].Err, ErrUnanswered) || s[0].Failures == 0 {
			t.Errorf("a pool that was left stands as %+v", s[0])
		}
		mine(9*time.Minute + 10*time.Second)
		w.expect("9m0s job a", "9m0s returned a from b", "9m0s mining a") // two minutes away, one to be healthy
		mine(16 * time.Minute)
		w.expect("14m30s job none", "14m30s job b", "14m30s moved b from a", "14m30s mining b")
		// Where there is no other, it is tried all the same.
		w.set("b", "refuse")
		w.until(16*time.Minute + 5*time.Second)
		w.expect("15m40s job none", "15m40s job a", "15m40s returned a from b", "15m40s mining a")
		// One that answers again is left no more.
		w.set("a", "")
		w.hosts["a"].drop()
		mine(40 * time.Minute)
		if m := f.pools[0]; f.active != m || m.mute != 0 {
			t.Errorf("a pool that answers again stands as %+v", m)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestFailoverSetPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b", "c")
		f, end := w.run(w.pools("a", "b", "a"), nil)
		if n := len(f.Pools()); n != 2 {
			t.Errorf("%d pools of two, one named twice", n)
		}
		w.expect("0s job a", "0s mining a")
		w.until(10 * time.Second)
		if err := f.SetPools(w.pools("b", "a")); err != nil {
			t.Fatal(err)
		}
		w.until(71 * time.Second)
		w.expect("1m10s job b", "1m10s returned b from a", "1m10s mining b")
		if n := w.hosts["a"].dials; n != 1 {
			t.Errorf("the pool that stayed was dialled %d times", n)
		}
		if err := f.SetPools(w.pools("c")); err != nil {
			t.Fatal(err)
		}
		w.until(75 * time.Second)
		w.expect("1m11s job none", "1m11s job c", "1m11s mining c")
		if n := len(w.hosts["a"].peersNow()) + len(w.hosts["b"].peersNow()); n != 0 {
			t.Errorf("%d connections to pools that were taken out", n)
		}
		if err := f.SetPools(nil); !errors.Is(err, ErrAddress) {
			t.Errorf("no pools: %v", err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A pool whose certificate was not accepted is asked again at once when the person has come to trust it; one that is
// down for another reason waits on.
func TestFailoverRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		w.set("a", "unknown")
		w.set("b", "refuse")
		f, end := w.run(w.pools("a", "b"), func(c *FailoverConfig) {
			c.Client.Backoff = func(int) time.Duration { return time.Hour }
		})
		w.until(10 * time.Second)
		var c *jsonrpc.CertificateError
		if s := f.Pools(); !errors.As(s[0].Err, &c) || s[1].Err == nil {
			t.Errorf("got %+v", s)
		}
		w.set("a", "")
		before := w.hosts["b"].dials
		f.Retry()
		w.until(11 * time.Second)
		w.expect("0s down a", "10s job a", "10s mining a")
		if n := w.hosts["b"].dials; n != before {
			t.Errorf("the other pool was dialled %d times more", n-before)
		}
		f.Retry()
		w.until(12 * time.Second)
		w.expect() // one that works stays connected
		if n := w.hosts["a"].dials; n != 2 {
			t.Errorf("%d dials", n)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A share goes to the connection that its job came from: also in the moments after a return, and never elsewhere.
func TestFailoverRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b")
		w.set("a", "refuse")
		f, end := w.run(w.pools("a", "b"), nil)
		submit := func(j *pow.Job, nonce uint32) {
			f.Submit(unchecked(j, nonce), func(r pow.Result) {
				w.write("%v %d %s", r.Status, nonce, letter(r.Pool))
			})
			synctest.Wait()
		}
		ofB := w.job()
		w.set("a", "")
		w.until(71 * time.Second)
		ofA := w.job()
		w.mu.Lock()
		w.log = nil
		w.mu.Unlock()
		submit(ofB, 1)
		submit(ofA, 2)
		submit(ofB, 1) // again
		w.until(85 * time.Second)
		submit(ofB, 3) // its connection is closed by now
		submit(&pow.Job{Conn: 12345}, 4)
		submit(nil, 5)
		w.expect("1m11s accepted 1 b", "1m11s accepted 2 a", "1m11s rejected 1 b", "1m25s stale 3 ", "1m25s stale 4 ", "1m25s stale 5 ")
		a, b := w.hosts["a"].shares, w.hosts["b"].shares
		if !slices.Equal(a, []string{fmt.Sprintf("%x 2", ofA.Extranonce1)}) || !slices.Equal(b, []string{fmt.Sprintf("%x 1", ofB.Extranonce1)}) {
			t.Errorf("a got %q, b got %q", a, b)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}
