//go:build amd64 || arm64

package prefetch

import "unsafe"

// lines asks for the cache lines that have any of size bytes from an offset behind an address on. It adds the two, because Go's checks of pointers
// would refuse an offset from nil.
//
//go:noescape
func lines(address unsafe.Pointer, offset, size uintptr)
