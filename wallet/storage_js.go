package wallet

import "errors"

func dirStorage(string) (Storage, error) {
	return nil, errors.New("wallet: a browser has no folders; give a Storage")
}
