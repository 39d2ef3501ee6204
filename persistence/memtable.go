package persistence

import (
	"errors"
	"os"
	"path/filepath"
)

// memtableLeft is how large a memtable must be, in bytes, to hold the largest log of a
// database that was not closed; 0 if there are no logs. Badger reads each log into a
// memtable of the configured size, and ends the process if that is too small. This
// happens after SIGKILL if memory_mb is made smaller.
func memtableLeft(path string) (least int64, err error) {
	logs, err := filepath.Glob(filepath.Join(path, "*.mem"))
	if err != nil {
		return 0, err
	}
	for _, log := range logs {
		size, err := logged(log)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		least = max(least, size)
	}
	return least, nil
}

// logged is the size of the memtable that a log needs, in bytes. Badger makes a log
// twice as long as its memtable, and fills it with zeros. When it opens a log again, it
// cuts the zeros off; in memory the rest takes up to half as much again.
func logged(path string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		return 0, err
	}
	end := make([]byte, 8)
	if about.Size() < int64(len(end)) {
		return 0, nil
	}
	if _, err := file.ReadAt(end, about.Size()-int64(len(end))); err != nil {
		return 0, err
	}
	if [8]byte(end) == [8]byte{} {
		return about.Size() / 2, nil
	}
	return 2 * about.Size(), nil
}
