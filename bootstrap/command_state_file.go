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

	"github.com/google/renameio/v2"
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
	mode  fs.FileMode // of a new file, less the umask; 0: only the owner may read it
	// interrupts is looked at before each write. A signal removes the incomplete file.
	interrupts <-chan os.Signal
	// release lets signals end the process again. It is called before a FIFO is opened,
	// which waits for a reader.
	release func()
}

// write writes the whole file, or leaves what was there unchanged.
func (e *exportFile) write(write func(io.Writer) error) error {
	to, err := e.destination()
	switch {
	case err != nil:
		return err
	case to.direct:
		return e.writeThrough(to.flags, write)
	}
	return e.replace(to.path, to.former, write)
}

// writable returns the error with which write would fail before it writes. It opens no device and no FIFO.
func (e *exportFile) writable() error {
	to, err := e.destination()
	if err == nil && to.direct {
		return nil
	}
	var file *renameio.PendingFile
	if err == nil {
		file, err = renameio.NewPendingFile(to.path, renameio.WithTempDir(filepath.Dir(to.path)))
	}
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed):
		return fmt.Errorf("a file cannot be made there: %w", failed.Err)
	case err != nil:
		return err
	}
	return file.Cleanup()
}

// destination is what write writes to: something that it opens, or a file that it replaces or makes.
type destination struct {
	direct bool
	flags  int // to open it, if direct

	path   string      // behind all links
	former fs.FileInfo // nil: there is no file yet
}

// destination looks at what has the name. It returns an error if nothing can be written there.
func (e *exportFile) destination() (destination, error) {
	about, err := os.Stat(e.path)
	switch {
	case err == nil && about.IsDir():
		return destination{}, errDirectory
	case err == nil && !about.Mode().IsRegular():
		return destination{direct: true, flags: os.O_WRONLY}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return destination{}, err
	}
	path, descriptor, unresolved := resolve(e.path)
	switch {
	case unresolved != nil:
		return destination{}, unresolved
	case descriptor: // such as /dev/stdout: an open file, which cannot be replaced
		return destination{direct: true, flags: os.O_WRONLY | os.O_APPEND}, nil
	case err == nil && !e.force:
		return destination{}, errExists
	}
	return destination{path: path, former: about}, nil
}

var (
	errDirectory = errors.New("it is a directory; want the name of a file")
	errExists    = errors.New("the file exists; --force replaces it")
)

// writeThrough writes to something that cannot be replaced.
func (e *exportFile) writeThrough(flags int, write func(io.Writer) error) error {
	e.release()
	file, err := os.OpenFile(e.path, flags, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// replace puts a file in the place of another, or of none, once all of it is on
// disk. It takes over the other's permissions, and its owner if that is allowed.
func (e *exportFile) replace(path string, former fs.FileInfo, write func(io.Writer) error) (err error) {
	options := []renameio.Option{renameio.WithTempDir(filepath.Dir(path)), renameio.WithExistingPermissions()}
	if e.mode != 0 {
		options = append(options, renameio.WithPermissions(e.mode))
	}
	file, err := renameio.NewPendingFile(path, options...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	if former != nil {
		if about, ok := former.Sys().(*syscall.Stat_t); ok {
			_ = file.Chown(int(about.Uid), int(about.Gid)) // only root may
		}
	}
	if err := write(&interruptible{file, e.interrupts}); err != nil {
		return err
	}
	return e.install(file, path)
}

// install gives a complete file its name. Without force it does not replace a file that
// another process has put there meanwhile.
func (e *exportFile) install(file *renameio.PendingFile, path string) error {
	if e.force {
		return file.CloseAtomicallyReplace()
	}
	if err := file.Sync(); err != nil {
		return err
	}
	switch err := os.Link(file.Name(), path); {
	case err == nil:
		return nil // the temporary name goes with the cleanup
	case errors.Is(err, fs.ErrExist):
		return errors.New("the file exists by now; --force replaces it")
	}
	return file.CloseAtomicallyReplace() // a file system without hard links
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
