package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// zstdWindow is the largest window of a .zst that is read, in bytes. It is the limit of the program zstd, too, which
// limits the memory that a file can claim.
const zstdWindow = 128 << 20

// compressions are told by the bytes that they begin with, whatever the file is called.
var compressions = []struct {
	name   string
	magic  string
	reader func(io.Reader) (io.ReadCloser, error) // nil: it is not read
}{
	{"gzip", "\x1f\x8b", func(from io.Reader) (io.ReadCloser, error) { return gzip.NewReader(from) }},
	{"zstd", "\x28\xb5\x2f\xfd", zstdReader},
	{"zstd", "\x50\x2a\x4d\x18", zstdReader}, // as pzstd begins
	{"lz4", "\x04\x22\x4d\x18", func(from io.Reader) (io.ReadCloser, error) { return io.NopCloser(lz4.NewReader(from)), nil }},
	{"bzip2", "BZh", func(from io.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(from)), nil }},
	{"xz", "\xfd7zXZ\x00", nil},
	{"zip", "PK\x03\x04", nil},
}

func zstdReader(from io.Reader) (io.ReadCloser, error) {
	reader, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, err
	}
	return reader.IOReadCloser(), nil
}

// decompress returns what is in a file that may be compressed, and the compression's name; empty: none.
func decompress(from io.Reader) (plain io.ReadCloser, name string, err error) {
	raw := bufio.NewReaderSize(from, 64<<10)
	begin, err := raw.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	for _, c := range compressions {
		if !bytes.HasPrefix(begin, []byte(c.magic)) {
			continue
		}
		if c.reader == nil {
			return nil, "", fmt.Errorf("compressed with %s, which is not read: want .gz, .zst, .lz4, .bz2, or no compression", c.name)
		}
		plain, err := c.reader(raw)
		if err != nil {
			return nil, "", damaged(c.name, err)
		}
		return plain, c.name, nil
	}
	return io.NopCloser(raw), "", nil
}

// damaged is the error for compressed data that cannot be read.
func damaged(compression string, err error) error {
	switch {
	case compression == "":
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the %s data ends too early: the file is not whole", compression)
	}
	return fmt.Errorf("the %s data is damaged: %w", compression, err)
}
