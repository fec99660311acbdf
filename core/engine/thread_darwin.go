package engine

import "golang.org/x/sys/unix"

// Of setpriority(2): which and what.
const (
	prioDarwinThread = 3
	prioDarwinBG     = 0x1000
)

// yieldTo lets other programs go first; it cannot be undone. The system knows no
// priority of one thread but the background, which is 19; below that the whole
// program yields, its window included.
func yieldTo(nice int) {
	if nice == maxNice {
		_ = unix.Setpriority(prioDarwinThread, 0, prioDarwinBG)
		return
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, nice)
}
