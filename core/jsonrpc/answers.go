package jsonrpc

import (
	"net"
	"sync"
)

// AnswersOnly returns c as package net/http is to have it: nothing is read before something was written. What a server
// says unasked, that package would put into the program's log, in the server's own words.
func AnswersOnly(c net.Conn) net.Conn {
	return &answersOnly{Conn: c, asked: make(chan struct{}), closed: make(chan struct{})}
}

type answersOnly struct {
	net.Conn
	ask, close    sync.Once
	asked, closed chan struct{}
}

func (c *answersOnly) Read(b []byte) (int, error) {
	select {
	case <-c.asked:
		return c.Conn.Read(b)
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *answersOnly) Write(b []byte) (int, error) {
	c.ask.Do(func() { close(c.asked) })
	return c.Conn.Write(b)
}

func (c *answersOnly) Close() error {
	c.close.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
