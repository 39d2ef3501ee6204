package bootstrap

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// exportFile is a file that a user has named to be written. What happens to it
// depends on what has the name:
//
//	nothing                 the file appears when it is complete
//	a regular file          it is replaced when the new one is complete, with --force only
//	a link                  the file it points to is treated as above; the link stays
//	a device, a FIFO, ...   is written through
//	a directory             is refused
type exportFile struct {
	path  string
	force bool
	// interrupts are looked at before each write to a file that is not complete, which
	// is removed then.
	interrupts <-chan os.Signal
	// release lets signals end the process while it may wait for the reader of a FIFO.
	release func()
}

// write writes all, or leaves what was there as it was.
func (e *exportFile) write(write func(io.Writer) error) error {
	about, err := os.Stat(e.path)
	switch {
	case err == nil && about.IsDir():
		return errors.New("it is a directory; want the name of a file")
	case err == nil && !about.Mode().IsRegular():
		return e.writeThrough(os.O_WRONLY, write)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	path, descriptor, followed := follow(e.path)
	switch {
	case followed != nil:
		return followed
	case descriptor: // such as /dev/stdout: what is behind it is open, and cannot be replaced
		return e.writeThrough(os.O_WRONLY|os.O_APPEND, write)
	case err == nil && !e.force:
		return errors.New("the file is there already; --force replaces it")
	}
	return e.replace(path, about, write)
}

// writeThrough writes what cannot be replaced.
func (e *exportFile) writeThrough(flags int, write func(io.Writer) error) error {
	e.release()
	file, err := os.OpenFile(e.path, flags, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// replace puts a file in the place of another, or of none, once all of it is on
// disk. It takes over the permissions of the other.
func (e *exportFile) replace(path string, former fs.FileInfo, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	temporary := file.Name()
	if former != nil {
		err = likeFormer(file, former)
	}
	if err == nil {
		err = write(&interruptible{file, e.interrupts})
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = e.install(temporary, path)
	}
	if err != nil {
		if gone := os.Remove(temporary); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// likeFormer gives a file the permissions of the one it will replace, and its owner
// if that is allowed.
func likeFormer(file *os.File, former fs.FileInfo) error {
	if about, ok := former.Sys().(*syscall.Stat_t); ok {
		_ = file.Chown(int(about.Uid), int(about.Gid)) // only root may
	}
	return file.Chmod(former.Mode().Perm())
}

// install gives a complete file its name. Without force it takes no name that
// another has taken meanwhile.
func (e *exportFile) install(temporary, path string) error {
	if e.force {
		return os.Rename(temporary, path)
	}
	switch err := os.Link(temporary, path); {
	case err == nil:
		return os.Remove(temporary)
	case errors.Is(err, fs.ErrExist):
		return errors.New("the file has come to be there meanwhile; --force replaces it")
	}
	return os.Rename(temporary, path) // a file system without hard links
}

// descriptors is where Linux shows what a process has open.
var descriptors = regexp.MustCompile(`^/proc/[^/]+(/task/[^/]+)?/fd$`)

// mostLinks is as many as Linux follows.
const mostLinks = 40

// follow returns what a path names after its last link, which need not be there, and
// whether that is something a process has open.
func follow(path string) (end string, descriptor bool, err error) {
	for range mostLinks {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", false, err
		}
		if descriptors.MatchString(folder) {
			return path, true, nil
		}
		about, err := os.Lstat(path)
		if err != nil || about.Mode()&fs.ModeSymlink == 0 {
			return path, false, nil // a plain file, or none yet
		}
		target, err := os.Readlink(path)
		if err != nil {
			return "", false, err
		}
		if strings.HasPrefix(target, "/") {
			path = target
		} else {
			path = filepath.Join(folder, target)
		}
	}
	return "", false, fmt.Errorf("%s: too many links", path)
}

// errInterrupted ends a command that a signal has interrupted.
var errInterrupted = errors.New("interrupted")

// interruptible fails a write if a signal has come.
type interruptible struct {
	out        io.Writer
	interrupts <-chan os.Signal
}

func (i *interruptible) Write(content []byte) (int, error) {
	select {
	case <-i.interrupts:
		return 0, errInterrupted
	default:
		return i.out.Write(content)
	}
}
