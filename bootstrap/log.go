package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/lmittmann/tint"

	"anomalydetector/configs"
	"anomalydetector/web"
)

// logs are the targets of the loggers of a process.
type logs struct {
	world  *World
	stderr *sink // takes what the other sinks report, since standard error may block, too
	stdout *sink
	screen *screen                   // stdout, with a progress bar on a terminal
	files  []*logFile                // configurations that share a file have an entry each
	levels map[string]*slog.LevelVar // by the name of a configuration

	mu    sync.Mutex // of sinks: metrics are served while configurations are added
	sinks []*sink    // of stdout, then of each file
}

func newLogs(world *World) *logs {
	stderr := newSink("standard error", world.Stderr, nil, io.Discard, world.Now)
	stdout := newSink("standard output", world.Stdout, nil, stderr, world.Now)
	return &logs{world: world, stderr: stderr, stdout: stdout, screen: &screen{out: stdout}, sinks: []*sink{stdout},
		levels: make(map[string]*slog.LevelVar)}
}

// logger builds the logger of one configuration. It writes to the file that the configuration names,
// in its format, and to a terminal as well. It writes to stdout alone if place says so.
func (l *logs) logger(config *configs.Config) (*slog.Logger, error) {
	level := new(slog.LevelVar)
	level.Set(config.Log.Level)
	l.levels[config.Name] = level
	if toStdout, _ := place(config, l.world); toStdout {
		return slog.New(l.stdoutHandler(config)), nil
	}
	out, err := l.file(config)
	if err != nil {
		return nil, err
	}
	var handler slog.Handler = &fileHandler{out: out, config: &config.Log, level: level, name: config.Name}
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
	out := newSink(file.path, file, file.tend, l.stderr, l.world.Now)
	file.warn = func(err error) {
		out.tell("the log file cannot be reopened: %v; lines still go to the renamed file", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
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

// close writes what waits, and closes the files. It waits for all targets at the same time.
func (l *logs) close() error {
	ended := make([]bool, len(l.sinks))
	var closing sync.WaitGroup
	for i, out := range l.sinks {
		closing.Go(func() { ended[i] = out.close() })
	}
	closing.Wait()
	l.stderr.close()
	var all error
	for i, file := range l.files {
		if ended[i+1] {
			all = errors.Join(all, file.close())
		}
	}
	return all
}

// lost is how many lines were lost, by target.
func (l *logs) lost() web.LostLines {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost := web.LostLines{Stdout: l.stdout.total.Load(), Stderr: l.stderr.total.Load()}
	for _, out := range l.sinks[1:] {
		lost.File += out.total.Load()
	}
	return lost
}

func (l *logs) stdoutHandler(config *configs.Config) slog.Handler {
	if config.Log.JSON {
		return slog.NewJSONHandler(plainJSON{l.screen}, &slog.HandlerOptions{Level: l.levels[config.Name]})
	}
	// NO_COLOR: see no-color.org.
	colour := l.world.Terminal && l.world.Env("NO_COLOR") == ""
	return tint.NewTextHandler(l.screen, &tint.Options{
		Level: l.levels[config.Name], TimeFormat: "2006-01-02 15:04:05.000", NoColor: !colour,
		ReplaceAttr: printableAttr,
	})
}

// fileHandler writes records in the Python logging format of the configuration. Attributes follow the
// message as key=value.
type fileHandler struct {
	out        io.Writer
	config     *configs.Log
	level      slog.Leveler
	name       string
	attributes string // those of With, rendered
	group      string // prefix of keys, with a dot at its end
}

func (h *fileHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
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
