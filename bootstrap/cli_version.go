package bootstrap

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// The linker sets these for a build that cannot ask git, such as that of the image:
// -ldflags "-X anomalydetector/bootstrap.release=1.0.0". Each may stay empty.
var (
	release   string // the version
	revision  string // the commit
	committed string // when the commit was made, in RFC 3339
)

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(world *World) error {
	fmt.Fprintln(world.Stdout, versionLine())
	return nil
}

// version is the release, or the commit of a build from a checkout, or the version of the module.
func version() string {
	if release != "" {
		return release
	}
	if commit, _ := builtFrom(); commit != "" {
		return "commit " + commit[:min(12, len(commit))]
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// versionLine is the version with the commit, its time and Go's version, as far as they are known.
func versionLine() string {
	var of []string
	commit, at := builtFrom()
	if commit != "" && release != "" {
		of = append(of, "commit "+commit[:min(12, len(commit))])
	}
	if at != "" {
		of = append(of, at)
	}
	of = append(of, runtime.Version())
	return "anomalydetector " + version() + " (" + strings.Join(of, ", ") + ")"
}

// builtFrom is the commit that the program was built from, and when the commit was made; "" if unknown.
func builtFrom() (commit, at string) {
	commit, at = revision, committed
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return commit, at
	}
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision" && commit == "":
			commit = setting.Value
		case setting.Key == "vcs.time" && at == "":
			at = setting.Value
		}
	}
	return commit, at
}
