package bootstrap

import (
	"errors"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"anomalydetector/configs"
)

// orCommand adds the commands to the error about a missing configuration. A word that is no command
// is read as a configuration, but it may be a misspelt command.
func orCommand(err error, arguments []string, program *kong.Node) error {
	var wrong *configs.Error
	if !errors.As(err, &wrong) || wrong.Section != "" || wrong.Problem != configs.NoSuchFile || strings.HasSuffix(wrong.File, ".conf") {
		return err
	}
	words := slices.DeleteFunc(slices.Clone(arguments), func(word string) bool { return strings.HasPrefix(word, "-") })
	within, prefix := program, ""
	if len(words) > 1 {
		for _, command := range program.Children {
			if command.Name == words[0] && len(command.Children) > 0 {
				within, prefix, words = command, command.Name+" ", words[1:]
			}
		}
	}
	if words[0] != wrong.File {
		return err
	}
	var here, names []string // names includes commands within commands
	whole := make(map[string]string)
	add := func(prefix string, command *kong.Node) {
		names = append(names, command.Name)
		whole[command.Name] = prefix + command.Name
	}
	for _, command := range within.Children {
		here = append(here, prefix+command.Name)
		add(prefix, command)
		for _, inner := range command.Children {
			add(command.Name+" ", inner)
		}
	}
	hinted := *wrong
	hinted.Expected += "; or a command: " + strings.Join(here, ", ")
	if like := configs.Nearest(wrong.File, names); like != "" {
		hinted.Expected += "; did you mean " + whole[like] + "?"
	}
	return &hinted
}
