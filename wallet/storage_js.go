package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"syscall/js"

	"goldpan/core/seal"
)

// browser says that what is kept may be thrown away by others at any time.
const browser = true

func dirStorage(string) (Storage, error) {
	return nil, errors.New("wallet: a browser has no folders; give a Storage")
}

// indexed is a Storage in the browser's database, and its locks are held across tabs.
type indexed struct{ db js.Value }

const (
	blobs    = "blobs" // the one table
	previous = ".previous"
)

// BrowserStorage opens the database of the page's origin, on a secure origin alone: else it fails with ErrInsecure.
// persistent tells whether the browser promised not to throw it away by itself; in a worker the page must have asked.
func BrowserStorage() (s Storage, persistent bool, err error) {
	defer catch(&err)
	global := js.Global()
	if !global.Get("isSecureContext").Truthy() {
		return nil, false, ErrInsecure
	}
	navigator := global.Get("navigator")
	if !global.Get("indexedDB").Truthy() || !navigator.Get("locks").Truthy() {
		return nil, false, ErrBrowser
	}
	if keeper := navigator.Get("storage"); keeper.Truthy() {
		ask := "persisted"
		if keeper.Get("persist").Type() == js.TypeFunction {
			ask = "persist"
		}
		if v, err := settle(keeper.Call(ask), "then"); err == nil {
			persistent = v.Truthy()
		}
	}
	request := global.Get("indexedDB").Call("open", "goldpan-wallet", 1)
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		return request.Get("result").Call("createObjectStore", blobs)
	})
	defer upgrade.Release()
	request.Set("onupgradeneeded", upgrade)
	if _, err := settle(request, "onsuccess", "onerror", "onblocked"); err != nil {
		return nil, false, err
	}
	return indexed{request.Get("result")}, persistent, nil
}

func (d indexed) Read(name string, limit int64, check func([]byte) error) ([]byte, error) {
	return readEither(limit, check, func() ([]byte, error) { return d.get(name, limit) }, func() ([]byte, error) { return d.get(name+previous, limit) },
		func(b []byte) error { return d.put(name, b, false) })
}

func (d indexed) Write(name string, data []byte) error {
	if err := d.put(name, data, true); err != nil {
		return err
	}
	if b, err := d.get(name, int64(len(data))); err != nil || !bytes.Equal(b, data) {
		return fmt.Errorf("%w: what was written does not read back", ErrBrowser)
	}
	return nil
}

func (d indexed) Lock(name string) (release func() error, err error) {
	defer catch(&err)
	held := make(chan bool, 1)
	var resolve js.Value
	hold := js.FuncOf(func(_ js.Value, args []js.Value) any { resolve = args[0]; return nil })
	defer hold.Release()
	got := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].IsNull() {
			held <- false
			return nil
		}
		promise := js.Global().Get("Promise").New(hold)
		held <- true
		return promise
	})
	defer got.Release()
	js.Global().Get("navigator").Get("locks").Call("request", "goldpan-wallet "+name, map[string]any{"ifAvailable": true}, got)
	if !<-held {
		return nil, ErrInUse
	}
	return func() error { resolve.Invoke(); return nil }, nil
}

func (d indexed) PracticeKey(create bool) (k seal.Key, err error) {
	b, err := d.get(practiceKeyBlob, int64(len(k)))
	switch {
	case err == nil && len(b) == len(k) && seal.Key(b) != (seal.Key{}):
		return seal.Key(b), nil
	case create && errors.Is(err, fs.ErrNotExist):
		k = seal.GenerateKey()
		return k, d.put(practiceKeyBlob, k[:], false)
	}
	return seal.Key{}, ErrKeyFile
}

const practiceKeyBlob = "practice.key"
