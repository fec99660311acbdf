package jsonrpc

import (
	"errors"
	"syscall"
)

// wsaeconnrefused is Winsock's number; package syscall's ECONNREFUSED is an invented one on Windows.
const wsaeconnrefused = syscall.Errno(10061)

func isRefused(err error) bool { return errors.Is(err, wsaeconnrefused) }
