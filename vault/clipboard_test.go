package vault

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestClearClipboard(t *testing.T) {
	for what, c := range map[string]struct {
		now   string // what the clipboard holds then
		early bool
		want  string
	}{
		"unchanged":           {"hunter2", false, ""},
		"something else":      {"a recipe", false, "a recipe"},
		"the program ends":    {"hunter2", true, ""},
		"it was empty by now": {"", false, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var mu sync.Mutex
			holds, began := "hunter2", time.Now()
			read := func() string { mu.Lock(); defer mu.Unlock(); return holds }
			write := func(s string) { mu.Lock(); defer mu.Unlock(); holds = s }
			done := make(chan struct{})
			go func() {
				defer close(done)
				ClearClipboard(ctx, NewSecret([]byte("hunter2")), read, write)
			}()
			synctest.Wait()
			if read() != "hunter2" {
				t.Errorf("%s: cleared at once", what)
			}
			write(c.now)
			if c.early {
				cancel()
			}
			<-done
			if passed := time.Since(began); read() != c.want || !c.early && passed != ClipboardTime || c.early && passed != 0 {
				t.Errorf("%s: after %v it holds %q", what, passed, read())
			}
		})
	}
}

func TestSecretEqual(t *testing.T) {
	a := NewSecret([]byte("hunter2"))
	if !a.Equal(NewSecret([]byte("hunter2"))) || a.Equal(NewSecret([]byte("hunter3"))) || a.Equal(NewSecret([]byte("hunter"))) || a.Equal(Secret{}) || !(Secret{}).Equal(Secret{}) {
		t.Error("Equal is wrong")
	}
}
