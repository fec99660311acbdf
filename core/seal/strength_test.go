package seal

import "testing"

func TestStrength(t *testing.T) {
	for _, x := range []struct {
		passphrase  string
		least, most float64
	}{
		{"", 0, 0},
		{"password", 0, 8},
		{"Password123", 0, 15},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 30},
		{"abcdefghijklmnop", 0, 20},
		{"1234567890123456", 0, 15},
		{"20260101", 0, 25},
		{"river river river river river river", 0, 30},
		{"correct horse battery staple", 0, 40}, // the one that everybody knows
		{"teal walrus hums under copper moons", 50, 90},
		{"k7#Wq9!zR2$vM4&x", 50, 120},
		{"x8Kd-93Tz-m2Qp-7Lw", 50, 120},
	} {
		if got := Strength(x.passphrase); got < x.least || got > x.most {
			t.Errorf("%q: %.1f bits, want %.0f to %.0f", x.passphrase, got, x.least, x.most)
		}
	}
	for _, s := range []string{"\xff\xfe", "\u0301", "ﬀ", "İ", "日本語のパスフレーズです"} {
		if Strength(s) <= 0 {
			t.Errorf("%q counts for nothing", s)
		}
	}
}

func FuzzStrength(f *testing.F) {
	f.Add("Pass word 12")
	f.Fuzz(func(t *testing.T, s string) {
		if b := Strength(s); b < 0 || b > 9*float64(len(s)) {
			t.Fatalf("%q: %f", s, b)
		}
	})
}
