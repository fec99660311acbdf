//go:build !js

package stratum

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
)

// Serve accepts miners until ctx ends, and returns nil when the last of them is gone. It returns an error when the
// listener fails. It closes the listener.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	var miners sync.WaitGroup
	defer func() {
		cancel()
		stop()
		ln.Close()
		miners.Wait()
	}()
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			miners.Go(func() {
				// Why a miner was sent away is its own affair; the backend hears that it is gone.
				_ = s.ServeConn(ctx, jsonrpc.NewLineConn(c, s.opts.MaxMessage))
			})
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept: %w", err)
		default: // too many open files, mostly: it passes
			timer := time.NewTimer(100 * time.Millisecond)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
			timer.Stop()
		}
	}
}
