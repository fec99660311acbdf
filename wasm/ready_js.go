package main

import (
	"context"
	"errors"
	"syscall/js"
)

// ready waits until every lane of these has its kernel, and returns the kernel's name, "generic" if it is that of any.
func ready(ctx context.Context, ports []js.Value) (kernel string, err error) {
	if len(ports) == 0 {
		return "", errors.New("there is no lane to work with")
	}
	type answer struct{ kernel, fault string }
	answers := make(chan answer, len(ports)) // a lane answers once: it is ready, or it is not
	listen := js.FuncOf(func(_ js.Value, args []js.Value) any {
		m := args[0].Get("data")
		a := answer{}
		switch m.Get("type").String() {
		case "ready":
			a.kernel = m.Get("kernel").String()
		case "fault":
			a.fault = m.Get("reason").String()
		default:
			return nil
		}
		select {
		case answers <- a:
		default:
		}
		return nil
	})
	defer listen.Release()
	for _, port := range ports {
		port.Set("onmessage", listen)
		defer port.Set("onmessage", js.Null())
	}
	for range ports {
		select {
		case a := <-answers:
			if a.fault != "" {
				return "", errors.New(a.fault)
			}
			// One slower lane is what the page must speak of.
			if kernel != "generic" {
				kernel = a.kernel
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return kernel, nil
}
