package wallet

import "errors"

// browser says that what is kept may be thrown away by others at any time.
const browser = true

func dirStorage(string) (Storage, error) {
	return nil, errors.New("wallet: a browser has no folders; give a Storage")
}
