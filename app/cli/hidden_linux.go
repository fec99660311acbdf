package main

import "golang.org/x/sys/unix"

// How a terminal's settings are read and written here; see termios(4).
const (
	readTermios  = unix.TCGETS
	writeTermios = unix.TCSETS
)
