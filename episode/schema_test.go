package episode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../docs/episodes.schema.json"

// strict compiles the published schema so that it refuses fields which it does not name. Consumers must accept such fields,
// but the program writes none.
func strict(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	kinds := document.(map[string]any)["$defs"].(map[string]any)
	for _, name := range []string{"event", "state"} {
		kind := kinds[name].(map[string]any)
		kind["additionalProperties"] = false
		if peak, has := kind["properties"].(map[string]any)["peak"]; has {
			peak.(map[string]any)["additionalProperties"] = false
		}
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func check(schema *jsonschema.Schema, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

const (
	anID      = "0123456789abcdef0123456789abcdef"
	anotherID = "fedcba9876543210fedcba9876543210"
)

// records calls visit with a record of each kind, event and outcome, and with each number that a field may hold.
func records(visit func(name string, r Record)) {
	numbers := []float64{0, -0.5, 1e300, 5e-324, math.Inf(1), math.Inf(-1), math.NaN()}
	outcomes := map[string][]string{
		"deviation": {"recovered", "absorbed", "silent", "unknown"}, "absence": {"returned", "forgotten", "unknown"}, "gap": {"filled", "unknown"},
	}
	events := map[string][]string{"deviation": {"opened", "updated", "resolved", "reopened"}, "absence": {"opened", "resolved"}, "gap": {"opened", "resolved"}}
	for kind := range events {
		for _, event := range events[kind] {
			ends := []string{""}
			if event == "resolved" {
				ends = outcomes[kind]
			}
			for _, outcome := range ends {
				for _, x := range numbers {
					r := Record{ID: anID, Event: event, Kind: kind, Detector: "hegemony", OpenedAt: 1_700_000_000_000, At: 1_700_000_900_000, Points: 1,
						Outcome: outcome, Usual: NumberOf(x), Low: NumberOf(x), Value: NumberOf(3)}
					if event == "resolved" {
						r.Resolved = 1_700_003_600_000
					}
					if kind != "gap" {
						r.Entity, r.Fields, r.High = "-1,64510", map[string]string{"scope": "-1", "asn": "64510"}, NumberOf(x)
					}
					if kind == "deviation" {
						r.Direction, r.Reopened = "below", 2
						r.Deviation = NumberOf(math.Inf(-1))
						r.Peak = &Peak{ID: anotherID, At: 1_700_000_000_000, Value: NumberOf(3), Deviation: NumberOf(math.Inf(-1))}
					}
					visit(fmt.Sprintf("%s %s %s %v", kind, event, outcome, x), r)
				}
			}
		}
	}
}

func TestEachRecordFitsTheSchema(t *testing.T) {
	schema := strict(t)
	count := 0
	records(func(name string, r Record) {
		count++
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := check(schema, text); err != nil {
			t.Errorf("%s: %s\n%v", name, text, err)
		}
		var back Record
		if err := json.Unmarshal(text, &back); err != nil || !same(back, r) {
			t.Errorf("%s: read back as %+v, %v", name, back, err)
		}
	})
	if count < 80 {
		t.Errorf("only %d records", count)
	}
}

// A crowd with holes, and a ledger that sometimes begins anew, say something of each kind with each outcome.
func TestWhatTheLedgerSaysFitsTheSchema(t *testing.T) {
	schema := strict(t)
	random := rand.New(rand.NewPCG(20, 4))
	said := make(map[string]int)
	for world := range 24 {
		c := newCrowd(ledgerRules)
		away := make([]int, 8)
		for i, offset := 1, int64(0); i < 260; i++ { // from 1, as a time of 0 is left out
			hole := random.IntN(12) == 0
			if world%2 == 0 && random.IntN(40) == 0 {
				c.ledger.BeginAnew(int64(i) * bin)
			}
			for row := range away {
				if away[row]--; away[row] > 0 || hole && random.IntN(6) > 0 {
					continue
				}
				if random.IntN(40) == 0 {
					away[row] = 1 + random.IntN(20)
				}
				if row == 7 && i == 40 {
					away[row] = 1 << 20
				}
				what := "nnnnnnna"[random.IntN(8)]
				for _, o := range c.point(what, string(rune('A'+row)), int64(i)*bin, offset) {
					r := RecordOf(&o, "d")
					said[strings.TrimSpace(r.Kind+" "+r.Event+" "+r.Outcome)]++
					r.ID = anID // the ids of a crowd are names
					if r.Peak != nil {
						r.Peak.ID = anotherID
					}
					text, err := json.Marshal(r)
					if err == nil {
						err = check(schema, text)
					}
					if err != nil {
						t.Fatalf("%s: %v", text, err)
					}
				}
				offset++
			}
		}
	}
	for _, words := range []string{"deviation opened", "deviation reopened", "deviation resolved recovered", "deviation resolved silent", "deviation resolved unknown",
		"absence opened", "absence resolved returned", "absence resolved forgotten", "absence resolved unknown", "gap opened", "gap resolved filled", "gap resolved unknown"} {
		if said[words] == 0 {
			t.Errorf("no %s: %v", words, said)
		}
	}
}

func TestEachStateRecordFitsTheSchema(t *testing.T) {
	schema := strict(t)
	for _, s := range []StateRecord{{Partition: 3, Topic: "t", Offset: 1234}, {}} {
		for _, state := range [][]byte{nil, []byte("0123456789")} {
			for _, one := range s.Split(state, 4) {
				text, err := json.Marshal(one)
				if err != nil {
					t.Fatal(err)
				}
				if err := check(schema, text); err != nil {
					t.Errorf("%s: %v", text, err)
				}
			}
		}
	}
}

func TestTheSchemaRefusesWhatIsNoRecord(t *testing.T) {
	schema := strict(t)
	const (
		deviation = `"id":"` + anID + `","kind":"deviation","detector":"d","entity":"e","opened_at":1,"at":2,"points":1,"direction":"above","value":1,"deviation":6,` +
			`"peak":{"id":"` + anID + `","at":1,"value":1,"deviation":6}`
		absence = `"id":"` + anID + `","kind":"absence","detector":"d","entity":"e","opened_at":1,"at":2,"points":1`
		gap     = `"id":"` + anID + `","kind":"gap","detector":"d","opened_at":1,"at":2,"points":1`
		state   = `"event":"state","partition":0,"offset":7,"part":0,"parts":1,"state":"AA=="`
	)
	for name, good := range map[string]string{
		"deviation": `{` + deviation + `,"event":"opened"}`, "absence": `{` + absence + `,"event":"opened"}`,
		"gap": `{` + gap + `,"event":"resolved","resolved_at":3,"outcome":"filled"}`, "state": `{` + state + `}`,
	} {
		if err := check(schema, []byte(good)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, wrong := range map[string]string{
		"no event":                     `{` + deviation + `}`,
		"an unknown event":             `{` + deviation + `,"event":"closed"}`,
		"resolved without an outcome":  `{` + deviation + `,"event":"resolved","resolved_at":3}`,
		"resolved without a time":      `{` + deviation + `,"event":"resolved","outcome":"recovered"}`,
		"an outcome while it is open":  `{` + deviation + `,"event":"updated","outcome":"recovered"}`,
		"an outcome of another kind":   `{` + deviation + `,"event":"resolved","resolved_at":3,"outcome":"filled"}`,
		"an absence that recovered":    `{` + absence + `,"event":"resolved","resolved_at":3,"outcome":"recovered"}`,
		"a gap that returned":          `{` + gap + `,"event":"resolved","resolved_at":3,"outcome":"returned"}`,
		"an absence that reopens":      `{` + absence + `,"event":"reopened"}`,
		"a gap with an entity":         `{` + gap + `,"event":"opened","entity":"e"}`,
		"a gap with a peak":            `{` + gap + `,"event":"opened","peak":{"id":"` + anID + `","at":1,"value":1,"deviation":6}}`,
		"an absence without an entity": strings.Replace(`{`+absence+`,"event":"opened"}`, `"entity":"e",`, "", 1),
		"a deviation without a side":   strings.Replace(`{`+deviation+`,"event":"opened"}`, `"direction":"above",`, "", 1),
		"an id that is none":           strings.Replace(`{`+deviation+`,"event":"opened"}`, anID, "x", 1),
		"a time that is a text":        strings.Replace(`{`+deviation+`,"event":"opened"}`, `"at":2`, `"at":"2"`, 1),
		"a number that is null":        strings.Replace(`{`+deviation+`,"event":"opened"}`, `"value":1`, `"value":null`, 1),
		"a number that is not one":     strings.Replace(`{`+deviation+`,"event":"opened"}`, `"value":1`, `"value":"NaN"`, 1),
		"a field that nobody knows":    `{` + deviation + `,"event":"opened","colour":"red"}`,
		"a state without its offset":   strings.Replace(`{`+state+`}`, `"offset":7,`, "", 1),
		"a state of no parts":          strings.Replace(`{`+state+`}`, `"parts":1`, `"parts":0`, 1),
		"a list":                       `[]`,
	} {
		if check(schema, []byte(wrong)) == nil {
			t.Errorf("%s is accepted: %s", name, wrong)
		}
	}
}

// undescribed are the properties of a schema that have no description.
func undescribed(at string, of map[string]any) (names []string) {
	properties, _ := of["properties"].(map[string]any)
	for name, property := range properties {
		one := property.(map[string]any)
		if text, _ := one["description"].(string); text == "" && one["const"] == nil {
			names = append(names, at+"."+name)
		}
		names = append(names, undescribed(at+"."+name, one)...)
	}
	return names
}

func TestEachFieldOfTheSchemaIsDescribed(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Kinds map[string]map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"event", "state"} {
		for _, name := range undescribed(kind, document.Kinds[kind]) {
			t.Errorf("%s has no description", name)
		}
	}
}
