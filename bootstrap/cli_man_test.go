package bootstrap

import (
	"regexp"
	"strings"
	"testing"
)

// TestManualKnowsEachCommandFlagAndVariable that the help knows.
func TestManualKnowsEachCommandFlagAndVariable(t *testing.T) {
	code, page := asked(t, nil, "man")
	if code != exitClean {
		t.Fatalf("man exits with %d", code)
	}
	page = strings.ReplaceAll(page, `\-`, "-")
	for _, c := range completions(model(t).Model.Node, "") {
		if c.path != "" && !strings.Contains(page, "\n.SS "+c.path) {
			t.Errorf("there is nothing about %s", c.path)
		}
		for _, flag := range c.flags {
			if c.path != "" && flag.Name != "help" && flag.Name != "version" && !regexp.MustCompile(`\n\.B --`+flag.Name+`[=\n]`).MatchString(page) {
				t.Errorf("there is nothing about %s --%s", c.path, flag.Name)
			}
		}
	}
	for name := range variables {
		if !strings.Contains(page, "\n.B "+name+"\n") {
			t.Errorf("there is nothing about the variable %s", name)
		}
	}
	for code, says := range map[string]string{"0": "Clean stop", "1": "Failure", "2": "broker refuses", "130, 143": "at once"} {
		if !regexp.MustCompile(`\n\.B ` + code + `\n.*` + says).MatchString(page) {
			t.Errorf("there is nothing about exit code %s", code)
		}
	}
	if wrong := regexp.MustCompile(`(?m)^(\.(?:[^A-Za-z]|$)|').*|^$`).FindString(page); wrong != "" || strings.Contains(page, "\n\n") {
		t.Errorf("the page has lines that roff takes for something else, such as %q", wrong)
	}
}

// TestManualEscapesWhatRoffWouldObey.
func TestManualEscapesWhatRoffWouldObey(t *testing.T) {
	for text, want := range map[string]string{".conf": `\&.conf`, "'x'": `\&'x'`, `a\b-c`: `a\eb\-c`, "two\nlines": "two lines"} {
		if got := roff(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
