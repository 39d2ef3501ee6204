package bootstrap

import (
	"os"
	"time"

	"golang.org/x/term"

	"anomalydetector/bootstrap/stopping"
)

// Process is the world of a real process.
func Process() World {
	return World{
		Env: os.Getenv, Stdout: os.Stdout, Stderr: os.Stderr, Now: time.Now,
		Terminal:  term.IsTerminal(int(os.Stdout.Fd())),
		Container: inContainer(),
		Signals:   stopping.Requests,
		Release:   stopping.Release,
	}
}

// inContainer goes by what the container engines leave for this purpose.
func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	// The image sets the first one, Kubernetes the second.
	return os.Getenv("container") != "" || os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}
