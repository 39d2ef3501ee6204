package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"anomalydetector/synthetic"
)

// write writes the datapoints of each kind of entity of each stream to a file of its own, which the backtest reads.
func (s *streams) write(dir string) error {
	for n, part := range s.parts {
		if err := s.writePart(dir, s.seeds[n], part); err != nil {
			return err
		}
	}
	return nil
}

// filesOf matches the files of a kind of entity, and all files if kind is *.
func filesOf(dir, kind string) string { return filepath.Join(dir, kind+"-*.csv.zst") }

func (s *streams) writePart(dir string, seed int, part *synthetic.Stream) (err error) {
	files := make(map[synthetic.EntityKind]*zstd.Encoder)
	for _, name := range synthetic.EntityKindNames() {
		file, failed := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.csv.zst", name, seed)))
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out, failed := zstd.NewWriter(file)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, out.Close()) }()
		kind, _ := synthetic.ParseEntityKind(name)
		files[kind] = out
		if _, err := out.Write([]byte("timestamp,scope,asn,hege\n")); err != nil {
			return err
		}
	}
	kinds := make(map[string]synthetic.EntityKind)
	for _, e := range part.Entities() {
		kinds[e.Key] = e.Kind
	}
	var line []byte
	for i := range part.Bins() {
		part.Rows(i, func(r *synthetic.Row) {
			line = strconv.AppendInt(line[:0], r.At/1000, 10)
			line = append(append(append(line, ','), keyOf(seed, r.Entity)...), ',') // it is scope,asn
			line = append(strconv.AppendFloat(line, r.Value, 'g', -1, 64), '\n')
			if _, failed := files[kinds[r.Entity]].Write(line); failed != nil {
				err = failed
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
