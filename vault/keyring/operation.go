//go:build !js

package keyring

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"goldpan/vault"
)

// operation is one that runs, or ran.
type operation struct {
	done     chan struct{} // closed when it has ended
	late     time.Time     // when it timed out
	changing atomic.Bool   // it is within a call that changes the keyring
	waiting  atomic.Bool   // it waits for another program, and not for the keyring
}

// giveUp is how long an answer is waited for after the time-out.
const giveUp = time.Minute

func newTurn() chan struct{} {
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	return turn
}

// do runs op alone and in a goroutine of its own, and waits for it no longer
// than the time-out. op must look at its context before each call of the
// backend that changes something.
func (s *Store) do(ctx context.Context, op func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	opCtx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if s.isStuck(opCtx) {
		return s.late(ctx)
	}
	turn, ok := s.take(opCtx)
	if !ok {
		return s.late(ctx)
	}
	o := &operation{done: make(chan struct{})}
	result := make(chan error, 1)
	go func() {
		defer close(o.done)
		result <- guard(context.WithValue(opCtx, running{}, o), op)
		turn <- struct{}{}
	}()
	select {
	case err := <-result:
		if err != nil && opCtx.Err() != nil {
			return s.late(ctx) // the keyring failed because it was cut off
		}
		return err
	case <-opCtx.Done():
		if ctx.Err() == nil && !o.waiting.Load() {
			s.mu.Lock()
			o.late = time.Now()
			s.stuck = o
			s.mu.Unlock()
		}
		return s.late(ctx)
	}
}

// running is the key of an operation in its own context.
type running struct{}

// change calls the backend to change something.
func change(ctx context.Context, call func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if o, ok := ctx.Value(running{}).(*operation); ok {
		o.changing.Store(true)
		defer o.changing.Store(false)
	}
	return call()
}

// take waits until nobody else has the turn.
func (s *Store) take(ctx context.Context) (turn chan struct{}, ok bool) {
	for {
		s.mu.Lock()
		turn := s.turn
		s.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return nil, false
		}
		s.mu.Lock()
		same := turn == s.turn
		s.mu.Unlock()
		if same {
			return turn, true
		}
		turn <- struct{}{} // somebody went past: there is another turn now
	}
}

// isStuck reports whether an operation that timed out still waits. One that will
// wait for ever is left behind, if the keyring is there again.
func (s *Store) isStuck(ctx context.Context) bool {
	s.mu.Lock()
	o := s.stuck
	s.mu.Unlock()
	if o == nil {
		return false
	}
	select {
	case <-o.done:
		s.forget(o, false)
		return false
	default:
	}
	// What could still be written would come after what is written now.
	if time.Since(o.late) < s.giveUp || o.changing.Load() || s.usable(ctx) != nil {
		return true
	}
	s.forget(o, true)
	return false
}

// forget no longer waits for an operation; past it, who comes next gets a turn of
// its own.
func (s *Store) forget(o *operation, past bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stuck != o {
		return
	}
	s.stuck = nil
	if past {
		s.turn = newTurn()
	}
}

// late says why waiting ended: the caller's context, or the time-out.
func (s *Store) late(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &vault.Error{
		Store:  storeName,
		Detail: fmt.Sprintf("waited %v", s.timeout),
		Hint:   "Look for a window of your keyring that asks for its password, answer it, then try again; if there is none, sign out and in again.",
		Err:    vault.ErrTimeout,
	}
}

// guard turns a panic into an error: go-keyring trusts the types of what the
// keyring service answers.
func guard(ctx context.Context, op func(context.Context) error) (err error) {
	defer func() {
		if recover() != nil {
			err = &vault.Error{
				Store:  storeName,
				Detail: "its answer makes no sense",
				Hint:   "Restart your keyring by signing out and in again.",
				Err:    vault.ErrUnavailable,
			}
		}
	}()
	return op(ctx)
}
