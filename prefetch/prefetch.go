package prefetch

import "unsafe"

// Memory asks for all that a variable takes, without what its pointers and slices refer to. It may be nil.
func Memory[T any](variable *T) { lines(unsafe.Pointer(variable), 0, unsafe.Sizeof(*variable)) }

// Part asks for some bytes of a variable, which may be nil. To prefetch &v.part would read v, because Go wants to know whether v is nil, and would wait for it.
func Part[T any](variable *T, offset, size uintptr) {
	lines(unsafe.Pointer(variable), offset, size)
}

// Text asks for the beginning of a text.
func Text(text string) { lines(unsafe.Pointer(unsafe.StringData(text)), 0, 1) }
