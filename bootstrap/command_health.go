package bootstrap

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"anomalydetector/configs"
)

type healthCommand struct {
	Conf    string        `arg:"" optional:"" name:"conf" help:"Configuration that the process runs with. Without one, the address is DETECTOR_HEALTH, DETECTOR_HTTP or the default."`
	Ready   bool          `help:"Ask whether it is ready, not only alive: while it replays history, it is alive but not ready."`
	Timeout time.Duration `default:"2s" help:"How long to wait, at most 1m (default ${default})."`
	JSON    bool          `name:"json" help:"Print the answer as JSON."`
}

// healthAnswer is the part of a probe's answer that the command needs.
type healthAnswer struct {
	OK      bool `json:"ok"`
	Reasons []struct {
		Detector string `json:"detector"`
		Detail   string `json:"detail"`
	} `json:"reasons"`
	Names []string `json:"names"`
	whole json.RawMessage
}

// Run asks the running process for its health. It returns an error unless the process is healthy.
func (c *healthCommand) Run(world *World) error {
	world.Release()
	if c.Timeout <= 0 || c.Timeout > time.Minute {
		return usageError("--timeout is " + c.Timeout.String() + ", want at most 1m")
	}
	addresses, name, err := c.where(world)
	if err != nil {
		return err
	}
	path := "/healthz?verbose"
	if c.Ready {
		path = "/readyz?verbose"
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	var problem error
	for _, address := range addresses {
		answer, err := askHealth(ctx, address, path)
		switch {
		case err != nil:
			problem = cmp.Or(problem, fmt.Errorf("ask for the health at %s: %w", address, err))
		case name != "" && !answer.names(name):
			problem = cmp.Or(problem, fmt.Errorf("the process at %s runs no detector %s", address, name))
		default:
			if c.JSON {
				if err := printJSON(world.Stdout, answer.whole); err != nil || answer.OK {
					return err
				}
			}
			return answer.print(world.Stdout)
		}
	}
	return problem
}

// where returns the addresses at which the process may listen, and the name of a detector that
// distinguishes it from other processes; "" if there is nothing to distinguish.
func (c *healthCommand) where(world *World) (addresses []string, name string, err error) {
	var section configs.HTTP
	source := "environment"
	if c.Conf == "" {
		section, err = configs.HTTPFromEnvironment(world.Env)
	} else {
		var config *configs.Config
		if config, err = configs.Load(c.Conf, world.Env); err == nil {
			section, source, name = config.HTTP, config.Source, config.Name
		}
	}
	switch {
	case err != nil:
		return nil, "", err
	case section.Health != "":
		return []string{reachable(section.Health)}, name, nil
	case section.HealthListen != "":
		return []string{reachable(section.HealthListen)}, name, nil
	case section.Listen == "":
		return nil, "", &configs.Error{File: source, Section: "http", Key: "listen", Problem: "it is off, so nothing answers",
			Expected: "want [http] listen, or health_listen"}
	case section.WebConfigFile != "":
		return nil, "", &configs.Error{File: source, Section: "http", Key: "health_listen",
			Problem: "the key is missing, and listen may ask for a password", Expected: "want health_listen = host:port, such as 127.0.0.1:8081"}
	case section.Default && name != "":
		return defaultAddresses(), name, nil
	}
	return []string{reachable(section.Listen)}, name, nil
}

// reachable is the address to dial for an address to listen on.
func reachable(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// mostHealth bounds an answer, in bytes.
const mostHealth = 16 << 20

func askHealth(ctx context.Context, address, path string) (answer healthAnswer, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return answer, err
	}
	response, err := siteClient.Do(request)
	if err != nil {
		return answer, errors.Unwrap(err) // without the URL
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusServiceUnavailable {
		return answer, errors.New("it answers " + response.Status)
	}
	if err = json.NewDecoder(io.LimitReader(response.Body, mostHealth)).Decode(&answer.whole); err == nil {
		err = json.Unmarshal(answer.whole, &answer)
	}
	if err != nil {
		return answer, fmt.Errorf("the answer is not that of an anomaly detector: %w", err)
	}
	return answer, nil
}

func (a *healthAnswer) names(detector string) bool { return slices.Contains(a.Names, detector) }

func (a *healthAnswer) print(out io.Writer) error {
	if a.OK {
		_, err := fmt.Fprintln(out, "ok")
		return err
	}
	var all error
	for _, why := range a.Reasons {
		text := why.Detail
		if why.Detector != "" {
			text = why.Detector + ": " + text
		}
		all = errors.Join(all, errors.New(text))
	}
	return cmp.Or(all, errors.New("it is not healthy, and gives no reason"))
}
