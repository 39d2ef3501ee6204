package stories_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"anomalydetector/episode"
	"anomalydetector/test/naive"
	"anomalydetector/test/naive/stories"
)

var update = flag.Bool("update", false, "write what the naive detector tells into the stories; read the difference")

func TestTheNaiveDetectorTellsTheStories(t *testing.T) {
	all := stories.All()
	if len(all) < 40 {
		t.Errorf("there are %d stories", len(all))
	}
	for _, story := range all {
		t.Run(story.Name, func(t *testing.T) {
			got := stories.Text(tell(story))
			if got == story.Want {
				return
			}
			if *update {
				rewrite(t, story.Name, got)
			}
			t.Errorf("%s:\n%swant\n%s", story.Rule, got, story.Want)
		})
	}
}

func tell(story stories.Story) (events []episode.Record) {
	windows, next := naive.New(story.Rules), 0
	e := naive.Episodes{
		Rules: story.Rules, EpisodeRules: story.Episodes, Windows: windows,
		Judge: func(key string, at int64, value float64) naive.Verdict {
			windows.Judge(key, at, value)
			return story.Records[next].Verdict
		},
		ID: func(offset int64, kind string, n int) string { return fmt.Sprint(kind, offset, n) },
	}
	e.Begin()
	for ; next < len(story.Records); next++ {
		if next > 0 && next == story.Anew {
			events = append(events, e.Begin()...)
		}
		r := story.Records[next]
		events = append(events, e.Take(int64(next), r.Key, r.At, r.Value)...)
	}
	return events
}

func rewrite(t *testing.T, name, want string) {
	text, err := os.ReadFile(name + ".story")
	if err == nil {
		head, _, _ := strings.Cut(string(text), "\nwant\n")
		err = os.WriteFile(name+".story", []byte(head+"\nwant\n"+want), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
