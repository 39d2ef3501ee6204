package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lmittmann/tint"

	"anomalydetector/configs"
)

// logging builds the logger of one configuration, and what closes it: the file
// that the configuration names, in its format; stdout if it names none, in a
// container, and on a terminal besides the file.
func logging(config *configs.Config, world *World, stdout io.Writer) (*slog.Logger, func() error, error) {
	file := config.Log.File
	if file == "" || world.Container {
		return slog.New(stdoutHandler(config, world, stdout)), func() error { return nil }, nil
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log file that %s names: %w", config.Source, err)
	}
	var handler slog.Handler = &fileHandler{out: &lockedWriter{out: out}, config: &config.Log, name: config.Name}
	if world.Terminal {
		handler = slog.NewMultiHandler(handler, stdoutHandler(config, world, stdout))
	} else {
		// Whoever starts it by hand should not wonder where its words are.
		fmt.Fprintf(world.Stdout, "%s logs to %s\n", config.Name, file)
	}
	return slog.New(handler), out.Close, nil
}

func stdoutHandler(config *configs.Config, world *World, stdout io.Writer) slog.Handler {
	if config.Log.JSON {
		return slog.NewJSONHandler(plainJSON{stdout}, &slog.HandlerOptions{Level: config.Log.Level})
	}
	return tint.NewTextHandler(stdout, &tint.Options{
		Level: config.Log.Level, TimeFormat: "2006-01-02 15:04:05.000", NoColor: !world.Terminal,
		ReplaceAttr: printableAttr,
	})
}

// lockedWriter lets several loggers share a writer: a line is one Write.
type lockedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *lockedWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(line)
}

// fileHandler writes records in the format of Python's logging, as the conf of
// the original program asks for; attributes follow the message as key=value.
type fileHandler struct {
	out        io.Writer
	config     *configs.Log
	name       string
	attributes string // of With, rendered
	group      string // prefix of keys, with its dot
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

// render appends " key=value", quoted where it needs to be to stay one word.
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

// joinStops closes in reverse order and joins what went wrong.
func joinStops(stops []func() error) error {
	var all error
	for i := len(stops) - 1; i >= 0; i-- {
		all = errors.Join(all, stops[i]())
	}
	return all
}
