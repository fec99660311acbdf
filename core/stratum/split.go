package stratum

import "encoding/json"

// The parts of a JSON text are found here without copying any: a server reads as many messages as its devices send.
// What is split was found to be valid before; encoding/json decides that.

// pairs calls yield with the names and values of an object, as JSON. It reports whether text is one.
func pairs(text []byte, yield func(name, value []byte)) bool {
	i := blank(text, 0)
	if i >= len(text) || text[i] != '{' {
		return false
	}
	for i = blank(text, i+1); text[i] != '}'; {
		end := valueEnd(text, i)
		name := text[i:end]
		i = blank(text, blank(text, end)+1) // the colon
		end = valueEnd(text, i)
		yield(name, text[i:end])
		if i = blank(text, end); text[i] == ',' {
			i = blank(text, i+1)
		}
	}
	return true
}

// items appends the values of a list to dst, as JSON, and at most limit of them. It reports whether text is a list that
// is no longer.
func items(dst []json.RawMessage, text []byte, limit int) ([]json.RawMessage, bool) {
	i := blank(text, 0)
	if i >= len(text) || text[i] != '[' {
		return dst, false
	}
	for i = blank(text, i+1); text[i] != ']'; {
		if len(dst) == limit {
			return dst, false
		}
		end := valueEnd(text, i)
		dst = append(dst, text[i:end:end])
		if i = blank(text, end); text[i] == ',' {
			i = blank(text, i+1)
		}
	}
	return dst, true
}

// blank returns where the blanks from i on end.
func blank(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r') {
		i++
	}
	return i
}

// valueEnd returns where the value that begins at i ends.
func valueEnd(text []byte, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // a number or a word, in the list or object that ends here
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// plainString returns a JSON text that holds nothing but plain characters, so that it stands for itself.
func plainString(raw []byte) (s []byte, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, false
	}
	s = raw[1 : len(raw)-1]
	for _, c := range s {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return nil, false
		}
	}
	return s, raw[len(raw)-1] == '"'
}
