package source

import (
	"bytes"
	"errors"

	"github.com/tinylib/msgp/msgp"
	"github.com/valyala/fastjson"
)

// formatOf tells a format by how the data begins. It takes golden rows for JSON: begin tells them apart.
func (s *rows) formatOf(data []byte) (string, error) {
	begin := bytes.TrimLeft(data, " \t\r\n")
	if s.options.Format != "" || len(begin) == 0 {
		return s.options.Format, nil
	}
	first := begin[0]
	line, _, _ := bytes.Cut(begin, []byte("\n"))
	switch {
	case data[0]&0xf0 == 0x80, data[0] == 0xde, data[0] == 0xdf:
		return Msgpack, nil
	case first == '{':
		return JSON, nil
	case first == '[':
		return "", errors.New("this looks like a JSON array: want one datapoint a line, such as jq -c '.[]' writes them")
	case bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' }), first >= 0xfe:
		return "", errors.New("this is neither JSON lines, CSV nor msgpack: want UTF-8 text, or msgpack maps")
	}
	return CSV, nil
}

// begin looks at the first rows of an input, to find out what all of its rows have. It takes a CSV's header out of the block.
func (s *rows) begin(b *Block) (err error) {
	line := s.line
	switch s.input.format {
	case CSV:
		line, err = s.header(b)
	case Msgpack:
		err = s.firstMap(b)
	case JSON:
		err = s.firstLine(b.Data)
	}
	if err != nil {
		return s.problem(line, err)
	}
	return nil
}

// header reads a CSV's header.
func (s *rows) header(b *Block) (line int, err error) {
	header := b.Data
	for len(bytes.TrimSpace(header)) > 0 {
		end := rowEnd(header)
		row := header[:end]
		b.Data, line = header[end:], s.line
		s.line += bytes.Count(row, []byte{'\n'})
		if len(bytes.TrimSpace(row)) > 0 {
			s.input.columns, s.input.time, err = s.options.header(row)
			return line, err
		}
		header = b.Data
	}
	return s.line, nil
}

// firstMap finds the time in the first datapoint of a dump.
func (s *rows) firstMap(b *Block) error {
	if len(b.rows) == 0 {
		return nil
	}
	size, rest, err := msgp.ReadMapHeaderBytes(b.Data[:b.rows[0].end])
	if err != nil {
		return errNotMsgpack
	}
	var names []string
	for range size {
		var name string
		if msgp.NextType(rest) == msgp.StrType {
			name, rest, _ = msgp.ReadStringBytes(rest)
			names = append(names, name)
		} else if rest, err = msgp.Skip(rest); err != nil {
			return errNotMsgpack
		}
		if rest, err = msgp.Skip(rest); err != nil {
			return errNotMsgpack
		}
	}
	s.input.time, err = s.options.timeColumn(names)
	return err
}

// firstLine tells golden rows from datapoints, and finds the time in the first line that can be read.
func (s *rows) firstLine(data []byte) error {
	var parser fastjson.Parser
	for line := range bytes.Lines(data) {
		value, err := parser.ParseBytes(line)
		if err != nil || value.Type() != fastjson.TypeObject {
			continue
		}
		if s.options.Format == "" && isGolden(value) {
			s.input.format = Golden
			return nil
		}
		var names []string
		value.GetObject().Visit(func(name []byte, _ *fastjson.Value) { names = append(names, string(name)) })
		s.input.time, err = s.options.timeColumn(names)
		return err
	}
	return errors.New("none of the first lines is a JSON object: want one datapoint a line")
}

// isGolden says whether a row holds a datapoint's msgpack, and not the datapoint itself.
func isGolden(row *fastjson.Value) bool {
	value := row.Get("value")
	return row.Exists("partition") && row.Exists("timestamp") && value != nil &&
		(value.Type() == fastjson.TypeString || value.Type() == fastjson.TypeNull)
}
