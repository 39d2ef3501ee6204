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
		Container: container(),
		Signals:   stopping.Requests,
		Hangups:   stopping.Hangups,
		Nohup:     stopping.Nohup,
		Release:   stopping.Release,
	}
}

// container is what tells that the process runs in one, for people; "" if nothing
// does. It goes by what the container engines leave for this purpose.
func container() string {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return mark + " is there"
		}
	}
	// The image sets the first one, Kubernetes the second.
	for _, variable := range []string{"container", "KUBERNETES_SERVICE_HOST"} {
		if os.Getenv(variable) != "" {
			return "the environment variable " + variable + " is set"
		}
	}
	return ""
}
