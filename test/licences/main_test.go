package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestOnlyAllowedLicencesPass as the tool found them, or as a person read them.
func TestOnlyAllowedLicencesPass(t *testing.T) {
	const list = "# a remark\nMIT\n\nBSD-3-Clause\nread BSD-3-Clause\nwrong GPL-3.0-only\n"
	for name, c := range map[string]struct{ components, want string }{
		"allowed":            {`{"name":"a","licenses":[{"license":{"id":"MIT"}}]}`, ""},
		"evidence":           {`{"name":"a","evidence":{"licenses":[{"license":{"id":"MIT"}}]}}`, ""},
		"read by a person":   {`{"name":"read"}`, ""},
		"forbidden":          {`{"name":"a","licenses":[{"license":{"id":"MIT"}},{"license":{"id":"AGPL-3.0-only"}}]}`, "AGPL-3.0-only is not"},
		"read and forbidden": {`{"name":"wrong"}`, "GPL-3.0-only is not"},
		"an expression":      {`{"name":"a","licenses":[{"expression":"MIT OR GPL-2.0-only"}]}`, "MIT OR GPL-2.0-only is not"},
		"unknown":            {`{"name":"a"}`, "the licence is unknown"},
		"no components":      {``, "no components"},
	} {
		var all bill
		if err := json.Unmarshal([]byte(`{"components":[`+c.components+`]}`), &all); err != nil {
			t.Fatal(err)
		}
		problems := strings.Join(check(all, list), "\n")
		if (problems == "") != (c.want == "") || !strings.Contains(problems, c.want) {
			t.Errorf("%s: %q, want %q", name, problems, c.want)
		}
	}
}
