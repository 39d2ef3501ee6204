package bootstrap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"anomalydetector/configs"
)

// Exit codes. If a second signal ends a stop at once, the code is 128 and the number of that signal.
const (
	exitClean   = 0
	exitFailure = 1
	exitUsage   = 2
)

// exitStatus is what the codes mean, for people.
var exitStatus = []struct{ codes, meaning string }{
	{"0", "Clean stop: SIGTERM, SIGINT, or the end of the job's duration."},
	{"1", "Failure, or a stop that took too long."},
	{"2", "Wrong command line or configuration, or the broker refuses the detector: its user, its password, its certificate or its permissions."},
	{"130, 143", "Another SIGINT or SIGTERM ended a stop at once, or one ended a backtest, and what it has written is of a part of the input; or one ended state import --csv, and nothing is stored."},
}

// World is what surrounds the program: a real process (Process), or a test.
type World struct {
	Arguments []string // of the command line; Main sets them
	Env       func(string) string
	Stdout    io.Writer
	Stderr    io.Writer
	Now       func() time.Time
	// Container says, for people, why this looks like a container; "" if it does not. In a container
	// the log goes to Stdout, unless DETECTOR_LOG says otherwise.
	Container string
	// Terminal tells whether Stdout is a terminal, which gets colour and a progress bar.
	Terminal bool
	// Signals are requests to stop: the first gently, the second at once. Signals within a second are
	// one request.
	Signals <-chan os.Signal
	// Hangups are requests to reopen the log files and to read the configurations again.
	Hangups <-chan os.Signal
	// Nohup tells whether the process is to outlive its terminal.
	Nohup bool
	// Release makes signals end the process at once. Commands call it that do not read Signals.
	Release func()
	// Manager is the service manager that has started the process, such as systemd; nil: there is none.
	Manager *Manager
}

// commands is the command line.
type commands struct {
	Run        runCommand        `cmd:"" default:"withargs" help:"Watch the streams of one or more configurations (the default)."`
	Demo       demoCommand       `cmd:"" help:"See it work: an embedded broker, a synthetic stream and the detector, in one process."`
	Check      checkCommand      `cmd:"" help:"Print the settings in force and where each comes from; with --connect, ask the broker whether they work."`
	Backtest   backtestCommand   `cmd:"" help:"Try settings on old data: files or a part of a topic."`
	State      stateCommand      `cmd:"" help:"Show, export or import the stored windows; the detector must not run."`
	Synthesize synthesizeCommand `cmd:"" help:"Write a synthetic stream and its events to files, to try a backtest on."`
	Status     statusCommand     `cmd:"" help:"Ask a running node for all nodes and partitions."`
	Entity     entityCommand     `cmd:"" help:"Ask a running node for an entity: a verdict, its window, median, bounds, anomalies and open episode."`
	Anomalies  anomaliesCommand  `cmd:"" help:"Print the anomalies that the running process, or the output topic, has; with --follow, also those to come."`
	Episodes   episodesCommand   `cmd:"" help:"Print runs of anomalies: when each began, its peak and how it ended."`
	Health     healthCommand     `cmd:"" help:"Ask the running process whether it is alive, or ready: exit code 0 or 1."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
	Help       helpCommand       `cmd:"" help:"Explain the program, or one of its commands."`
	Completion completionCommand `cmd:"" help:"Print a script with which a shell completes commands, flags and configurations."`
	Man        manCommand        `cmd:"" help:"Print the manual page: anomalydetector man | man -l -"`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

type runCommand struct {
	Confs     []string `arg:"" name:"conf" help:"Configuration file, or the name of a built-in one: ${builtin}."`
	FailFast  bool     `help:"Exit with 1 when the broker or the input topic is missing, instead of waiting for it."`
	Quiet     bool     `help:"Do not print a line for each anomaly on a terminal."`
	Synthetic bool     `hidden:"" help:"The stream is made up, and the page says so: for the nodes of a demo."`
}

type checkCommand struct {
	Confs   []string `arg:"" name:"conf" help:"Configuration file, or the name of a built-in one: ${builtin}."`
	JSON    bool     `name:"json" help:"Print JSON."`
	Connect bool     `help:"Ask the broker about the topics, the group and the permissions, and read the last records; exit with 1 if a detector could not work. Changes nothing."`
}

// Main runs the command line and returns the exit code.
func Main(arguments []string, world World) int {
	world.Arguments = arguments
	var line commands
	exit := -1
	parser, err := kong.New(&line,
		kong.Name("anomalydetector"),
		kong.Description("Finds anomalies in streams of Internet measurements: it keeps each entity's recent history and "+
			"reports the datapoints that lie too far from it, each exactly once."),
		kong.Vars{"builtin": builtInNames(), "version": versionLine()},
		kong.Help(printHelp),
		kong.Writers(world.Stdout, world.Stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.ShortUsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(world.Stderr, "anomalydetector:", escaped(err.Error(), "\n"))
		return exitUsage
	}
	if len(arguments) == 0 {
		arguments = []string{"--help"}
	}
	var command *kong.Context
	if arguments, err = asHelp(arguments, parser.Model.Node); err == nil {
		command, err = parser.Parse(keysJoined(keysLast(arguments)))
	}
	if exit >= 0 {
		return exit // --help, --version
	}
	if err != nil {
		fmt.Fprintln(world.Stderr, "anomalydetector:", escaped(err.Error(), "\n"))
		fmt.Fprintln(world.Stderr, "Run \"anomalydetector --help\" to see the commands.")
		return exitUsage
	}
	out := &watchedOutput{out: world.Stdout}
	if !strings.HasPrefix(command.Command(), "run") { // a detector keeps running without its output
		world.Stdout = out
	}
	err = command.Run(&world, parser.Model.Node)
	if err == nil {
		err = out.failure()
	}
	return exitCode(orCommand(err, arguments, parser.Model.Node), world)
}

// keysJoined writes the key of a backtest's --entity that begins with a minus, such as -1,5, behind an equals sign, so that it is no flag.
func keysJoined(arguments []string) (joined []string) {
	if len(arguments) == 0 || arguments[0] != "backtest" {
		return arguments
	}
	for i := 0; i < len(arguments); i++ {
		argument := arguments[i]
		if argument == "--entity" && i+1 < len(arguments) && strings.HasPrefix(arguments[i+1], "-") && !strings.HasPrefix(arguments[i+1], "--") {
			i++
			argument += "=" + arguments[i]
		}
		joined = append(joined, argument)
	}
	return joined
}

// keysLast moves an entity's key that begins with a minus, such as -1,5, behind --, so that it is no
// flag. The only flag of one letter is -h.
func keysLast(arguments []string) []string {
	if len(arguments) == 0 || arguments[0] != "entity" || slices.Contains(arguments, "--") {
		return arguments
	}
	var rest, keys []string
	for _, argument := range arguments {
		if len(argument) > 1 && argument[0] == '-' && argument[1] != '-' && argument != "-h" {
			keys = append(keys, argument)
		} else {
			rest = append(rest, argument)
		}
	}
	if len(keys) == 0 {
		return arguments
	}
	return append(append(rest, "--"), keys...)
}

// exitCode returns the code for an error. It prints the error unless the log has it already.
func exitCode(err error, world World) int {
	if err == nil {
		return exitClean
	}
	var ended interface {
		error
		code() int
	} // atOnce or endedBy
	if errors.As(err, &ended) {
		lastWords(world, "anomalydetector: "+ended.Error()+"\n")
		return ended.code()
	}
	var wrong *configs.Error
	var usage usageError
	if errors.As(err, &wrong) || errors.As(err, &usage) {
		lastWords(world, "anomalydetector: "+escaped(err.Error(), "\n")+"\n")
		return exitUsage
	}
	if !errors.Is(err, errTold) {
		lastWords(world, "anomalydetector: "+escaped(err.Error(), "\n")+"\n")
	}
	if errors.Is(err, errUnusable) {
		return exitUsage
	}
	return exitFailure
}

// usageError is a mistake on the command line.
type usageError string

func (u usageError) Error() string { return string(u) }

// errTold stands for errors that are in the log already.
var errTold = errors.New("see the log")

func builtInNames() string {
	names := ""
	for i, name := range configs.BuiltIn() {
		if i > 0 {
			names += ", "
		}
		names += name
	}
	return names
}
