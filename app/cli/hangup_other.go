//go:build !unix

package main

import "os"

// hangups tells of nothing: there is no such signal here.
func hangups() (<-chan os.Signal, func()) { return nil, func() {} }

func hasTerminal() bool { return false }
