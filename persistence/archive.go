package persistence

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// An archive is a file with the snapshots of several partitions of a detector, in
// the framing of snapshot.go:
//
//	+--------------------+---------+------+----------+-----+----------+-----+
//	| "adetect-archive-" | version | list | snapshot | ... | snapshot | end |
//	+--------------------+---------+------+----------+-----+----------+-----+
//	'l' list    count | count × partition, in ascending order, as the snapshots are
//	'z' end     entities | points | sha256 of all bytes before this record
//
// The version is the largest one of its snapshots.
const (
	archiveMagic   = "adetect-archive-"
	archiveVersion = 1
)

// WriteArchive writes snapshots of some partitions, in ascending order.
func (s *Store) WriteArchive(w io.Writer, detector string, numbers []int32) ([]Snapshot, error) {
	numbers = slices.Clone(numbers)
	slices.Sort(numbers)
	version, err := s.archiveVersion(detector, numbers)
	if err != nil {
		return nil, err
	}
	out, err := newRecordWriter(w, archiveMagic, version)
	if err != nil {
		return nil, err
	}
	list := binary.AppendUvarint(nil, uint64(len(numbers)))
	for _, number := range numbers {
		list = binary.AppendUvarint(list, uint64(number))
	}
	if err := out.write(listRecord, list); err != nil {
		return nil, err
	}
	var written []Snapshot
	entities, points := 0, 0
	for _, number := range numbers {
		snapshot, err := s.Export(detector, number, out.out)
		if err != nil {
			return nil, err
		}
		written = append(written, snapshot)
		entities += snapshot.Entities
		points += snapshot.Points
	}
	return written, out.end(entities, points)
}

func (s *Store) archiveVersion(detector string, numbers []int32) (version byte, err error) {
	version = archiveVersion
	err = s.view(func(txn *badger.Txn) error {
		for _, number := range numbers {
			r, err := readHead(txn, headKey(detector, number))
			if err != nil {
				return fmt.Errorf("export partition %d: %w", number, err)
			}
			if r != nil {
				version = max(version, r.snapshotVersion())
			}
		}
		return nil
	})
	return version, err
}

// ReadArchive imports the wanted snapshots of an archive. It only checks the others, and
// that the archive ends after them. The check may refuse any of them. After an error it has dropped all imports.
func (s *Store) ReadArchive(in io.Reader, wanted func(partition int32) bool, check Check) (imports []*Import, err error) {
	defer func() {
		if err != nil {
			s.Drop(imports...)
			imports = nil
		}
	}()
	in = buffered(in)
	r, err := newRecordReader(in, "archive", archiveMagic, snapshotOfStates)
	if err != nil {
		return nil, err
	}
	numbers, err := r.list()
	if err != nil {
		return nil, err
	}
	entities, points := 0, 0
	inner := io.TeeReader(in, r.sum)
	for _, number := range numbers {
		one := Check{State: check.State, Head: func(found Snapshot) error {
			if found.Partition != number {
				return r.damaged("it has partition %d where it should have %d", found.Partition, number)
			}
			return check.Head(found)
		}}
		if !wanted(number) {
			skipped, err := readSnapshot(inner, one, func([]byte) error { return nil }, func(*storedEntity, bool) error { return nil })
			if err != nil {
				return imports, fmt.Errorf("partition %d: %w", number, err)
			}
			entities += skipped.Entities
			points += skipped.Points
			continue
		}
		imported, err := s.Import(inner, one)
		if err != nil {
			return imports, fmt.Errorf("partition %d: %w", number, err)
		}
		imports = append(imports, imported)
		entities += imported.Entities
		points += imported.Points
	}
	kind, body, err := r.next()
	if err != nil {
		return imports, err
	}
	if kind != endRecord {
		return imports, r.damaged("it goes on where it should end")
	}
	if err := r.end(body, entities, points); err != nil {
		return imports, err
	}
	if n, err := in.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		return imports, r.damaged("there are bytes after its end")
	}
	return imports, nil
}

// list reads the list of partitions.
func (r *recordReader) list() (numbers []int32, err error) {
	kind, body, err := r.next()
	if err != nil {
		return nil, err
	}
	b := &reader{rest: body}
	for range b.count(1) {
		number := b.uvarint()
		if number > 1<<31-1 || len(numbers) > 0 && int32(number) <= numbers[len(numbers)-1] {
			b.fail()
			break
		}
		numbers = append(numbers, int32(number))
	}
	if kind != listRecord || b.end("list") != nil {
		return nil, r.damaged("it does not begin with a list of partitions")
	}
	return numbers, nil
}
