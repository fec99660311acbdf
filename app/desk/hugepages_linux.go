package desk

import (
	"os"
	"strings"
)

// hugePagesFinding reads the kernel's choice, which stands in brackets.
func hugePagesFinding() Finding {
	f := Finding{Name: "huge pages"}
	b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil {
		f.Text, f.Hint = "this kernel does not say", "Nothing is lost; they gain a few percent at most."
		return f
	}
	_, after, _ := strings.Cut(string(b), "[")
	choice, _, _ := strings.Cut(after, "]")
	f.Text, f.OK = "transparent huge pages: "+choice, choice == "always" || choice == "madvise"
	if !f.OK {
		f.Hint = "Nothing is lost; they gain a few percent at most."
	}
	return f
}
