package bootstrap

import (
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
)

// logFile is a file to append lines to, which can be reopened after it was renamed. Only the goroutine
// of its sink writes to it.
type logFile struct {
	path string
	// watched reopens the file as soon as the path names another file or none, as Python's
	// WatchedFileHandler does. Otherwise only SIGHUP reopens it; Python's FileHandler never does.
	watched bool
	warn    func(err error) // called once when it cannot be reopened, and again only after it could be
	asked   atomic.Bool     // SIGHUP wants it reopened

	file   *os.File
	about  fs.FileInfo
	warned bool
}

// open opens the file for the first time.
func (f *logFile) open() (err error) {
	f.file, f.about, err = openLog(f.path)
	return err
}

// openLog opens a file to append to. The file may be truncated at any time, as by logrotate's
// copytruncate: the next line is then its first.
func openLog(path string) (*os.File, fs.FileInfo, error) {
	flags := os.O_CREATE | os.O_APPEND | os.O_WRONLY
	if about, err := os.Stat(path); err == nil && about.Mode()&fs.ModeNamedPipe != 0 {
		flags = os.O_RDWR // O_WRONLY would wait until a FIFO has a reader
	}
	file, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return nil, nil, err
	}
	about, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("look at %s: %w", path, err)
	}
	return file, about, nil
}

func (f *logFile) Write(lines []byte) (int, error) { return f.file.Write(lines) }

// tend reopens the file if SIGHUP asked for that or the file was renamed. If it cannot be opened, lines
// still go to the open file.
func (f *logFile) tend() {
	if asked := f.asked.Swap(false); !asked && !(f.watched && f.moved()) {
		return
	}
	file, about, err := openLog(f.path)
	if err != nil {
		if !f.warned {
			f.warned = true
			f.warn(err)
		}
		return
	}
	_ = f.file.Close() // every write has returned
	f.file, f.about, f.warned = file, about, false
}

// moved tells whether the path no longer names the open file.
func (f *logFile) moved() bool {
	about, err := os.Stat(f.path)
	return err != nil || !os.SameFile(about, f.about)
}

func (f *logFile) close() error { return f.file.Close() }
