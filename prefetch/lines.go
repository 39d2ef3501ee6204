//go:build amd64 || arm64

package prefetch

import "unsafe"

// lines asks for the cache lines that have any of size bytes from address on.
//
//go:noescape
func lines(address unsafe.Pointer, size uintptr)
