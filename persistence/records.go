package persistence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// The framing that snapshots and archives share; see snapshot.go.

// ErrDamaged is in an error if a snapshot or an archive is not as it was written.
var ErrDamaged = errors.New("it is damaged")

// ErrCut is in an error if a snapshot or an archive ends too early.
var ErrCut = errors.New("it is cut short")

// Kinds of records.
const (
	listRecord    = 'l'
	headRecord    = 'h'
	sectionRecord = 's'
	entityRecord  = 'e'
	pointsRecord  = 'p'
	endRecord     = 'z'
)

const (
	// recordPoints is how many points a record may have.
	recordPoints = 32_000
	// maxRecord is more than any has: 64 kB of a key, and 19 bytes a point, or a state of up to six million points. A reader
	// takes memory for the bytes that have come, not for the length that a record claims.
	maxRecord    = 64 << 20
	recordHeader = 9
)

// recordWriter writes records, and remembers their checksum.
type recordWriter struct {
	out  io.Writer
	sum  hash.Hash
	body []byte // for reuse
}

func newRecordWriter(w io.Writer, magic string, version byte) (*recordWriter, error) {
	out := &recordWriter{sum: sha256.New()}
	out.out = io.MultiWriter(w, out.sum)
	_, err := out.out.Write(append([]byte(magic), version))
	return out, err
}

func (w *recordWriter) write(kind byte, body []byte) error {
	header := make([]byte, recordHeader)
	header[0] = kind
	binary.LittleEndian.PutUint32(header[1:], uint32(len(body)))
	binary.LittleEndian.PutUint32(header[5:], recordSum(header, body))
	if _, err := w.out.Write(header); err != nil {
		return err
	}
	_, err := w.out.Write(body)
	return err
}

func recordSum(header, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(header[:5], castagnoli), castagnoli, body)
}

func (w *recordWriter) end(entities, points int) error {
	body := binary.AppendUvarint(nil, uint64(entities))
	body = binary.AppendUvarint(body, uint64(points))
	return w.write(endRecord, w.sum.Sum(body))
}

// recordReader reads what a recordWriter has written, and not a byte more.
type recordReader struct {
	in      io.Reader
	what    string // for errors
	sum     hash.Hash
	body    bytes.Buffer
	version byte
	number  int // how many records were read
}

// newRecordReader reads the magic, and the version, which must not be later than the given one. It does not read ahead, because the
// bytes after the last record belong to another reader.
func newRecordReader(in io.Reader, what, magic string, version byte) (*recordReader, error) {
	r := &recordReader{in: in, what: what, sum: sha256.New()}
	begin := make([]byte, len(magic)+1)
	if err := r.fill(begin); err != nil {
		return nil, err
	}
	found := begin[len(magic)]
	r.version = found
	switch {
	case string(begin[:len(magic)]) != magic:
		return nil, fmt.Errorf("this is no %s: it begins with %q", what, begin)
	case found > version:
		return nil, fmt.Errorf("%w: the %s has version %d, this one knows up to %d", ErrNewer, what, found, version)
	case found == 0:
		return nil, r.damaged("there is no version %d", found)
	}
	r.sum.Write(begin)
	return r, nil
}

func (r *recordReader) fill(b []byte) error {
	_, err := io.ReadFull(r.in, b)
	return r.cut(err)
}

// cut replaces the error for an early end of the input with ErrCut.
func (r *recordReader) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the %s cannot be used: %w, in record %d", r.what, ErrCut, r.number+1)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", r.what, err)
	}
	return nil
}

func (r *recordReader) damaged(format string, values ...any) error {
	return fmt.Errorf("the %s cannot be used: %w: "+format, append([]any{r.what, ErrDamaged}, values...)...)
}

// next reads a record. Its body is valid until the next one is read.
func (r *recordReader) next() (kind byte, body []byte, err error) {
	header := make([]byte, recordHeader)
	if err := r.fill(header); err != nil {
		return 0, nil, err
	}
	size := int64(binary.LittleEndian.Uint32(header[1:]))
	if size > maxRecord {
		return 0, nil, r.damaged("record %d has %d bytes", r.number+1, size)
	}
	r.body.Reset()
	if _, err := io.CopyN(&r.body, r.in, size); err != nil {
		return 0, nil, r.cut(err)
	}
	body = r.body.Bytes()
	if recordSum(header, body) != binary.LittleEndian.Uint32(header[5:]) {
		return 0, nil, r.damaged("the checksum of record %d is wrong", r.number+1)
	}
	r.number++
	if header[0] != endRecord {
		r.sum.Write(header)
		r.sum.Write(body)
	}
	return header[0], body, nil
}

// end checks the body of the last record.
func (r *recordReader) end(body []byte, entities, points int) error {
	b := &reader{rest: body}
	ours := [2]int{entities, points}
	theirs := [2]int{int(b.uvarint()), int(b.uvarint())}
	if b.failed || ours != theirs || !bytes.Equal(b.rest, r.sum.Sum(nil)) {
		return r.damaged("its end does not fit the records before it")
	}
	return nil
}

// buffered makes the small reads of a recordReader cheap.
func buffered(in io.Reader) *bufio.Reader { return bufio.NewReaderSize(in, 1<<16) }
