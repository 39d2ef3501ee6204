package formats

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Keys are those of some windows, in order.
func Keys(windows map[string]Window) []string { return slices.Sorted(maps.Keys(windows)) }

// Pack writes a data directory to a compressed tar file, which must not exist. Names and
// contents are all that it keeps, so that it says nothing of the machine.
func Pack(dir, path string) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	compressed, _ := gzip.NewWriterLevel(file, gzip.BestCompression) // the level is a legal one
	out := tar.NewWriter(compressed)
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := out.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = out.Write(content)
		return err
	})
	return errors.Join(err, out.Close(), compressed.Close(), file.Close())
}

func unpack(in io.Reader, into string) error {
	uncompressed, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	for files := tar.NewReader(uncompressed); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(into, filepath.FromSlash(header.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := writeSparse(path, files, header.Size); err != nil {
			return err
		}
	}
}

// writeSparse leaves holes where a file has zeros, as Badger's logs mostly do.
func writeSparse(path string, in io.Reader, size int64) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	part := make([]byte, 1<<16)
	for at := int64(0); at < size && err == nil; {
		part = part[:min(int64(cap(part)), size-at)]
		if _, err = io.ReadFull(in, part); err == nil && len(bytes.Trim(part, "\x00")) > 0 {
			_, err = file.WriteAt(part, at)
		}
		at += int64(len(part))
	}
	return errors.Join(err, file.Truncate(size), file.Close())
}
