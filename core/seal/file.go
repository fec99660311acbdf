//go:build !js

package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrTooLong says that a file is longer than it may be.
var ErrTooLong = errors.New("file too long")

const (
	// Previous is added to a path for the copy that WriteFile keeps.
	Previous = ".previous"
	// Damaged is added to a path for the file that Mend sets aside.
	Damaged = ".damaged"
)

// WriteFile writes a file so that a crash at any moment leaves the old or the new content, whole, and keeps the
// old content at path+Previous. Both have the mode perm. The folder must exist.
//
// It writes a temporary file beside it, syncs and reads it back, and only then renames; then it syncs the folder.
// Two writers do not mix their bytes, but the later one wins: callers that share a file lock it.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	if err := writeFile(path, data, perm, func() error {
		old, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return writeFile(path+Previous, old, perm, func() error { return nil })
	}); err != nil {
		return fmt.Errorf("seal: write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Mend writes what ReadFile restored back to path, so that the previous copy, which stays as it is, is not the only
// good one. The file that could not be used is kept at path+Damaged.
func Mend(path string, data []byte, perm fs.FileMode) error {
	if err := writeFile(path, data, perm, func() error {
		if err := os.Rename(path, path+Damaged); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}); err != nil {
		return fmt.Errorf("seal: mend %s: %w", filepath.Base(path), err)
	}
	return nil
}

// writeFile calls before when the new content is on disk, and then puts it in its place.
func writeFile(path string, data []byte, perm fs.FileMode, before func() error) error {
	dir := filepath.Dir(path)
	tmp, err := writeTemp(dir, filepath.Base(path), data, perm)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) // does nothing once it is renamed
	if err := before(); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(dir)
}

// writeTemp writes and verifies a temporary file, and gives its path.
func writeTemp(dir, base string, data []byte, perm fs.FileMode) (path string, err error) {
	f, err := os.CreateTemp(dir, "."+base+".*.tmp") // made with mode 0600
	if err != nil {
		return "", err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			os.Remove(f.Name())
			path = ""
		}
	}()
	if runtime.GOOS != "windows" {
		if err := f.Chmod(perm); err != nil {
			return "", err
		}
	}
	if _, err := f.Write(data); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if err := same(f, data); err != nil {
		return "", err
	}
	return f.Name(), nil
}

// same holds when r gives exactly data, for a disk that takes bytes and loses them.
func same(r io.Reader, data []byte) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > len(data) || string(buf[:n]) != string(data[:n]) {
			return errors.New("what was written does not read back")
		}
		data = data[n:]
		if err == io.EOF {
			if len(data) > 0 {
				return errors.New("what was written does not read back")
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced there, and its rename is journaled
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// ReadFile reads a file of at most limit bytes and hands it to check; when the file is missing, too long or fails
// the check, it tries the copy that WriteFile kept, and restored says so. Without a good copy the error is the
// first file's: fs.ErrNotExist only if neither is there.
func ReadFile(path string, limit int64, check func([]byte) error) (data []byte, restored bool, err error) {
	data, err = readBounded(path, limit, check)
	if err == nil {
		return data, false, nil
	}
	previous, errPrevious := readBounded(path+Previous, limit, check)
	if errPrevious == nil {
		return previous, true, nil
	}
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(errPrevious, fs.ErrNotExist) {
		err = errPrevious
	}
	return nil, false, fmt.Errorf("seal: read %s: %w", filepath.Base(path), err)
}

func readBounded(path string, limit int64, check func([]byte) error) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, ErrTooLong
	}
	if err := check(data); err != nil {
		return nil, err
	}
	return data, nil
}
