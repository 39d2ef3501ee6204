// Package series reads the real series that tests and benchmarks score: compressed CSV files with a header. It imports nothing of
// this project.
package series

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"os"
)

// Rows are the rows of a file, without its header. A file without any is an error.
func Rows(file string) ([][]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(unpacked).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 {
		return nil, errors.New("it has no rows")
	}
	return rows[1:], nil
}
