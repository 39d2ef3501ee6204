package prefetch

import "unsafe"

// Memory asks for all that a variable takes, without what its pointers and slices refer to. It may be nil.
func Memory[T any](variable *T) { lines(unsafe.Pointer(variable), unsafe.Sizeof(*variable)) }

// Text asks for the beginning of a text.
func Text(text string) { lines(unsafe.Pointer(unsafe.StringData(text)), 1) }
