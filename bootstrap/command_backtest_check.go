package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"anomalydetector/backtest/source"
)

// check refuses flags that do not go together, before anything is read.
func (c *backtestCommand) check() error {
	into, files := c.Into != "", !c.Topic.given
	for _, wrong := range []struct {
		is  bool
		why string
	}{
		{c.Topic.given && len(c.Sources) > 0, "--topic and files: want one of both; a topic's name follows --topic"},
		{files && len(c.Sources) == 0, "nothing to read: want files, - for standard input, or --topic"},
		{files && (c.From != "" || c.Until != "now"), "--from and --until are for --topic: files are read as a whole"},
		{!files && (c.Format != "" || len(c.Map) > 0 || c.Time != "" || c.KeyFrom != ""),
			"--format, --map, --time and --key-from are for files: a topic has the detector's datapoints, with their times"},
		{len(c.Entity) > 0 && c.Report == "", "--entity is for the page of --report"},
		{c.Anomalies == "-" && (c.JSON || c.CSV), "--anomalies - with --json or --csv: want one of them on standard output"},
		{c.Report == "-", "--report -: want the name of a file"},
		{c.Report != "" && c.Report == c.Anomalies, "--report and --anomalies: want two files"},
		{!into && c.Speed != "max", "--speed is for --into"},
		{!into && c.Append, "--append is for --into"},
		{into && (len(c.Set) > 0 || len(c.Labels) > 0 || c.JSON || c.CSV || c.Anomalies != "" || c.Report != ""),
			"--into writes the source into a topic and scores nothing: want it without --set, --labels, --json, --csv, --anomalies and --report"},
	} {
		if wrong.is {
			return usageError(wrong.why)
		}
	}
	if _, err := parseSpeed(c.Speed); err != nil {
		return err
	}
	return c.checkOutputs()
}

// checkOutputs refuses files that cannot be written, and those that are read or written already.
func (c *backtestCommand) checkOutputs() error {
	used, err := source.Expand(c.Sources)
	if err != nil {
		return usageError(err.Error())
	}
	used = append(append(used, c.Conf), c.Labels...)
	for _, output := range []struct{ flag, path string }{{"--anomalies", c.Anomalies}, {"--report", c.Report}} {
		if output.path == "" || output.path == "-" {
			continue
		}
		if i := slices.IndexFunc(used, func(path string) bool { return sameFile(path, output.path) }); i >= 0 {
			return usageError(fmt.Sprintf("%s %s: this is the same file as %s, and would replace it; want another file", output.flag, output.path, used[i]))
		}
		used = append(used, output.path)
		file := exportFile{path: output.path, force: true}
		if err := file.writable(); err != nil {
			return usageError(fmt.Sprintf("%s %s: %s", output.flag, output.path, err))
		}
	}
	return nil
}

// sameFile tells whether two paths are one regular file, or would become one.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	other, failed := os.Stat(b)
	if err == nil && failed == nil {
		return one.Mode().IsRegular() && os.SameFile(one, other)
	}
	return err != nil && failed != nil && realPath(a) != "" && realPath(a) == realPath(b)
}

// realPath is the path of a file that need not exist, without links; "" if its folder does not exist.
func realPath(path string) string {
	end, _, err := resolve(path)
	if err != nil {
		return ""
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(end))
	if err != nil {
		return ""
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return ""
	}
	return filepath.Join(folder, filepath.Base(end))
}

// outcome names the signal instead of the end of the context. If the reader of standard output has closed it, it has what it wanted.
func (c *backtestCommand) outcome(ctx context.Context, err error) error {
	switch {
	case err != nil && errors.Is(err, ctx.Err()):
		return context.Cause(ctx)
	case c.Anomalies == "-" && errors.Is(err, syscall.EPIPE):
		return nil
	}
	return err
}
