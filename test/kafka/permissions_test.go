package kafka_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// options are those of kafka-acls.sh, as a row of the page has them.
var options = regexp.MustCompile("`--operation (\\w+)(?: --(topic|group|transactional-id) (\\S+)| --(cluster))( --resource-pattern-type prefixed)?`")

// documented reads the table of permissions of docs/security.md. The rows have the names that the test uses.
func (g *guarded) documented() (rules []rule) {
	g.Helper()
	page, err := os.ReadFile("../../docs/security.md")
	must(g.T, err)
	_, table, _ := strings.Cut(string(page), "options of `kafka-acls.sh` |\n|---|---|---|\n")
	table, _, found := strings.Cut(table, "\n\n")
	if !found {
		g.Fatal("docs/security.md has no table of permissions")
	}
	names := strings.NewReplacer("ihr_hegemony", g.input(), "OUTPUT", g.output(), "EPISODES", g.life(), "GROUP", g.name)
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) != 5 {
			g.Fatalf("a row has not three cells: %s", row)
		}
		if strings.Contains(cells[3], "as above, with its name") {
			again := rules[len(rules)-1]
			again.name = g.letter()
			rules = append(rules, again)
			continue
		}
		found := options.FindStringSubmatch(cells[3])
		if found == nil {
			g.Fatalf("a row has no options of kafka-acls.sh: %s", row)
		}
		var operation kadm.ACLOperation
		must(g.T, operation.UnmarshalText([]byte(found[1])))
		if !strings.HasPrefix(strings.TrimSpace(cells[2]), found[1]+" on ") {
			g.Errorf("the permission and the options of a row differ: %s", row)
		}
		rules = append(rules, rule{found[2] + found[4], names.Replace(found[3]), found[5] != "", operation})
	}
	return rules
}

// TestPermissionsAreThoseOfThePage needs no broker. Those behind the needed ones are for some features only.
func TestPermissionsAreThoseOfThePage(t *testing.T) {
	g := &guarded{world: &world{T: t, name: "name"}}
	rules, needed := g.documented(), g.needed()
	needed = slices.Insert(needed, len(needed)-1, g.neededForEpisodes()...)
	if len(rules) < len(needed) || !slices.Equal(rules[:len(needed)], needed) {
		t.Fatalf("the page says %v, and the tests allow %v", rules, needed)
	}
	more := []rule{
		{"topic", g.output(), false, kadm.OpRead},
		{"topic", g.output(), false, kadm.OpCreate},
		{"topic", g.life(), false, kadm.OpAlter},
		{"topic", "NAME", false, kadm.OpDescribeConfigs},
		{"cluster", "", false, kadm.OpDescribeConfigs},
	}
	if got := rules[len(needed):]; !slices.Equal(got, more) {
		t.Errorf("for some features the page says %v, want %v", got, more)
	}
}
