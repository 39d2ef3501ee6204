package bootstrap

import (
	"context"
	"log/slog"
	"slices"
)

// naming adds the names of all detectors to lines of the process itself, unless a line names a
// detector.
type naming struct {
	slog.Handler
	detectors string
}

func isDetector(a slog.Attr) bool { return a.Key == "detector" }

func (n naming) Handle(ctx context.Context, record slog.Record) error {
	named := false
	record.Attrs(func(a slog.Attr) bool { named = isDetector(a); return !named })
	if !named {
		record = record.Clone()
		record.AddAttrs(slog.String("detector", n.detectors))
	}
	return n.Handler.Handle(ctx, record)
}

func (n naming) WithAttrs(attributes []slog.Attr) slog.Handler {
	if slices.ContainsFunc(attributes, isDetector) {
		return n.Handler.WithAttrs(attributes)
	}
	return naming{n.Handler.WithAttrs(attributes), n.detectors}
}

func (n naming) WithGroup(name string) slog.Handler { return n.Handler.WithGroup(name) }
