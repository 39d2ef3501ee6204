package bootstrap

import (
	"strings"
	"testing"
)

// TestErrorOfAMissingFileHintsAtCommands: a misspelt command is read as a configuration.
func TestErrorOfAMissingFileHintsAtCommands(t *testing.T) {
	for line, hint := range map[string]string{
		"chekc my.conf":          "or a command: run, demo, check, backtest, state, synthesize, status, entity, anomalies, episodes, health, version, help, completion, man; did you mean check?",
		"--fail-fast entitty":    "did you mean entity?",
		"export my.conf out":     "did you mean state export?",
		"state foo a.conf":       "or a command: state show, state export, state import\n",
		"state exprot a.conf":    "did you mean state export?",
		"xyzzyxyzzy":             "health, version, help, completion, man\n",
		"anomolies my.conf":      "did you mean anomalies?",
		"episode my.conf":        "did you mean episodes?",
		"chekc.conf":             "atlasdelaydetector.conf, hegemonydetector.conf, hegemonydetector_v6.conf\n",
		"check hegemony":         "hegemonydetector_v6.conf\n",
		"status not-here --json": "hegemonydetector_v6.conf\n",
	} {
		o := newOutside(t, nil)
		if code := exits(t, o.run(strings.Fields(line)...), o); code != exitUsage || !strings.Contains(o.output.String(), hint) {
			t.Errorf("%s: exit code %d, want %d, with %q in:\n%s", line, code, exitUsage, hint, o.output)
		}
	}
}
