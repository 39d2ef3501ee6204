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
		Manager:   serviceManager(os.Getenv),
	}
}

// container says, for people, why this looks like a container; "" if it does not. Container engines
// leave these marks for the purpose.
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
