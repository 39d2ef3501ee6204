package labels

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

func parseJSON(data []byte) ([]Label, error) {
	f := &jsonFile{data: data, d: json.NewDecoder(bytes.NewReader(data))}
	first, err := f.d.Token()
	if err == io.EOF {
		return nil, errors.New("the file is empty; it needs a list of labels")
	}
	if err != nil {
		return nil, f.broken(err)
	}
	var all []Label
	switch first {
	case json.Delim('['):
		all, err = f.list()
	case json.Delim('{'):
		all, err = f.nab()
	default:
		return nil, errors.New("the file holds neither a list of labels nor an object of files")
	}
	if err != nil {
		return nil, err
	}
	if _, err := f.d.Token(); err != io.EOF {
		return nil, &lineError{f.line(), errors.New("something follows the labels")}
	}
	return all, nil
}

// jsonFile is a label file that is being read.
type jsonFile struct {
	data  []byte
	d     *json.Decoder
	at    int // where line has looked last
	lines int // the line ends before it
}

// line is that of what comes next.
func (f *jsonFile) line() int {
	at := int(f.d.InputOffset())
	for at < len(f.data) && bytes.IndexByte([]byte(" \t\r\n,:"), f.data[at]) >= 0 {
		at++
	}
	f.lines += bytes.Count(f.data[f.at:at], []byte("\n"))
	f.at = at
	return 1 + f.lines
}

func lineOf(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), len(data))], []byte("\n"))
}

// broken is an error of the file's syntax.
func (f *jsonFile) broken(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return &lineError{lineOf(f.data, int(syntax.Offset)-1), err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &lineError{lineOf(f.data, len(f.data)), errors.New("the file ends within the labels")}
	}
	return &lineError{f.line(), err}
}

// list reads labels until the end of a list.
func (f *jsonFile) list() (all []Label, err error) {
	for f.d.More() {
		line := f.line()
		var raw json.RawMessage
		if err := f.d.Decode(&raw); err != nil {
			return nil, f.broken(err)
		}
		var item struct {
			Entity, Kind string
			From, Until  json.RawMessage
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			return nil, &lineError{line, errors.New("a label is an object with the texts entity and kind and the times from and until")}
		}
		l, err := label(item.Entity, timeText(item.From), timeText(item.Until), item.Kind)
		if err != nil {
			return nil, &lineError{line, err}
		}
		all = append(all, l)
	}
	return all, f.end()
}

// nab reads files and their windows until the end of an object.
func (f *jsonFile) nab() (all []Label, err error) {
	for f.d.More() {
		line := f.line()
		key, err := f.d.Token()
		if err != nil {
			return nil, f.broken(err)
		}
		file, _ := key.(string)
		var windows []json.RawMessage
		if opens, err := f.d.Token(); err != nil {
			return nil, f.broken(err)
		} else if opens != json.Delim('[') {
			return nil, &lineError{line, fmt.Errorf("%q holds no list of [from, until]", file)}
		}
		for f.d.More() {
			line = f.line()
			var raw json.RawMessage
			if err := f.d.Decode(&raw); err != nil {
				return nil, f.broken(err)
			}
			if err := json.Unmarshal(raw, &windows); err != nil || len(windows) != 2 {
				return nil, &lineError{line, fmt.Errorf("a window of %q is not [from, until]", file)}
			}
			l, err := label(bare(file), timeText(windows[0]), timeText(windows[1]), "")
			if err != nil {
				return nil, &lineError{line, err}
			}
			l.File = true
			all = append(all, l)
		}
		if err := f.end(); err != nil {
			return nil, err
		}
	}
	return all, f.end()
}

// end reads the closing bracket of a list or an object.
func (f *jsonFile) end() error {
	if _, err := f.d.Token(); err != nil {
		return f.broken(err)
	}
	return nil
}

// timeText is a JSON text without its quotes, a number as it stands, or empty for null.
func timeText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
