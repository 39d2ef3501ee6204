package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// rows cuts what one input gives into blocks of whole rows.
type rows struct {
	options     Options
	input       *Input
	file        *os.File // nil: standard input
	plain       io.ReadCloser
	compression string

	begun bool   // the first row was looked at, and the input can be read
	line  int    // of the next row
	rest  []byte // the beginning of a row that was not whole
	ended error  // what ended the reading
}

func (s *rows) close() {
	if s.plain != nil {
		_ = s.plain.Close()
	}
	if s.file != nil {
		_ = s.file.Close()
	}
}

func (s *rows) problem(line int, err error) error {
	return &InputError{Input: s.input.Name, Line: line, Err: err}
}

// counting counts the bytes that are read.
type counting struct {
	from io.Reader
	done *atomic.Int64
}

func (c counting) Read(to []byte) (int, error) {
	n, err := c.from.Read(to)
	c.done.Add(int64(n))
	return n, err
}

// fill fills a block with whole rows. If there is an error, the block may still have some: those before it. After the last row the
// error is io.EOF.
func (s *rows) fill(b *Block) error {
	b.Input, b.Data, b.rows = s.input, nil, b.rows[:0]
	if s.ended != nil {
		return s.ended
	}
	for {
		// One byte is left for the line end that the last line may lack.
		filled := copy(b.memory, s.rest)
		for s.ended == nil && filled < len(b.memory)-1 {
			n, err := s.plain.Read(b.memory[filled : len(b.memory)-1])
			filled += n
			s.ended = err
		}
		cut, err := s.cut(b, b.memory[:filled])
		if !errors.Is(err, errLonger) {
			s.rest = append(s.rest[:0], cut...)
			return err
		}
		if len(b.memory) >= rowSize {
			s.ended = s.problem(s.line, fmt.Errorf("the row is longer than %d MB: want one datapoint a line, and closed quotes", rowSize>>20))
			return s.ended
		}
		s.rest = append(s.rest[:0], b.memory[:filled]...)
		b.memory = make([]byte, 2*len(b.memory))
	}
}

// errLonger says that a block holds no whole row.
var errLonger = errors.New("longer than the block")

// cut makes the whole rows of data the block's, and returns what is left. What is left at the end of the input is part of the last
// row, or the beginning of a row that is not there.
func (s *rows) cut(b *Block, data []byte) (rest []byte, err error) {
	last := errors.Is(s.ended, io.EOF)
	if !s.begun {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		if s.input.format == "" {
			if s.input.format, err = s.formatOf(data); err != nil {
				s.ended = s.problem(1, err)
				return nil, s.ended
			}
		}
	}
	if last && len(data) > 0 && s.input.format != Msgpack && data[len(data)-1] != '\n' {
		data = append(data, '\n') // the block has room for it
	}
	var whole int
	switch s.input.format {
	case Msgpack:
		whole, b.rows, err = wholeMaps(data, b.rows)
	case CSV:
		whole = wholeRows(data)
	default:
		whole = wholeLines(data)
	}
	if whole == 0 && s.ended == nil && err == nil {
		return nil, errLonger
	}
	b.Data, rest = data[:whole], data[whole:]
	if !s.begun && whole > 0 {
		if problem := s.begin(b); problem != nil {
			b.Data, s.ended = nil, problem
			return nil, problem
		}
		s.begun = s.input.format != "" && (s.input.format != CSV || s.input.columns != nil)
		if !s.begun { // there are empty lines only
			s.line += bytes.Count(b.Data, []byte{'\n'})
			b.Data = nil
		}
	}
	b.Line = s.line
	if s.input.format == Msgpack {
		s.line += len(b.rows)
	} else {
		s.line += bytes.Count(b.Data, []byte{'\n'})
	}
	switch {
	case err != nil:
		s.ended = s.problem(s.line, err)
	case last && len(rest) > 0 && s.input.format == Msgpack:
		s.ended = s.problem(s.line, errors.New("the last datapoint is not whole"))
	case last && len(rest) > 0:
		s.ended = s.problem(s.line, errors.New("a quote begins in this row and is never closed"))
	case s.ended != nil && !last:
		s.ended = s.problem(s.line, damaged(s.compression, s.ended))
	}
	return rest, s.ended
}
