package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// standardInput is the name that means standard input.
const standardInput = "-"

// Expand replaces each pattern by the files that it matches, sorted. A name without a pattern's characters, or of a file that
// is there, stands for itself.
func Expand(patterns []string) (names []string, err error) {
	for _, pattern := range patterns {
		if pattern == standardInput || !strings.ContainsAny(pattern, `*?[`) || exists(pattern) {
			names = append(names, pattern)
			continue
		}
		found, err := filepath.Glob(pattern) // which sorts
		if err != nil {
			return nil, fmt.Errorf("%s: not a pattern: %w", pattern, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no file matches this pattern", pattern)
		}
		names = append(names, found...)
	}
	return names, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// withoutExtensions is a path without the endings that say how a file is written.
func withoutExtensions(path string) string {
	for _, extensions := range [][]string{{".gz", ".zst", ".lz4", ".bz2"}, {".csv", ".jsonl", ".ndjson", ".json", ".msgpack", ".txt"}} {
		for _, extension := range extensions {
			if base, is := strings.CutSuffix(path, extension); is && base != "" {
				path = base
				break
			}
		}
	}
	return path
}
