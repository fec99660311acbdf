//go:build !unix || darwin

package desk

import (
	"os"
	"path/filepath"
)

func defaultDir() (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "goldpan"), err
}
