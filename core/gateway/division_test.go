package gateway

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// For every size that a pool may give, devices that come and go make coinbases of the right size that no other device
// can make before there is new work.
func TestSpacesAreDisjoint(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for first := stratum.MinExtranonce1; first <= stratum.MaxExtranonce1; first++ {
		for size := stratum.MinExtranonce2; size <= stratum.MaxExtranonce2; size++ {
			for _, lanes := range []bool{false, true} {
				j := &pow.Job{Coinbase1: []byte{1, 2, 3}, Coinbase2: []byte{9}, Extranonce1: bytes.Repeat([]byte{7}, first), Extranonce2Size: size}
				d := divide(size, lanes)
				if !d.fits(size) || d.own < min(size, minLane) || !lanes && d.own < min(size, minOwn) {
					t.Fatalf("extranonce2 of %d bytes is divided as %+v", size, d)
				}
				s := slots{total: d.slots()}
				used := map[string]bool{} // beginnings of coinbases, since the last clean job
				var here []int
				for range 600 {
					switch random.IntN(3) {
					case 0:
						if len(here) > 0 {
							i := random.IntN(len(here))
							searched := random.IntN(3) > 0
							if s.leave(here[i], searched); !searched {
								delete(used, beginning(t, d, here[i], j))
							}
							here = append(here[:i], here[i+1:]...)
						}
					case 1:
						if random.IntN(100) == 0 {
							s.clean()
							clear(used)
							for _, slot := range here {
								used[beginning(t, d, slot, j)] = true
							}
						}
					default:
						slot, ok := s.take()
						if !ok {
							if len(here)+len(s.dead) != d.slots() {
								t.Fatal("no room where there is some")
							}
							continue
						}
						b := beginning(t, d, slot, j)
						if used[b] {
							t.Fatalf("sizes %d and %d: two devices search the same space", first, size)
						}
						used[b] = true
						here = append(here, slot)
					}
				}
			}
		}
	}
}

// beginning is what stands in every coinbase of a device before what it may choose; the pool and the device must agree
// on it.
func beginning(t *testing.T, d division, slot int, j *pow.Job) string {
	t.Helper()
	own := bytes.Repeat([]byte{0xee}, d.own)
	full := d.extranonce2(slot, own, j)
	if len(full) != j.Extranonce2Size {
		t.Fatalf("the pool gets %d bytes instead of %d", len(full), j.Extranonce2Size)
	}
	device := *j
	device.Coinbase1, device.Extranonce1 = d.head(j), d.extranonce1(slot, j)
	if len(device.Extranonce1) < stratum.MinExtranonce1 || len(device.Extranonce1) > stratum.MaxExtranonce1 {
		t.Fatalf("extranonce1 of %d bytes", len(device.Extranonce1))
	}
	if !bytes.Equal(device.Coinbase(own), j.Coinbase(full)) {
		t.Fatal("device and pool see different coinbases")
	}
	if d.extranonce2(slot, own[1:], j) != nil || d.extranonce2(slot, append(own, 0), j) != nil {
		t.Fatal("took an extranonce2 of another size")
	}
	return string(j.Coinbase(full)[:len(j.Coinbase1)+len(j.Extranonce1)+j.Extranonce2Size-d.own])
}
