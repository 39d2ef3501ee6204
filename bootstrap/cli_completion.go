package bootstrap

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"anomalydetector/configs"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script. It is generated from the commands, and does not call the program when a word
// is completed.
func (c *completionCommand) Run(world *World, program *kong.Node) error {
	shells := map[string]func(io.Writer, []completed) error{"bash": completeBash, "zsh": completeZsh, "fish": completeFish}
	return shells[c.Shell](world.Stdout, completions(program, ""))
}

// completed is what may follow a command on its line.
type completed struct {
	path  string // "", "run", "state show"
	help  string
	words []string // commands, or values of the first argument
	about []string // help for each of words
	flags []*kong.Flag
	confs bool // configurations
}

// completions are those of a command and of the commands within it.
func completions(node *kong.Node, path string) (all []completed) {
	c := completed{path: path, help: node.Help}
	for _, flags := range node.AllFlags(true) {
		c.flags = append(c.flags, flags...)
	}
	takes := node
	if node.DefaultCmd != nil {
		takes = node.DefaultCmd
		for _, flag := range takes.Flags {
			if !flag.Hidden {
				c.flags = append(c.flags, flag)
			}
		}
	}
	for _, argument := range takes.Positional {
		c.confs = c.confs || argument.Name == "conf"
		if argument.Enum != "" {
			c.words = append(c.words, argument.EnumSlice()...)
			c.about = append(c.about, make([]string, len(argument.EnumSlice()))...)
		}
	}
	if node.Name == "help" {
		node = node.Parent
	} else {
		for _, command := range node.Children {
			all = append(all, completions(command, strings.TrimSpace(path+" "+command.Name))...)
		}
	}
	for _, command := range node.Children {
		c.words = append(c.words, command.Name)
		c.about = append(c.about, command.Help)
	}
	return append([]completed{c}, all...)
}

// withFlags is the words and the flags.
func (c completed) withFlags() string {
	words := c.words
	for _, flag := range c.flags {
		words = append(words[:len(words):len(words)], "--"+flag.Name)
	}
	return strings.Join(words, " ")
}

// commandOf is the part of a bash or zsh script that finds the command among the words before the
// one to complete.
func commandOf(all []completed) string {
	var paths []string
	for _, c := range all[1:] {
		paths = append(paths, `"`+c.path+`"`)
	}
	return `    case $word in -*) continue ;; esac
    case "${command:+$command }$word" in
      ` + strings.Join(paths, "|") + `) command="${command:+$command }$word" ;;
    esac
`
}

func completeBash(out io.Writer, all []completed) error {
	var text strings.Builder
	text.WriteString(`# Completion for bash: source <(anomalydetector completion bash)
_anomalydetector() {
  local current=${COMP_WORDS[COMP_CWORD]} command= words= confs= word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
` + commandOf(all) + `  done
  case $command in
`)
	for _, c := range all {
		fmt.Fprintf(&text, "    %q) words=%q confs=%q ;;\n", c.path, c.withFlags(), c.builtIn())
	}
	text.WriteString(`  esac
  COMPREPLY=($(compgen -W "$words $confs" -- "$current"))
  if [[ $confs && $current != -* ]]; then
    local IFS=$'\n'
    COMPREPLY+=($(compgen -f -X '!*.conf' -- "$current") $(compgen -d -- "$current"))
  fi
}
complete -o filenames -F _anomalydetector anomalydetector
`)
	_, err := io.WriteString(out, text.String())
	return err
}

func completeZsh(out io.Writer, all []completed) error {
	var text strings.Builder
	text.WriteString(`#compdef anomalydetector
# Completion for zsh: source <(anomalydetector completion zsh), or a file _anomalydetector in $fpath
_anomalydetector() {
  local command= words_= confs= word
  for word in "${words[@]:1:$((CURRENT - 2))}"; do
` + commandOf(all) + `  done
  case $command in
`)
	for _, c := range all {
		fmt.Fprintf(&text, "    %q) words_=%q confs=%q ;;\n", c.path, c.withFlags(), c.builtIn())
	}
	text.WriteString(`  esac
  compadd -- ${=words_} ${=confs}
  if [[ -n $confs ]]; then _files -g '*.conf(-.)'; fi
}
if [[ ${funcstack[1]} == _anomalydetector ]]; then _anomalydetector "$@"; else compdef _anomalydetector anomalydetector; fi
`)
	_, err := io.WriteString(out, text.String())
	return err
}

func completeFish(out io.Writer, all []completed) error {
	var text strings.Builder
	text.WriteString("# Completion for fish: anomalydetector completion fish | source\ncomplete -c anomalydetector -f\n")
	for _, c := range all {
		when := "__fish_use_subcommand"
		if names := strings.Fields(c.path); len(names) > 0 {
			when = "__fish_seen_subcommand_from " + strings.Join(names, "; and __fish_seen_subcommand_from ")
		}
		line := func(format string, arguments ...any) {
			fmt.Fprintf(&text, "complete -c anomalydetector -n %s %s\n", fishQuoted(when), fmt.Sprintf(format, arguments...))
		}
		for i, word := range c.words {
			line("-a %s -d %s", word, fishQuoted(firstSentence(c.about[i])))
		}
		for _, flag := range c.flags {
			needs := " -r"
			if flag.IsBool() {
				needs = ""
			}
			line("-l %s%s -d %s", flag.Name, needs, fishQuoted(firstSentence(flag.Help)))
		}
		if c.confs {
			line("-a %s -d 'built in'", fishQuoted(c.builtIn()))
			line("-a '(__fish_complete_suffix .conf)'")
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// builtIn is the names of the built-in configurations, if the command takes configurations.
func (c completed) builtIn() string {
	if !c.confs {
		return ""
	}
	return strings.Join(configs.BuiltIn(), " ")
}

func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// firstSentence shortens a help text for a list.
func firstSentence(help string) string {
	first, _, _ := strings.Cut(help, ".")
	first, _, _ = strings.Cut(first, ";")
	first, _, _ = strings.Cut(first, " (default")
	return first
}
