// Package reply reads what exchanges and pools answer: JSON of a bounded size,
// and amounts as decimal text.
//
// It refuses an answer that is longer than Max, is not JSON in UTF-8, nests deeply, says
// one thing twice in an object, or holds an amount that is not a plain decimal number.
// It never makes a float of an amount: what a provider wrote is what is shown, digit by
// digit. JSON is RFC 8259.
package reply

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"
)

// Max is the longest answer that is read, in bytes.
const Max = 2 << 20

const (
	maxDepth  = 16
	maxAmount = 60  // bytes of an amount as a provider writes it
	maxPower  = 40  // of ten, in an amount with an exponent
	maxText   = 200 // bytes of a Text
)

// ErrUnreadable says that an answer is not what the provider's documents describe.
var ErrUnreadable = errors.New("the answer is not what the provider's documents describe")

// Decode reads one JSON value into v, and nothing may follow it. Fields that v does
// not have are skipped: providers add some. The error tells nothing of the answer.
func Decode(body []byte, v any) error {
	if len(body) > Max || depth(body) > maxDepth || !utf8.Valid(body) || repeats(body) {
		return ErrUnreadable
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if d.Decode(v) != nil {
		return ErrUnreadable
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ErrUnreadable
	}
	return nil
}

// depth counts how deeply brackets nest, those in texts apart.
func depth(body []byte) int {
	deepest, now, text, escaped := 0, 0, false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case text:
			escaped, text = c == '\\', c != '"'
		case c == '"':
			text = true
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// repeats says whether an object has two members of one name: readers differ in which
// of them counts. It is false for what is no JSON.
func repeats(body []byte) bool {
	type object struct {
		names map[string]bool // nil in a list
		name  bool            // a name is next
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var open []object
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].names != nil {
			in := &open[n-1]
			if name, ok := token.(string); ok && in.name {
				if in.names[name] {
					return true
				}
				in.names[name], in.name = true, false
				continue
			}
			in.name = true // after this value
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{names: make(map[string]bool), name: true})
		case json.Delim('['):
			open = append(open, object{})
		}
	}
}

// Amount is a decimal number as text, such as "0.00012300": digits, at most one
// point, perhaps a minus before them unless it is nothing, no exponent. The zero value
// is "", for an amount that was not told.
type Amount string

// ParseAmount reads an amount as a provider writes it; one with an exponent is
// written out.
func ParseAmount(s string) (Amount, error) {
	if len(s) > maxAmount {
		return "", ErrUnreadable
	}
	rest, minus := strings.CutPrefix(s, "-")
	mantissa, power, found := strings.Cut(strings.ToLower(rest), "e")
	whole, fraction, point := strings.Cut(mantissa, ".")
	if !digits(whole) || point && !digits(fraction) {
		return "", ErrUnreadable
	}
	if found {
		n, ok := exponent(power)
		if !ok {
			return "", ErrUnreadable
		}
		whole, fraction = shift(whole, fraction, n)
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	out := whole
	if fraction != "" {
		out += "." + fraction
	}
	if minus && !Amount(out).IsZero() {
		out = "-" + out
	}
	return Amount(out), nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// exponent reads the power of ten.
func exponent(s string) (int, bool) {
	s, minus := strings.CutPrefix(s, "-")
	if !minus {
		s = strings.TrimPrefix(s, "+")
	}
	if !digits(s) || len(s) > 3 {
		return 0, false
	}
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	if n > maxPower {
		return 0, false
	}
	if minus {
		n = -n
	}
	return n, true
}

// shift moves the point n places to the right.
func shift(whole, fraction string, n int) (string, string) {
	if n >= 0 {
		if len(fraction) < n {
			fraction += strings.Repeat("0", n-len(fraction))
		}
		return whole + fraction[:n], fraction[n:]
	}
	if len(whole) < -n {
		whole = strings.Repeat("0", -n-len(whole)) + whole
	}
	return whole[:len(whole)+n], whole[len(whole)+n:] + fraction
}

// UnmarshalJSON takes a JSON number and a text that holds one. null and "" leave
// the amount untold.
func (a *Amount) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" || s == `""` {
		*a = ""
		return nil
	}
	if inner, ok := strings.CutPrefix(s, `"`); ok {
		s = strings.TrimSuffix(inner, `"`)
	}
	parsed, err := ParseAmount(s)
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// IsZero says whether the amount is nothing, or was not told.
func (a Amount) IsZero() bool { return strings.Trim(string(a), "-0.") == "" }

// scaled gives the amount as an integer of units of ten to the power of -places.
func (a Amount) scaled(places int) *big.Int {
	whole, fraction, _ := strings.Cut(string(a), ".")
	if whole == "" {
		whole = "0"
	}
	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", places-len(fraction)), 10)
	if !ok {
		return new(big.Int) // not made by ParseAmount
	}
	return n
}

func (a Amount) places() int {
	_, fraction, _ := strings.Cut(string(a), ".")
	return len(fraction)
}

// Add returns the exact sum, with as many decimals as the longer of the two.
func (a Amount) Add(b Amount) Amount {
	places := max(a.places(), b.places())
	return decimal(new(big.Int).Add(a.scaled(places), b.scaled(places)), places)
}

// Sub returns the exact difference, as Add does.
func (a Amount) Sub(b Amount) Amount {
	places := max(a.places(), b.places())
	return decimal(new(big.Int).Sub(a.scaled(places), b.scaled(places)), places)
}

// Times returns the amount times a power of ten, exactly: a hash rate in TH/s times
// ten to the power of 12 is one in H/s. power is 0 to 24.
func (a Amount) Times(power int) Amount {
	if a == "" || power < 0 || power > 24 {
		return a
	}
	rest, minus := strings.CutPrefix(string(a), "-")
	whole, fraction, _ := strings.Cut(rest, ".")
	whole, fraction = shift(whole, fraction, power)
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if minus {
		whole = "-" + whole
	}
	return Amount(whole)
}

func decimal(n *big.Int, places int) Amount {
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	s := new(big.Int).Abs(n).String()
	if len(s) <= places {
		s = strings.Repeat("0", places-len(s)+1) + s
	}
	if places > 0 {
		s = s[:len(s)-places] + "." + s[len(s)-places:]
	}
	return Amount(sign + s)
}

// Text is a name, an address or the like of a provider: printable ASCII of at most
// 200 bytes. What is not becomes "", so that nobody is shown half of it.
type Text string

// UnmarshalJSON takes a text, a number or null.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = ""
	s := string(b)
	if strings.HasPrefix(s, `"`) {
		if json.Unmarshal(b, &s) != nil {
			return ErrUnreadable
		}
	} else if s == "null" {
		return nil
	} else if _, err := ParseAmount(s); err != nil {
		return ErrUnreadable
	}
	*t = Plain(s)
	return nil
}

// Plain makes a Text of what a provider wrote.
func Plain(s string) Text {
	if len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return Text(s)
}

// Unix reads a time in seconds since 1970 as a text or a number of a provider.
// Nothing, zero and a time that cannot be are the zero Time.
func Unix(a Amount) time.Time { return moment(a, time.Second) }

// UnixMilli is Unix for milliseconds.
func UnixMilli(a Amount) time.Time { return moment(a, time.Millisecond) }

func moment(a Amount, unit time.Duration) time.Time {
	whole, _, _ := strings.Cut(string(a), ".")
	n, ok := new(big.Int).SetString(whole, 10)
	if !ok || !n.IsInt64() || n.Sign() <= 0 {
		return time.Time{}
	}
	v := n.Int64()
	if unit == time.Millisecond {
		v /= 1000
	}
	if v > 253402300799 || v == 0 { // the end of the year 9999
		return time.Time{}
	}
	return time.Unix(v, 0).UTC()
}
