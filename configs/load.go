package configs

import (
	"embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed *.conf
var builtIn embed.FS

// BuiltIn returns the names of the built-in files, such as hegemonydetector.conf.
func BuiltIn() []string {
	entries, err := builtIn.ReadDir(".")
	if err != nil {
		return nil // cannot happen: they are embedded
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// Load reads the file at a path or, if there is none, the built-in file of that name. It completes the
// configuration from the environment and checks it. The error is an *Error.
func Load(argument string, env func(string) string) (*Config, error) {
	file, err := Open(argument)
	if err != nil {
		return nil, err
	}
	return file.Load(env)
}

// File is the content of a configuration file. It is read once, because a pipe can be read only once and a file may change.
type File struct {
	argument, source string
	content          []byte
}

// Open reads the file at a path or, if there is none, the built-in file of that name. The error is an *Error.
func Open(argument string) (*File, error) {
	content, source, err := find(argument)
	if err != nil {
		return nil, err
	}
	return &File{argument, source, content}, nil
}

// Override is a value that counts instead of the file's. Source names where it comes from, for errors.
type Override struct{ Section, Key, Value, Source string }

// Load makes a configuration of the file like the function Load, but with other values for some settings.
func (f *File) Load(env func(string) string, overrides ...Override) (*Config, error) {
	return read(f.argument, f.source, f.content, env, overrides...)
}

// override writes values over those of a file.
func (r *reading) override(overrides []Override) error {
	for _, o := range overrides {
		keys := keysOf(o.Section)
		if keys == nil {
			return &Error{File: o.Source, Section: o.Section, Key: o.Key, Problem: "there is no such section", Expected: "want one of: " + join(sectionNames())}
		}
		if !slices.Contains(keys, o.Key) {
			return &Error{File: o.Source, Section: o.Section, Key: o.Key, Problem: "unknown key", Expected: meant(o.Key, keys)}
		}
		if r.doc.sections[o.Section] == nil {
			r.doc.sections[o.Section] = make(map[string]string)
		}
		r.doc.sections[o.Section][o.Key] = o.Value
		r.overridden = append(r.overridden, o)
	}
	return nil
}

// sourceOf is where a setting comes from, if not from the environment.
func (r *reading) sourceOf(section, key string) string {
	for _, o := range r.overridden {
		if o.Section == section && o.Key == key {
			return o.Source
		}
	}
	return r.file
}

// find prefers a file on disk to a built-in one.
func find(argument string) (content []byte, source string, err error) {
	if argument == "" { // such as "$CONF", with CONF not set
		return nil, "", &Error{File: `""`, Problem: "the name is empty", Expected: "want a path, or one that is built in: " + join(BuiltIn())}
	}
	content, err = readAll(argument)
	var path *fs.PathError
	switch {
	case err == nil:
		return content, argument, nil
	case errors.As(err, &path) && !errors.Is(err, fs.ErrNotExist):
		return nil, "", &Error{File: argument, Problem: "it cannot be read: " + path.Err.Error(), Expected: "want a readable file"}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, "", &Error{File: argument, Problem: err.Error(), Expected: "want a configuration"}
	case slices.Contains(BuiltIn(), argument):
		if content, err = builtIn.ReadFile(argument); err != nil {
			return nil, "", &Error{File: argument, Problem: "it is built in, but cannot be read: " + err.Error(), Expected: "want a whole program"}
		}
		return content, "built-in " + argument, nil
	}
	return nil, "", &Error{File: argument, Problem: NoSuchFile,
		Expected: "want a path, or one that is built in: " + join(BuiltIn())}
}

// maxSize bounds a file, in bytes.
const maxSize = 1 << 20

// readAll reads a file or pipe of at most maxSize.
func readAll(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = errors.New("it is larger than 1 MiB")
	}
	return content, err
}

// read makes a configuration from the content of a file.
func read(argument, source string, content []byte, env func(string) string, overrides ...Override) (*Config, error) {
	doc, err := parse(source, content)
	if err != nil {
		return nil, err
	}
	warnings, err := unknown(source, doc)
	if err != nil {
		return nil, err
	}
	r := &reading{file: source, doc: doc, env: env, warnings: warnings}
	config := &Config{Name: strings.TrimSuffix(filepath.Base(argument), ".conf"), Source: source}
	if config.Name == "" {
		return nil, &Error{File: source, Problem: "the file has no name before .conf", Expected: "want one: it is the detector's name"}
	}
	r.remarks()
	r.renameOlder()
	if err := r.override(overrides); err != nil {
		return nil, err
	}
	config.IO = r.io()
	config.Detection = r.detection(config.IO.GranularityMinutes)
	config.Job = r.job()
	config.Kafka = r.kafka()
	config.Persistence = r.persistence()
	r.transactionFits(config.Kafka, config.Persistence)
	config.Output = r.output(config.IO)
	config.Episodes = r.episodes(config)
	config.Cluster = r.cluster(config.Persistence)
	config.HTTP = r.http()
	config.Notify = r.notify(config.Episodes)
	config.Log = r.log()
	if r.err != nil {
		return nil, r.err
	}
	config.Warnings, config.settings = r.warnings, inOrder(r.settings)
	return config, nil
}

func join(words []string) string { return strings.Join(words, ", ") }
