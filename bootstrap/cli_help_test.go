package bootstrap

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the golden scripts and help texts anew")

// model is the parsed description of the command line.
func model(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Vars{"builtin": builtInNames(), "version": ""}, kong.Exit(func(int) {}))
	must(t, err)
	return parser
}

// goldenText compares a text with a file.
func goldenText(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if got != string(want) {
		t.Errorf("the text differs from %s; if that is intended, run: go test ./bootstrap -run 'TestHelp|TestCompletion' -update\n%s", file, got)
	}
}

// TestHelpOfEachCommandHasAnExampleThatWorks, the environment variables and the exit codes. The output
// of help COMMAND and COMMAND --help is the same.
func TestHelpOfEachCommandHasAnExampleThatWorks(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	parser := model(t)
	var paths []string
	for _, c := range completions(parser.Model.Node, "") {
		paths = append(paths, c.path)
	}
	for path := range examples {
		if !slices.Contains(paths, path) {
			t.Errorf("there is an example of %q, which is no command", path)
		}
	}
	for _, path := range paths {
		words := strings.Fields(path)
		code, told := asked(t, nil, append([]string{"help"}, words...)...)
		_, same := asked(t, nil, append(words, "--help")...)
		if code != exitClean || told != same {
			t.Errorf("help %s exits with %d, and is not what --help prints:\n%s", path, code, told)
		}
		if path == "" || path == "anomalies" {
			goldenText(t, strings.TrimSuffix("help-"+path, "-")+".txt", told)
		}
		example, ok := examples[path]
		if !ok || !strings.Contains(told, "\nExample:\n  "+example.line+"\n") || !strings.Contains(told, "\nExit codes: 0 ") {
			t.Errorf("the help of %q lacks an example or the exit codes:\n%s", path, told)
		}
		for _, name := range example.env {
			if variables[name] == "" || !strings.Contains(told, "\n  "+name+" ") {
				t.Errorf("the help of %q does not tell of %s", path, name)
			}
		}
		line := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(example.line, "source <("), ")"))
		if _, err := parser.Parse(keysLast(line[1:])); err != nil {
			t.Errorf("the example %s: %v", example.line, err)
		}
	}
}

func TestHelpOfAnUnknownCommandNamesTheCommands(t *testing.T) {
	for line, want := range map[string]string{
		"help chekc":         "there is no command chekc; did you mean check?",
		"help state exprot":  "there is no command state exprot; did you mean state export?",
		"help xyzzyxyzzy":    "there is no command xyzzyxyzzy, want one of run, demo, check, backtest, state, synthesize, status, entity, anomalies, episodes, health, version, help, completion, man",
		"help check nothing": "there is no command check nothing",
	} {
		want = "anomalydetector: " + want + "\nRun \"anomalydetector --help\" to see the commands.\n"
		if code, printed := asked(t, nil, strings.Fields(line)...); code != exitUsage || printed != want {
			t.Errorf("%s exits with %d and prints\n%swant\n%s", line, code, printed, want)
		}
	}
}

// TestVersionIsACommandAndAFlag with the same output.
func TestVersionIsACommandAndAFlag(t *testing.T) {
	code, command := asked(t, nil, "version")
	also, flag := asked(t, nil, "--version")
	if code != exitClean || also != exitClean || command != flag || command != versionLine()+"\n" || !strings.HasPrefix(command, "anomalydetector "+version()+" (") {
		t.Errorf("exit codes %d and %d, %q and %q", code, also, command, flag)
	}
}

func TestMisspeltFlagIsToldTheNearest(t *testing.T) {
	want := "anomalydetector: unknown flag --folow, did you mean \"--follow\"?\nRun \"anomalydetector --help\" to see the commands.\n"
	if code, printed := asked(t, nil, "anomalies", conf, "--folow"); code != exitUsage || printed != want {
		t.Errorf("exit code %d; it printed\n%s", code, printed)
	}
}

// TestCompletionScriptIsAsRecorded for each shell, and the shell can read it.
func TestCompletionScriptIsAsRecorded(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script := asked(t, nil, "completion", shell)
		if code != exitClean {
			t.Errorf("%s: exit code %d", shell, code)
		}
		goldenText(t, "completion."+shell, script)
		if path, err := exec.LookPath(shell); err == nil {
			if out, err := exec.Command(path, "-n", filepath.Join("testdata", "completion."+shell)).CombinedOutput(); err != nil {
				t.Errorf("%s cannot read it: %v\n%s", shell, err, out)
			}
		}
	}
	if code, printed := asked(t, nil, "completion", "ksh"); code != exitUsage || !strings.Contains(printed, `must be one of "bash","zsh","fish"`) {
		t.Errorf("exit code %d; it printed\n%s", code, printed)
	}
}

// TestBashCompletes commands, commands within commands, flags, built-in configurations and files.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	script, err := filepath.Abs("testdata/completion.bash")
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "my own.conf"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "my.txt"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "more"), 0o700))
	for line, want := range map[string]string{
		"an":                       "anomalies",
		"":                         "run demo check backtest state synthesize status entity anomalies episodes health version help completion man --help --version --fail-fast --quiet atlasdelaydetector.conf hegemonydetector.conf hegemonydetector_v6.conf my own.conf more",
		"state e":                  "export",
		"state export --f":         "--force",
		"state export hegemonyd":   "hegemonydetector.conf hegemonydetector_v6.conf",
		"--fail-fast m":            "man my own.conf more",
		"anomalies a.conf --fol":   "--follow",
		"anomalies a.conf --from-": "--from-kafka",
		"completion ":              "bash zsh fish --help --version",
		"help epi":                 "episodes",
		"demo h":                   "",
	} {
		words := append([]string{"anomalydetector"}, strings.Split(line, " ")...)
		program := `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _anomalydetector; printf '%s\n' "${COMPREPLY[@]}"`
		command := exec.Command(bash, append([]string{"--norc", "-c", program, "bash", script}, words...)...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		if got := strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", " "); err != nil || got != want {
			t.Errorf("%q is completed with %q, error %v, want %q", line, got, err, want)
		}
	}
}
