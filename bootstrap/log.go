package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/lmittmann/tint"

	"anomalydetector/configs"
)

// logs are the targets of the loggers of a process.
type logs struct {
	world  *World
	stdout *sink
	screen *screen    // stdout, with a progress bar on a terminal
	sinks  []*sink    // of stdout, then of each file
	files  []*logFile // configurations that share a file have an entry each
}

func newLogs(world *World) *logs {
	stdout := newSink("standard output", world.Stdout, nil, world)
	return &logs{world: world, stdout: stdout, screen: &screen{out: stdout}, sinks: []*sink{stdout}}
}

// logger builds the logger of one configuration. It writes to the file that the configuration names,
// in its format, and to a terminal as well. It writes to stdout alone if place says so.
func (l *logs) logger(config *configs.Config) (*slog.Logger, error) {
	if toStdout, _ := place(config, l.world); toStdout {
		return slog.New(l.stdoutHandler(config)), nil
	}
	out, err := l.file(config)
	if err != nil {
		return nil, err
	}
	var handler slog.Handler = &fileHandler{out: out, config: &config.Log, name: config.Name}
	if l.world.Terminal {
		handler = slog.NewMultiHandler(handler, l.stdoutHandler(config))
	} else {
		// Without this line, standard output would be empty, and a user would not know why.
		fmt.Fprintf(l.stdout, "%s logs to %s\n", config.Name, config.Log.File)
	}
	return slog.New(handler), nil
}

// place tells whether the log goes to stdout. If the configuration names a file nevertheless, reason says
// why the log does not go there.
func place(config *configs.Config, world *World) (stdout bool, reason string) {
	switch {
	case config.Log.File == "":
		return true, ""
	case config.Log.Place == configs.LogToFile:
		return false, ""
	case config.Log.Place == configs.LogToStdout:
		return true, "DETECTOR_LOG=stdout"
	case world.Container != "":
		return true, "this looks like a container: " + world.Container + "; DETECTOR_LOG=file keeps the file"
	}
	return false, ""
}

// tellPlace logs where the log goes. It is the first line of a log.
func tellPlace(log *slog.Logger, config *configs.Config, world *World) {
	switch stdout, reason := place(config, world); {
	case !stdout:
		log.Info("the log goes to the configuration's file", "file", config.Log.File)
	case reason != "":
		log.Info("the log goes to standard output, not to the configuration's file", "file", config.Log.File, "because", reason)
	default:
		log.Info("the log goes to standard output: the configuration names no file")
	}
}

// file opens the log file of a configuration.
func (l *logs) file(config *configs.Config) (*sink, error) {
	file := &logFile{path: config.Log.File, watched: config.Log.Watched}
	if err := file.open(); err != nil {
		return nil, fmt.Errorf("open the log file that %s names: %w", config.Source, fileDenied(err, config, l.world))
	}
	out := newSink(file.path, file, file.tend, l.world)
	file.warn = func(err error) {
		out.tell("the log file cannot be reopened: %v; lines still go to the renamed file", err)
	}
	l.files, l.sinks = append(l.files, file), append(l.sinks, out)
	return out, nil
}

// reopen asks for all files to be reopened, and returns their paths.
func (l *logs) reopen() (paths []string) {
	for i, file := range l.files {
		file.asked.Store(true)
		l.sinks[i+1].nudge()
		paths = append(paths, file.path)
	}
	return paths
}

// close writes what waits, and closes the files.
func (l *logs) close() error {
	var all error
	for i, out := range l.sinks {
		if out.close() && i > 0 {
			all = errors.Join(all, l.files[i-1].close())
		}
	}
	return all
}

func (l *logs) stdoutHandler(config *configs.Config) slog.Handler {
	if config.Log.JSON {
		return slog.NewJSONHandler(plainJSON{l.screen}, &slog.HandlerOptions{Level: config.Log.Level})
	}
	// NO_COLOR: see no-color.org.
	colour := l.world.Terminal && l.world.Env("NO_COLOR") == ""
	return tint.NewTextHandler(l.screen, &tint.Options{
		Level: config.Log.Level, TimeFormat: "2006-01-02 15:04:05.000", NoColor: !colour,
		ReplaceAttr: printableAttr,
	})
}

// fileHandler writes records in the Python logging format of the configuration. Attributes follow the
// message as key=value.
type fileHandler struct {
	out        io.Writer
	config     *configs.Log
	name       string
	attributes string // those of With, rendered
	group      string // prefix of keys, with a dot at its end
}

func (h *fileHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.config.Level
}

func (h *fileHandler) Handle(_ context.Context, record slog.Record) error {
	var message strings.Builder
	message.WriteString(printable(record.Message))
	message.WriteString(h.attributes)
	record.Attrs(func(a slog.Attr) bool {
		render(&message, h.group, a)
		return true
	})
	line := h.config.Append(nil, record.Time, record.Level, h.name, message.String())
	_, err := h.out.Write(append(line, '\n'))
	return err
}

func (h *fileHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	var text strings.Builder
	text.WriteString(h.attributes)
	for _, a := range attributes {
		render(&text, h.group, a)
	}
	with := *h
	with.attributes = text.String()
	return &with
}

func (h *fileHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}

// render appends " key=value", and quotes the value if it would not be one word.
func render(text *strings.Builder, group string, a slog.Attr) {
	value := a.Value.Resolve()
	word := value.String()
	if value.Kind() == slog.KindTime {
		word = value.Time().Format(time.RFC3339)
	}
	if word == "" || strings.ContainsAny(word, " \"=") || !isPrintable(word, "") {
		word = fmt.Sprintf("%q", word)
	}
	text.WriteString(" " + group + a.Key + "=" + word)
}

// joinStops calls the functions in reverse order and joins their errors.
func joinStops(stops []func() error) error {
	var all error
	for i := len(stops) - 1; i >= 0; i-- {
		all = errors.Join(all, stops[i]())
	}
	return all
}
