package wallet

import (
	"errors"
	"io/fs"
	"syscall/js"
)

// readEither is Storage.Read over one way to get the blob and one to get its previous copy. A copy that served is
// written back by mend.
func readEither(limit int64, check func([]byte) error, get, previous func() ([]byte, error), mend func([]byte) error) ([]byte, error) {
	good := func(get func() ([]byte, error)) ([]byte, error) {
		b, err := get()
		if err == nil && int64(len(b)) > limit {
			err = ErrDamaged
		}
		if err == nil {
			err = check(b)
		}
		return b, err
	}
	b, err := good(get)
	if err == nil {
		return b, nil
	}
	copied, errCopy := good(previous)
	if errCopy == nil {
		_ = mend(copied) // where nothing can be written the previous copy still serves
		return copied, nil
	}
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(errCopy, fs.ErrNotExist) {
		err = errCopy
	}
	return nil, err
}

// settle waits for a promise ("then"), or for the first of an object's events; the first one named is the good one.
func settle(x js.Value, events ...string) (js.Value, error) {
	type end struct {
		v    js.Value
		good bool
	}
	ends := make(chan end, 1)
	handler := func(good bool) js.Func {
		return js.FuncOf(func(_ js.Value, args []js.Value) any {
			e := end{js.Undefined(), good}
			if len(args) > 0 {
				e.v = args[0]
			}
			select {
			case ends <- e:
			default:
			}
			return nil
		})
	}
	yes, no := handler(true), handler(false)
	defer yes.Release()
	defer no.Release()
	if events[0] == "then" {
		x.Call("then", yes, no)
	} else {
		x.Set(events[0], yes)
		for _, e := range events[1:] {
			x.Set(e, no)
			defer x.Set(e, js.Null())
		}
		defer x.Set(events[0], js.Null())
	}
	e := <-ends
	if !e.good {
		return js.Undefined(), ErrBrowser
	}
	return e.v, nil
}

// catch makes an error of what JavaScript throws, whose text is not passed on.
func catch(err *error) {
	switch x := recover().(type) {
	case nil:
	case js.Error:
		*err = ErrBrowser
	default:
		panic(x)
	}
}

func (d indexed) get(name string, limit int64) (b []byte, err error) {
	defer catch(&err)
	request := d.db.Call("transaction", blobs, "readonly").Call("objectStore", blobs).Call("get", name)
	if _, err := settle(request, "onsuccess", "onerror"); err != nil {
		return nil, err
	}
	v := request.Get("result")
	if v.IsUndefined() {
		return nil, fs.ErrNotExist
	}
	if int64(v.Length()) > limit {
		return nil, ErrDamaged
	}
	b = make([]byte, v.Length())
	js.CopyBytesToGo(b, v)
	return b, nil
}

// put writes in one transaction, which moves what was there to its previous copy, unless that is the good one.
func (d indexed) put(name string, data []byte, keep bool) (err error) {
	defer catch(&err)
	array := js.Global().Get("Uint8Array").New(len(data))
	js.CopyBytesToJS(array, data)
	t := d.db.Call("transaction", blobs, "readwrite", map[string]any{"durability": "strict"})
	store := t.Call("objectStore", blobs)
	old := store.Call("get", name)
	write := js.FuncOf(func(js.Value, []js.Value) any {
		defer func() {
			switch x := recover().(type) {
			case nil:
			case js.Error: // no room, or no right
				t.Call("abort")
			default:
				panic(x)
			}
		}()
		if v := old.Get("result"); keep && !v.IsUndefined() {
			store.Call("put", v, name+previous)
		}
		return store.Call("put", array, name)
	})
	defer write.Release()
	old.Set("onsuccess", write)
	_, err = settle(t, "oncomplete", "onabort", "onerror")
	return err
}
