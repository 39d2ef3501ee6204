package labels

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

func parseCSV(data []byte) (all []Label, err error) {
	rows := csv.NewReader(bytes.NewReader(data))
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err == io.EOF {
		return nil, errors.New("the file is empty; it needs a header with entity, from and until")
	}
	if err != nil {
		return nil, csvError(err)
	}
	line, _ := rows.FieldPos(0)
	columns, err := columnsOf(header)
	if err != nil {
		return nil, &lineError{line, err}
	}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, csvError(err)
		}
		var kind string
		if columns.kind >= 0 {
			kind = row[columns.kind]
		}
		l, err := label(row[columns.entity], row[columns.from], row[columns.until], kind)
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, &lineError{line, err}
		}
		all = append(all, l)
	}
}

// columns are places in a row; kind is -1 if there is none.
type columns struct{ entity, from, until, kind int }

func columnsOf(header []string) (columns, error) {
	c := columns{-1, -1, -1, -1}
	if len(header) == 1 {
		return c, fmt.Errorf("the columns are separated by commas, and the header has none: %.80q; it needs entity, from and until, and may have kind", header[0])
	}
	wanted := []struct {
		name  string
		place *int
	}{{"entity", &c.entity}, {"from", &c.from}, {"until", &c.until}, {"kind", &c.kind}}
	for i, cell := range header {
		for _, w := range wanted {
			if !strings.EqualFold(strings.TrimSpace(cell), w.name) {
				continue
			}
			if *w.place >= 0 {
				return c, fmt.Errorf("the header has the column %s twice", w.name)
			}
			*w.place = i
		}
	}
	for _, w := range wanted[:3] {
		if *w.place < 0 {
			return c, fmt.Errorf("the header (%s) has no column %s; it needs entity, from and until, and may have kind", strings.Join(header, ","), w.name)
		}
	}
	return c, nil
}

func csvError(err error) error {
	var bad *csv.ParseError
	if !errors.As(err, &bad) {
		return err
	}
	if errors.Is(bad.Err, csv.ErrFieldCount) {
		return &lineError{bad.Line, errors.New(`the row has more or fewer cells than the header; write an entity with commas in quotes: "64510,64511"`)}
	}
	return &lineError{bad.Line, bad.Err}
}
