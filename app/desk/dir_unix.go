//go:build unix && !darwin

package desk

import (
	"os"
	"path/filepath"
)

// defaultDir follows the XDG base directory specification.
func defaultDir() (string, error) {
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "goldpan"), err
}
