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

// exportFile is a file that a user wants written. What happens depends on what has its name now:
//
//	nothing                 the file appears when it is complete
//	a regular file          with --force, it is replaced when the new one is complete; otherwise refused
//	a link                  the file it points to is treated as above; the link stays
//	a device, a FIFO, ...   it is written directly
//	a directory             refused
type exportFile struct {
	path  string
	force bool
	// interrupts are checked before each write to a new file; an interrupt removes it.
	interrupts <-chan os.Signal
	// release makes signals end the process, which may have to wait for the reader of a FIFO.
	release func()
}

// write writes the whole file, or leaves what was there unchanged.
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
	path, descriptor, unresolved := resolve(e.path)
	switch {
	case unresolved != nil:
		return unresolved
	case descriptor: // such as /dev/stdout: an open file, which cannot be replaced
		return e.writeThrough(os.O_WRONLY|os.O_APPEND, write)
	case err == nil && !e.force:
		return errors.New("the file exists; --force replaces it")
	}
	return e.replace(path, about, write)
}

// writeThrough writes to something that cannot be replaced.
func (e *exportFile) writeThrough(flags int, write func(io.Writer) error) error {
	e.release()
	file, err := os.OpenFile(e.path, flags, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// replace writes a temporary file, and gives it the name once all of it is on disk. The file takes
// over the permissions of a former one.
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

// likeFormer gives a file the permissions of the one that it will replace, and its owner if the
// process may.
func likeFormer(file *os.File, former fs.FileInfo) error {
	if about, ok := former.Sys().(*syscall.Stat_t); ok {
		_ = file.Chown(int(about.Uid), int(about.Gid)) // only root may
	}
	return file.Chmod(former.Mode().Perm())
}

// install gives a complete file its name. Without force it fails if another file has got the name
// since.
func (e *exportFile) install(temporary, path string) error {
	if e.force {
		return os.Rename(temporary, path)
	}
	switch err := os.Link(temporary, path); {
	case err == nil:
		return os.Remove(temporary)
	case errors.Is(err, fs.ErrExist):
		return errors.New("the file exists by now; --force replaces it")
	}
	return os.Rename(temporary, path) // a file system without hard links
}

// descriptors are the folders in which Linux shows the open files of a process.
var descriptors = regexp.MustCompile(`^/proc/[^/]+(/task/[^/]+)?/fd$`)

// mostLinks is how many links Linux follows.
const mostLinks = 40

// resolve returns the path behind all links, which need not exist, and whether it is an open file of a
// process.
func resolve(path string) (end string, descriptor bool, err error) {
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

// errInterrupted is returned after a signal.
var errInterrupted = errors.New("interrupted")

// interruptible fails the next write after a signal.
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
