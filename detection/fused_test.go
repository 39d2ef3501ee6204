package detection

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNoOtherArchitectureRoundsDifferently: on some of them, the compiler makes one instruction with one rounding of a product and a sum, unless the
// product is converted to float64. It may do so across statements, and across functions that it inlines. With the profile it inlines more.
func TestNoOtherArchitectureRoundsDifferently(t *testing.T) {
	for _, profile := range []string{"off", "../default.pgo"} {
		t.Run(profile, func(t *testing.T) { noProductIsFused(t, profile) })
	}
}

func noProductIsFused(t *testing.T, profile string) {
	t.Helper()
	command := exec.Command("go", "build", "-pgo="+profile, "-gcflags=-S", ".")
	command.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	listing, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, listing[:min(len(listing), 2000)])
	}
	files := map[string][]string{}
	allowed := 0
	for _, found := range regexp.MustCompile(`\(\S*?(\w+\.go):(\d+)\)\s+FN?M(?:ADD|SUB)[DS]`).FindAllStringSubmatch(string(listing), -1) {
		file := found[1]
		if files[file] == nil {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files[file] = strings.Split(string(source), "\n")
		}
		line, err := strconv.Atoi(found[2])
		if err != nil {
			t.Fatal(err)
		}
		source := files[file][line-1]
		// Half of a number plus 0 is the same with one rounding and with two.
		if strings.Contains(source, "math.FMA(") || strings.HasSuffix(source, ")/2 + 0") {
			allowed++
			continue
		}
		t.Errorf("%s:%d: convert the product to float64: %s", file, line, strings.TrimSpace(source))
	}
	if allowed == 0 {
		t.Error("the listing has not even the instructions that are wanted")
	}
}
