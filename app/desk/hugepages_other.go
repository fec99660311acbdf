//go:build !linux

package desk

func hugePagesFinding() Finding {
	return Finding{Name: "huge pages", OK: true, Text: "not asked for on this system"}
}
