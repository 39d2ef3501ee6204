// Package configs holds the built-in .conf files. It reads, completes and checks any .conf file: a
// file of the original program means here what it means there, as Python's configparser reads it.
//
// Load is the entry. It reads one file and the given environment, and checks that the files exist
// that the configuration names. It reads no other file, uses no network, logs nothing, and never
// shows a secret: neither in an Error, nor in a Warning, nor in a Setting. It imports nothing of
// ours.
//
// # Parts
//
//   - reader.go: the INI syntax; keys.go: each known section and key, with what people need to know of
//     it; schema.go: what is looked up there, and older names. The built-in files and
//     docs/configuration.md are written from these: go generate ./configs
//   - values.go: values with their defaults, overrides and checks; sections.go, kafka.go,
//     cluster.go, http.go, logging.go: one function a section
//   - format.go: log lines in a Python logging format
//   - error.go: the one error that all checks return
package configs
