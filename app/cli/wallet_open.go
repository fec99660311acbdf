package main

import (
	"context"
	"io"
)

// patiently opens something that takes a while and cannot be cut short, as the
// key of a passphrase does. When ctx ends before, it is left to itself, and what
// it opens then is closed again.
func patiently[T io.Closer](ctx context.Context, open func() (T, error)) (opened T, err error) {
	type answer struct {
		opened T
		err    error
	}
	answers := make(chan answer)
	go func() {
		var a answer
		a.opened, a.err = open()
		select {
		case answers <- a:
		case <-ctx.Done():
			if a.err == nil {
				_ = a.opened.Close()
			}
		}
	}()
	select {
	case a := <-answers:
		return a.opened, a.err
	case <-ctx.Done():
		return opened, ctx.Err()
	}
}
