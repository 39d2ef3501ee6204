package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sync/atomic"
)

const (
	blockSize = 256 << 10 // bytes, about
	// blockRows is how many records of a topic a block has at most: those without a payload take no bytes.
	blockRows = 32 << 10
	// rowSize is the longest row that is read, in bytes. It is more than a record of Kafka can hold.
	rowSize = 16 << 20
)

// files reads files, one after the other. A goroutine reads and decompresses ahead of Next.
type files struct {
	options Options
	files   []*file
	total   int64
	done    atomic.Int64
	ahead
}

// file is a file or standard input.
type file struct {
	name string
	path string // empty: standard input
	pipe *pipe  // nil: it can be opened again and again
}

// Open opens files, which may be patterns, and standard input, which is called "-". It looks at the beginning of each file: if one
// of them cannot be read, or lacks a column that is needed, it returns all the reasons, each as an *InputError. Standard input,
// and what else can be read only once, is looked at by Next.
func Open(patterns []string, options Options) (Source, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	names, err := Expand(patterns)
	if err != nil {
		return nil, err
	}
	f := &files{options: options, ahead: newAhead()}
	var problems []error
	for _, name := range names {
		if name == standardInput {
			if slices.ContainsFunc(f.files, func(one *file) bool { return one.path == "" }) {
				return nil, errors.New("standard input is named twice: it can be read only once")
			}
			one := &file{name: "standard input", pipe: &pipe{from: options.Stdin}}
			if options.Stdin == nil {
				one.pipe.from = os.Stdin
			}
			f.files = append(f.files, one)
			continue
		}
		one := &file{name: name, path: name}
		f.files = append(f.files, one)
		if about, err := os.Stat(name); err == nil && !about.Mode().IsRegular() && !about.IsDir() {
			later := &later{path: name}
			one.pipe = &pipe{from: later, later: later}
			continue
		}
		size, err := f.look(one)
		if err != nil {
			problems = append(problems, err)
		}
		f.total += size
	}
	for p := range f.pipes() {
		f.total = 0
		if options.Spool && len(problems) == 0 {
			if err := p.keep(); err != nil {
				problems = append(problems, err)
			}
		}
	}
	return f, errors.Join(problems...)
}

// pipes yields what can be read only once.
func (f *files) pipes() iter.Seq[*pipe] {
	return func(yield func(*pipe) bool) {
		for _, one := range f.files {
			if one.pipe != nil && !yield(one.pipe) {
				return
			}
		}
	}
}

// look opens a file and reads its beginning.
func (f *files) look(one *file) (size int64, err error) {
	const enough = 32 << 10
	s, err := f.open(one)
	if err != nil {
		return 0, err
	}
	defer s.close()
	if info, err := os.Stat(one.path); err == nil {
		size = info.Size()
	}
	b := &Block{memory: make([]byte, enough)}
	if err := s.fill(b); err != nil && !errors.Is(err, io.EOF) && !s.begun {
		return 0, err
	}
	return size, nil
}

// open opens a file and finds out how it is compressed.
func (f *files) open(one *file) (*rows, error) {
	s := &rows{options: f.options, input: &Input{Name: one.name}, line: 1}
	if f.options.KeyFromFile {
		s.input.key = standardInput
		if one.path != "" {
			s.input.key = withoutExtensions(one.path)
		}
	}
	raw := io.Reader(one.pipe)
	if one.pipe == nil {
		opened, err := os.Open(one.path)
		if err != nil {
			return nil, s.problem(0, unwrapped(err))
		}
		if info, err := opened.Stat(); err == nil && info.IsDir() {
			_ = opened.Close()
			return nil, s.problem(0, errors.New("this is a folder: want a file"))
		}
		s.file, raw = opened, opened
	}
	var err error
	if s.plain, s.compression, err = decompress(counting{raw, &f.done}); err != nil {
		s.close()
		return nil, s.problem(0, err)
	}
	return s, nil
}

// unwrapped is an error of package os without the path, which is named beside it.
func unwrapped(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("cannot %s it: %w", path.Op, path.Err)
	}
	return err
}

// Next implements Source.
func (f *files) Next(ctx context.Context) (*Block, error) { return f.next(ctx, f.read) }

// read reads all files.
func (f *files) read(r *reading) {
	for _, one := range f.files {
		if err := f.readOne(r, one); err != nil && !r.give(read{err: err}) {
			return
		}
		select {
		case <-r.stop:
			return
		default:
		}
	}
}

func (f *files) readOne(r *reading, one *file) error {
	s, err := f.open(one)
	if err != nil {
		return err
	}
	defer s.close()
	for {
		b := f.block()
		err := s.fill(b)
		if len(b.Data) == 0 {
			f.Release(b)
		} else if !r.give(read{block: b}) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Progress implements Source. The unit is bytes of the files as they are, which may be compressed.
func (f *files) Progress() (done, of int64) { return f.done.Load(), f.total }

// Rewind implements Source.
func (f *files) Rewind() error {
	for _, one := range f.files {
		if one.pipe != nil && !one.pipe.kept() {
			return fmt.Errorf("%s can be read only once: save it to a file and name that", one.name)
		}
	}
	f.halt(true)
	f.done.Store(0)
	for p := range f.pipes() {
		if err := p.rewind(); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Source. It does not wait for what a pipe may still give.
func (f *files) Close() (err error) {
	wait := true
	for p := range f.pipes() {
		wait = false
		err = errors.Join(err, p.close())
	}
	f.halt(wait)
	return err
}
