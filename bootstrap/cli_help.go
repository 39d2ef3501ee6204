package bootstrap

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"anomalydetector/configs"
)

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command to explain."`
}

// Run is never called: asHelp turns the command into --help.
func (helpCommand) Run(*World) error { return nil }

// asHelp turns "help check" into "check --help".
func asHelp(arguments []string, program *kong.Node) ([]string, error) {
	if arguments[0] != "help" || slices.Contains(arguments, "--help") {
		return arguments, nil
	}
	within, path := program, ""
	for _, word := range arguments[1:] {
		if strings.HasPrefix(word, "-") {
			return arguments, nil // kong reports the flag
		}
		var names []string
		var next *kong.Node
		for _, command := range within.Children {
			names = append(names, command.Name)
			if command.Name == word {
				next = command
			}
		}
		if next == nil {
			problem := fmt.Sprintf("there is no command %s%s", path, printable(word))
			if like := configs.Nearest(word, names); like != "" {
				problem += "; did you mean " + path + like + "?"
			} else if len(names) > 0 {
				problem += ", want one of " + strings.Join(names, ", ")
			}
			return nil, usageError(problem)
		}
		within, path = next, path+word+" "
	}
	return append(slices.Clone(arguments[1:]), "--help"), nil
}

// example is one way to call a command, and the environment variables that the command reads.
type example struct {
	line string
	env  []string
}

// Environment variables.
var (
	kafkaEnv = []string{"KAFKA_HOST"}
	stateEnv = []string{"DETECTOR_DATA_DIR"}
	askEnv   = []string{"DETECTOR_HTTP", "DETECTOR_CLUSTER_ADVERTISE"}
	runEnv   = []string{"KAFKA_HOST", "DETECTOR_DATA_DIR", "DETECTOR_HTTP", "DETECTOR_HTTP_INSECURE", "DETECTOR_HEALTH", "DETECTOR_STOP_TIMEOUT", "DETECTOR_CLUSTER_LISTEN", "DETECTOR_CLUSTER_ADVERTISE",
		"DETECTOR_NODE_ID", "DETECTOR_LOG", "LOG_LEVEL", "LOG_FORMAT", "NO_COLOR"}
)

var variables = map[string]string{
	"KAFKA_HOST":                 "the brokers: host:port, separated by commas",
	"DETECTOR_DATA_DIR":          "the directory of the stored windows",
	"DETECTOR_HTTP":              "host:port of the page, API and metrics, or off",
	"DETECTOR_HTTP_INSECURE":     "yes: no password is needed beyond loopback",
	"DETECTOR_HEALTH":            "host:port of one more address of health, or off",
	"DETECTOR_CLUSTER_LISTEN":    "host:port to listen on for other nodes",
	"DETECTOR_CLUSTER_ADVERTISE": "host:port at which other nodes reach this one",
	"DETECTOR_NODE_ID":           "the node's id, instead of the one in the data directory",
	"DETECTOR_LOG":               "stdout or file: where the log goes",
	"DETECTOR_STOP_TIMEOUT":      "how long a stop may take, such as 25s",
	"LOG_LEVEL":                  "debug, info, warn or error",
	"LOG_FORMAT":                 "json: for collectors",
	"NO_COLOR":                   "if set: no colour",
}

// examples are by command; each command has one.
var examples = map[string]example{
	"":             {"anomalydetector hegemonydetector.conf", runEnv},
	"run":          {"anomalydetector run hegemonydetector.conf hegemonydetector_v6.conf", runEnv},
	"demo":         {"anomalydetector demo --duration 1m", []string{"KAFKA_HOST", "DETECTOR_HTTP", "NO_COLOR"}},
	"check":        {"anomalydetector check --connect hegemonydetector.conf", runEnv},
	"state":        {"anomalydetector state hegemonydetector.conf", stateEnv},
	"state show":   {"anomalydetector state show hegemonydetector.conf --json", stateEnv},
	"state export": {"anomalydetector state export hegemonydetector.conf windows.jsonl", stateEnv},
	"state import": {"anomalydetector state import hegemonydetector.conf windows.jsonl", stateEnv},
	"backtest":     {"anomalydetector backtest hegemonydetector.conf stream.csv.zst --set detection.threshold=5,3 --report report.html", kafkaEnv},
	"synthesize":   {"anomalydetector synthesize --out stream.csv.zst --labels events.csv --hard", nil},
	"status":       {"anomalydetector status hegemonydetector.conf --json", askEnv},
	"entity":       {"anomalydetector entity hegemonydetector.conf -1,64510", askEnv},
	"anomalies":    {"anomalydetector anomalies hegemonydetector.conf --since 6h --min-deviation 20 --follow", slices.Concat(askEnv[:1], kafkaEnv, []string{"NO_COLOR"})},
	"episodes":     {"anomalydetector episodes hegemonydetector.conf --state open", slices.Concat(askEnv[:1], []string{"NO_COLOR"})},
	"health":       {"anomalydetector health hegemonydetector.conf --ready", []string{"DETECTOR_HEALTH", "DETECTOR_HTTP"}},
	"version":      {"anomalydetector version", nil},
	"help":         {"anomalydetector help anomalies", nil},
	"man":          {"anomalydetector man", nil},
	"completion":   {"source <(anomalydetector completion bash)", nil},
}

// exitCodes are those of commands for which 1 does not only mean a failure.
var exitCodes = map[string]string{
	"check":  "0 fine, 1 with --connect: a detector could not work, 2 usage or configuration",
	"entity": "0 known, 1 unknown or no answer, 2 usage or configuration",
	"health": "0 healthy, 1 not healthy or no answer, 2 usage or configuration",
}

// printHelp adds an example, the environment variables and the exit codes to kong's help.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil || options.Summary {
		return err
	}
	path := ""
	if selected := ctx.Selected(); selected != nil {
		path = strings.TrimSpace(strings.TrimPrefix(selected.Path(), ctx.Model.Name))
	}
	of := examples[path]
	var text strings.Builder
	fmt.Fprintf(&text, "\nExample:\n  %s\n", of.line)
	if len(of.env) > 0 {
		text.WriteString("\nEnvironment:\n")
		for _, name := range of.env {
			fmt.Fprintf(&text, "  %-26s  %s\n", name, variables[name])
		}
	}
	codes := exitCodes[path]
	if codes == "" {
		codes = "0 clean, 1 failure, 2 usage or configuration"
	}
	fmt.Fprintf(&text, "\nExit codes: %s.\n", codes)
	_, err := fmt.Fprint(ctx.Stdout, text.String())
	return err
}
