// Package prefetch asks the processor for memory before it is read. A read of memory that is in no cache takes as long as hundreds of
// instructions. Whoever knows beforehand what it will read asks for all of it, does other work, and finds it in the cache.
//
// To prefetch is not to read: nothing waits, nothing changes, and an address that is not valid does no harm. On architectures other than amd64 and arm64
// nothing happens.
package prefetch
