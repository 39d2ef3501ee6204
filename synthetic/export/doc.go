// Package export writes a synthetic stream and its labels as files that other programs read. Equal streams give equal bytes,
// on any number of processors.
//
// It is a package beside synthetic, because synthetic is pure: it starts no goroutine and does no I/O. Both the command
// synthesize and programs in bench use it. It knows no file names but for their extensions, and opens no file.
//
// Read in this order: format.go (what a line looks like), write.go (all processors at once), labels.go.
package export
