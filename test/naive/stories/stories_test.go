package stories_test

import (
	"flag"
	"os"
	"strings"
	"testing"

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
			got := stories.Text(stories.Tell(story))
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
