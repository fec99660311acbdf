package machine

import (
	"context"
	"strconv"
	"strings"
)

// others reads the counters of all processors and of this program.
type others struct {
	tree
	load
}

func (o *others) read(context.Context) change {
	all, ok := o.text("proc/stat")
	own, ok2 := o.text("proc/self/stat")
	if !ok || !ok2 {
		return nil
	}
	total, idle, ok := parseStat(all)
	used, ok2 := parseSelf(own)
	if !ok || !ok2 {
		return nil
	}
	return o.add(total, idle, used)
}

// parseStat reads the first line of /proc/stat: user, nice, system, idle, iowait,
// irq, softirq, steal, and guests, which user and nice hold already. Time that
// the computer had to wait for other virtual machines is idle here: no program of
// its own has used it.
func parseStat(s string) (total, idle int64, ok bool) {
	line, _, _ := strings.Cut(s, "\n")
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[0] != "cpu" {
		return 0, 0, false
	}
	for i, f := range fields[1:min(len(fields), 9)] {
		n, ok := ticks(f)
		if !ok {
			return 0, 0, false
		}
		total += n
		if i == 3 || i == 4 || i == 7 {
			idle += n
		}
	}
	return total, idle, true
}

// parseSelf reads the 14th and 15th field of /proc/self/stat, utime and stime. The
// second is the program's name in parentheses, which may hold anything.
func parseSelf(s string) (used int64, ok bool) {
	end := strings.LastIndexByte(s, ')')
	if end < 0 {
		return 0, false
	}
	fields := strings.Fields(s[end+1:])
	if len(fields) < 13 {
		return 0, false
	}
	user, ok := ticks(fields[11])
	system, ok2 := ticks(fields[12])
	return user + system, ok && ok2
}

// ticks reads a counter. It is bounded so that all of a line can be added.
func ticks(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n < 1<<59
}
