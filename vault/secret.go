package vault

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"time"
)

const redacted = "•••"

// ClipboardTime is how long a secret stays in the clipboard.
const ClipboardTime = 20 * time.Second

// ClearClipboard waits for ClipboardTime, or until ctx ends, and then empties
// the clipboard if it still holds what was put there. read and write are the
// window's.
func ClearClipboard(ctx context.Context, put Secret, read func() string, write func(string)) {
	timer := time.NewTimer(ClipboardTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if NewSecret([]byte(read())).Equal(put) {
		write("")
	}
}

// Secret holds bytes that no formatting, logging or encoding shows: it prints
// as "•••" everywhere, also inside other structs. The zero value is empty.
// Copies share their bytes, so wiping one wipes all.
type Secret struct {
	// Two pointers away: fmt prints an unexported field of another type's struct
	// by reflection, without calling methods. It then shows an address, but for
	// a wrong verb it follows one pointer.
	h *holder
}

type holder struct{ b *[]byte }

// NewSecret takes ownership of b. Where the system lets it, it keeps b out of
// swap.
func NewSecret(b []byte) Secret {
	lockMemory(b)
	return Secret{&holder{&b}}
}

// Expose returns the bytes themselves, not a copy. Call it where they are used
// and nowhere else.
func (s Secret) Expose() []byte {
	if s.h == nil {
		return nil
	}
	return *s.h.b
}

// Len returns the number of bytes.
func (s Secret) Len() int { return len(s.Expose()) }

// Wipe overwrites the bytes and leaves s, and every copy of it, empty.
func (s Secret) Wipe() {
	if s.h != nil {
		Wipe(*s.h.b)
		*s.h.b = nil
	}
}

// String returns "•••".
func (s Secret) String() string { return redacted }

// GoString returns "•••".
func (s Secret) GoString() string { return redacted }

// Format writes "•••" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "•••".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "•••" in quotes.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns "•••".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Wipe overwrites b with zeros. Copies that the runtime, a string or the
// system made of it stay until their memory is used again; Go offers no more.
func Wipe(b []byte) {
	clear(b)
	runtime.KeepAlive(&b)
}
