// Command licences checks that each module in a CycloneDX bill of materials has an allowed licence.
//
//	go run ./test/licences SBOM.json ALLOWED
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// bill is the part of a bill of materials that the check reads.
type bill struct {
	Components []struct {
		Name     string    `json:"name"`
		Version  string    `json:"version"`
		Licences []licence `json:"licenses"`
		Evidence struct {
			Licences []licence `json:"licenses"`
		} `json:"evidence"`
	} `json:"components"`
}

type licence struct {
	Licence struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"license"`
	Expression string `json:"expression"`
}

func (l licence) String() string { return l.Licence.ID + l.Licence.Name + l.Expression }

func run(arguments []string, out io.Writer) error {
	if len(arguments) != 2 {
		return fmt.Errorf("want the bill of materials and the list of allowed licences")
	}
	content, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	list, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	var all bill
	if err := json.Unmarshal(content, &all); err != nil {
		return fmt.Errorf("read %s: %w", arguments[0], err)
	}
	problems := check(all, string(list))
	if len(problems) > 0 {
		return fmt.Errorf("%s", strings.Join(problems, "\n"))
	}
	fmt.Fprintf(out, "%d modules, each with an allowed licence\n", len(all.Components))
	return nil
}

// check returns a line for each component whose licence is unknown or not allowed.
func check(all bill, list string) (problems []string) {
	allowed, read := make(map[string]bool), make(map[string]string)
	for line := range strings.Lines(list) {
		switch words := strings.Fields(line); {
		case len(words) == 0 || words[0][0] == '#':
		case len(words) == 1:
			allowed[words[0]] = true
		default:
			read[words[0]] = words[1]
		}
	}
	if len(all.Components) == 0 {
		return []string{"the bill of materials has no components"}
	}
	for _, c := range all.Components {
		names := make(map[string]bool)
		for _, l := range append(c.Licences, c.Evidence.Licences...) {
			names[l.String()] = true
		}
		if len(names) == 0 && read[c.Name] != "" {
			names[read[c.Name]] = true
		}
		if len(names) == 0 {
			problems = append(problems, fmt.Sprintf("%s %s: the licence is unknown; read it, and add a line to the list", c.Name, c.Version))
		}
		for name := range names {
			if !allowed[name] {
				problems = append(problems, fmt.Sprintf("%s %s: %s is not on the list of allowed licences", c.Name, c.Version, name))
			}
		}
	}
	return problems
}
