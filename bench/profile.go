package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"
)

// How the compiler gets its profile: default.pgo beside main.go, which go build finds by itself.

type profileCommand struct {
	To string `default:"default.pgo" help:"The file to write (default ${default})."`
}

func (c *profileCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.profile(ctx, b) })
}

// profile runs the detector at full speed, with few and with many entities, with each method, and writes where its processor
// time went.
func (c *profileCommand) profile(ctx context.Context, b *bench) error {
	folder := filepath.Join(b.work, "profiles")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	if err := os.Setenv("CPU_PROFILES", folder); err != nil {
		return err
	}
	say("building the detector without a profile")
	if err := build(ctx, ".", map[string]string{"CGO_ENABLED": "0"}, "go", "build", "-trimpath", "-pgo=off", "-o", b.detector, "./bench/profiled"); err != nil {
		return err
	}
	for _, size := range []struct{ entities, bins int }{{4000, 3000}, {100_000, 400}} {
		topic, stream, err := b.fill(ctx, "hegemony", size.entities, size.bins, b.settings.Partitions)
		if err != nil {
			return err
		}
		for _, s := range []*system{b.detectorSystem("detector", "detector"), b.habitSystem("detector-habit", "detector, method habit")} {
			run, err := b.runOnce(ctx, s, topic, stream.shape)
			if err != nil {
				return err
			}
			say("%s, %d entities: %.2f s of processor time a million points", s.Label, size.entities, run.SteadyCPU)
		}
		b.deleteTopics(topic)
	}
	return c.merge(ctx, folder)
}

// merge makes one profile of those in a folder.
func (c *profileCommand) merge(ctx context.Context, folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.pprof"))
	if err != nil {
		return err
	}
	for _, file := range files { // go tool pprof would leave out what it cannot read
		profile, err := os.ReadFile(file)
		if err == nil {
			_, err = withoutPaths(profile)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	merged, err := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-proto", "-output=/dev/stdout"}, files...)...).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof: %w", err)
	}
	profile, err := withoutPaths(merged)
	if err != nil {
		return err
	}
	return os.WriteFile(c.To, profile, 0o644)
}

// withoutPaths empties the strings of a profile that are paths of the machine. The compiler needs none, and they are nobody's business.
func withoutPaths(packed []byte) ([]byte, error) {
	const stringTable = 6 // the field of profile.proto
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, err
	}
	var kept []byte
	for len(rest) > 0 {
		field, kind, n := protowire.ConsumeField(rest)
		if n < 0 {
			return nil, fmt.Errorf("the profile: %w", protowire.ParseError(n))
		}
		whole := rest[:n]
		rest = rest[n:]
		if field == stringTable {
			text, _ := protowire.ConsumeBytes(whole[protowire.SizeTag(field):])
			if bytes.HasPrefix(text, []byte("/")) {
				whole = protowire.AppendBytes(protowire.AppendTag(nil, field, kind), nil)
			}
		}
		kept = append(kept, whole...)
	}
	var out bytes.Buffer
	to := gzip.NewWriter(&out)
	_, err = to.Write(kept)
	err = errors.Join(err, to.Close())
	return out.Bytes(), err
}
