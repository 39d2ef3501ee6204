package bootstrap

import (
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
)

// logFile is a file that lines are appended to, and that is opened again when it
// was renamed. It is written by the goroutine of its sink only.
type logFile struct {
	path string
	// watched is whether it is opened again by itself when the path names another
	// file or none, as Python's WatchedFileHandler does. Python's FileHandler goes on
	// in the renamed file; here SIGHUP ends that.
	watched bool
	warn    func(err error) // told when it cannot be opened again, once until it can
	asked   atomic.Bool     // to be opened again, by SIGHUP

	file   *os.File
	about  fs.FileInfo
	warned bool
}

// open opens the file for the first time.
func (f *logFile) open() (err error) {
	f.file, f.about, err = openLog(f.path)
	return err
}

// openLog opens a file to append to. So it may also be truncated at any time, as
// by logrotate's copytruncate: the next line is then its first.
func openLog(path string) (*os.File, fs.FileInfo, error) {
	flags := os.O_CREATE | os.O_APPEND | os.O_WRONLY
	if about, err := os.Stat(path); err == nil && about.Mode()&fs.ModeNamedPipe != 0 {
		flags = os.O_RDWR // without a reader O_WRONLY would wait for one
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

// tend opens the file again if that was asked for or is due. If it cannot be
// opened, lines go on into the file that is open.
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
	_ = f.file.Close() // what was written to it is in it
	f.file, f.about, f.warned = file, about, false
}

// moved tells whether the path no longer names the open file.
func (f *logFile) moved() bool {
	about, err := os.Stat(f.path)
	return err != nil || !os.SameFile(about, f.about)
}

func (f *logFile) close() error { return f.file.Close() }
