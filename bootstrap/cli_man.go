package bootstrap

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type manCommand struct{}

// Run prints the manual page in roff. It is generated from the commands, as their help is.
func (manCommand) Run(world *World, program *kong.Node) error {
	_, err := fmt.Fprint(world.Stdout, manual(program))
	return err
}

// manual is the manual page of the program.
func manual(program *kong.Node) string {
	var page strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&page, format+"\n", values...) }
	line(`.TH ANOMALYDETECTOR 1 "" "anomalydetector %s" "User Commands"`, roff(version()))
	line(".nh\n.ad l") // names of files stay whole
	line(".SH NAME\nanomalydetector \\- find anomalies in streams of Internet measurements")
	line(".SH SYNOPSIS\n.B anomalydetector\n.IR conf ...\n.br\n.B anomalydetector\n.I command\n.RI [ argument ...]")
	line(".SH DESCRIPTION\n%s", roff(program.Help))
	line(".PP\nA configuration is a file, or the name of one that is built in: %s.", roff(builtInNames()))
	line(".SH COMMANDS")
	manCommands(line, program.Children)
	line(".SH ENVIRONMENT")
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		line(".TP\n.B %s\n%s", roff(name), roff(variables[name]))
	}
	line(".SH EXIT STATUS")
	for _, status := range exitStatus {
		line(".TP\n.B %s\n%s", status.codes, roff(status.meaning))
	}
	line(".SH SIGNALS")
	line(".TP\n.BR SIGTERM \", \" SIGINT\nStop cleanly, within 25 seconds. Another one a second or more later ends the process at once.")
	line(".TP\n.B SIGHUP\nReopen the log files, and reload what may change without a restart. It never stops the process.")
	return page.String()
}

// manCommands describes commands, and the commands within them.
func manCommands(line func(string, ...any), commands []*kong.Node) {
	for _, command := range commands {
		if command.Hidden {
			continue
		}
		path := strings.TrimPrefix(command.Path(), "anomalydetector ")
		line(".SS %s", roff(strings.TrimPrefix(command.Summary(), "anomalydetector ")))
		line("%s", roff(command.Help))
		for _, argument := range command.Positional {
			line(".TP\n.I %s\n%s", roff(argument.Name), roff(argument.Help))
		}
		for _, flag := range command.Flags {
			if flag.Hidden {
				continue
			}
			name := "--" + flag.Name
			if !flag.IsBool() {
				name += "=" + flag.FormatPlaceHolder()
			}
			line(".TP\n.B %s\n%s", roff(name), roff(flag.Help))
		}
		if of, ok := examples[path]; ok {
			line(".PP\nExample:\n.PP\n.RS\n%s\n.RE", roff(of.line))
		}
		if codes := exitCodes[path]; codes != "" {
			line(".PP\nExit status: %s.", roff(codes))
		}
		manCommands(line, command.Children)
	}
}

// roff escapes a text for a line of its own, or within one.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(cmp.Or(text, " "))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}
