package persistence

import (
	"errors"
	"os"
	"path/filepath"
)

// memtableLeft is how large a memtable must be to take what the logs of an
// unclosed database hold, in bytes; 0 if there are none. Badger reads each log
// into a memtable of the present size, and ends the process if it is too small: as
// after SIGKILL and a smaller memory_mb.
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

// logged is the memtable that a log needs. Badger makes logs twice as long as
// their memtable, filled with zeros, and cuts them to what they hold when it opens
// them again; in memory that takes up to half as much again.
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
