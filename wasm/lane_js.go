package main

import (
	"context"
	"syscall/js"

	"goldpan/core/hasher"
)

// lane lends the generic kernel to lane.js, which asks for it where the browser does not run kernel.wasm, and
// which decides what is hashed and when. It hands over
//
//	load(work)         the work's bytes, to be scanned from here on; an error's text, or ""
//	scan(first, count) a Uint32Array: how many nonces were scanned, then the hits among them
//
// and serves both until the worker is ended.
func lane(ctx context.Context, name string) error {
	algorithm, err := hasher.ParseAlgorithm(name)
	if err != nil {
		return err
	}
	kernel, err := hasher.Select(algorithm)
	if err != nil {
		return err
	}
	var (
		scanner = kernel.New()
		work    *hasher.Work
		hits    hasher.Hits
		array   = js.Global().Get("Uint32Array")
	)
	load := js.FuncOf(func(_ js.Value, args []js.Value) any {
		b := make([]byte, hasher.WorkSize)
		if args[0].Length() != len(b) {
			return "the work has another size"
		}
		js.CopyBytesToGo(b, args[0])
		w, err := hasher.ParseWork(b)
		if err != nil {
			return err.Error()
		}
		if w.Kind() != algorithm {
			return "the work is for another algorithm"
		}
		work = w
		return ""
	})
	defer load.Release()
	scan := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if work == nil {
			return array.New(1)
		}
		scanned := scanner.Scan(work, uint32(args[0].Int()), uint32(args[1].Int()), &hits)
		out := array.New(1 + hits.N)
		out.SetIndex(0, scanned)
		for i, nonce := range hits.Nonces[:hits.N] {
			out.SetIndex(1+i, nonce)
		}
		return out
	})
	defer scan.Release()
	js.Global().Call("goldpanLane", kernel.Name, load, scan)
	<-ctx.Done()
	return ctx.Err()
}
