//go:build unix && !darwin

package main

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

var errNoDisplay = errors.New("no display")

// findDisplay fails where no window can be opened: Fyne itself would end with a
// trace that helps nobody.
func findDisplay() error {
	if os.Getenv("WAYLAND_DISPLAY") != "" || os.Getenv("WAYLAND_SOCKET") != "" {
		return nil
	}
	host, number, found := strings.Cut(os.Getenv("DISPLAY"), ":")
	if !found {
		return errNoDisplay
	}
	number, _, _ = strings.Cut(number, ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return errNoDisplay
	}
	// X listens on a socket in the file system, on one beside it (Linux), or,
	// mostly through ssh, on a port from 6000 on.
	places := [][2]string{{"unix", "/tmp/.X11-unix/X" + number}, {"unix", "@/tmp/.X11-unix/X" + number}}
	if host != "" && host != "unix" {
		if n > 59535 {
			return errNoDisplay
		}
		places = [][2]string{{"tcp", net.JoinHostPort(host, strconv.FormatUint(6000+n, 10))}}
	}
	for _, p := range places {
		if c, err := net.DialTimeout(p[0], p[1], 5*time.Second); err == nil {
			c.Close()
			// Told so, Fyne does not look for Wayland, which would complain.
			if os.Getenv("FYNE_PLATFORM") == "" {
				return os.Setenv("FYNE_PLATFORM", "x11")
			}
			return nil
		}
	}
	return errNoDisplay
}
