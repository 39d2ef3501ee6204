package tail

import (
	"errors"
	"strings"
	"testing"
)

func TestVectorsAreReadStrictly(t *testing.T) {
	for _, text := range []string{
		"0", ":", "0:", ":1", "0:1,", ",0:1", "0:1,0:2", "1:1,0:2", "0:1:2", "00:1", "0:01", "+0:1", "0:+1", "-1:1", "0:-1", "0:1 ", "a:1",
		"100000:1", "0:4611686018427387904", "0:99999999999999999999", "0:1_0", strings.Repeat("0:1,", 1<<19),
	} {
		if v, err := ParseVector(text); !errors.Is(err, ErrCursor) {
			t.Errorf("%.40q is taken for %v: %v", text, v, err)
		}
	}
	for _, text := range []string{"", "0:0", "0:17,3:204", "99999:4611686018427387903"} {
		if v, err := ParseVector(text); err != nil || v.String() != text {
			t.Errorf("%q is taken for %v: %v", text, v, err)
		}
	}
}

// The message has one line, even if both numbers are wrong.
func TestErrorOfAVectorIsOneLine(t *testing.T) {
	_, err := ParseVector("a:b")
	if text := err.Error(); strings.Count(text, "plain decimals") != 1 || strings.Contains(text, "\n") {
		t.Errorf("%q", text)
	}
}

func FuzzVector(f *testing.F) {
	for _, seed := range []string{"", "0:17,3:204", "0:1,0:2", "1:", "00:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseVector(text)
		if err == nil && v.String() != text {
			t.Errorf("%q is taken for %q", text, v)
		}
		if err != nil && !errors.Is(err, ErrCursor) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func FuzzCursors(f *testing.F) {
	for _, seed := range []string{"", "1.2.3", "open.1.2.3", "ended.-1.0.0", "7ff0000000000000.YQ", "0."} {
		f.Add(seed)
	}
	tail := New(testConfig())
	tail.Add([]Entry{one(1, 100, Place{0, 0}), one(2, 100, Place{0, 1})}, nil)
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parsePosition(text); err == nil && text != "" && p.String() != text {
			t.Errorf("%q is taken for %v", text, p)
		}
		if r, err := parseRun(text); err == nil && text != "" && r.cursor() != text {
			t.Errorf("%q is taken for %v", text, r)
		}
		if r, err := parseRanked(text); err == nil && text != "" && r.cursor() != text {
			t.Errorf("%q is taken for %v", text, r)
		}
		tail.Anomalies(Filter{}, text, 1)
		tail.Episodes(Filter{}, All, text, 1)
		tail.Lanes(LanesQuery{Cursor: text})
		tail.Anomaly(text)
	})
}
