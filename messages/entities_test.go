package messages

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNamesOfSeveralPlacesAreMergedByKey(t *testing.T) {
	names := []EntityName{{Key: "c", Partition: 1}, {Key: "a", Partition: 2, Stored: true}, {Key: "b"}, {Key: "a", Partition: 3}}
	all, more := MergeNames(slices.Clone(names), 3)
	if more || fmt.Sprint(all) != "[{a [] 3 false} {b [] 0 false} {c [] 1 false}]" {
		t.Errorf("merged to %v, more %v", all, more)
	}
	if all, more := MergeNames(names, 2); !more || len(all) != 2 || all[1].Key != "b" {
		t.Errorf("two of them are %v, more %v", all, more)
	}
}

func TestSimilarKeysDifferInOneFieldOrAFewLetters(t *testing.T) {
	var candidates []EntityName
	for _, key := range []string{"-1,64510", "-1,64511", "64500,64510", "64500,1299", "-1,645", "x,y,z", strings.Repeat("9", 300)} {
		candidates = append(candidates, EntityName{Key: key, Fields: strings.Split(key, ",")})
	}
	for key, want := range map[string]string{
		"-1,64510":               "[-1,64511 -1,645 64500,64510]", // itself is none
		"-1,64512":               "[-1,64510 -1,64511]",
		"1,64510":                "[-1,64510 -1,64511]",
		"-1 64510":               "[-1,64510 -1,64511]",
		"nothing at all":         "[]",
		strings.Repeat("9", 299): "[]",
	} {
		if got := fmt.Sprint(Similar(key, candidates, 3)); key == "-1,64510" && got != want || !strings.HasPrefix(got, strings.TrimSuffix(want, "]")) {
			t.Errorf("similar to %.20s are %s, want %s", key, got, want)
		}
	}
}

// TestSimilarIsBounded: one candidate behind the last that is looked at changes nothing.
func TestSimilarIsBounded(t *testing.T) {
	candidates := make([]EntityName, mostCompared+1)
	candidates[mostCompared].Key = "abcd"
	if got := Similar("abce", candidates, 3); len(got) != 0 {
		t.Errorf("it looked at more than %d candidates and found %v", mostCompared, got)
	}
}
