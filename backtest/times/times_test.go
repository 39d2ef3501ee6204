package times

import (
	"regexp"
	"testing"
	"time"
)

func TestTimesAreReadByTheirShape(t *testing.T) {
	for text, want := range map[string]int64{
		"1600000200":                    1600000200000,
		" 1600000200 ":                  1600000200000,
		"1600000200.5":                  1600000200500,
		"1.6000002e9":                   1600000200000,
		"1600000200000":                 1600000200000,
		"1600000200000.0":               1600000200000,
		"99999999999":                   99999999999000,
		"100000000000":                  100000000000,
		"99999999999999":                99999999999999,
		"-1":                            -1000,
		"0":                             0,
		"2020-09-13":                    1599955200000,
		"2020-09-13 12:30":              1600000200000,
		"2020-09-13 12:30:00":           1600000200000,
		"2020-09-13T12:30:00Z":          1600000200000,
		"2020-09-13T14:30:00+02:00":     1600000200000,
		"2020-09-13 07:00:00-0530":      1600000200000,
		"2020-09-13 12:30:00+00":        1600000200000,
		"2020-09-13 12:30:00.123456789": 1600000200123,
		"2020-02-29 00:00:00":           1582934400000,
	} {
		if got, ok := Parse([]byte(text)); !ok || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "x", "100000000000000", "1600000200000000", "NaN", "inf", "1e300", "0x10", "2020-13-01", "2021-02-29", "2020-09-13 24:00",
		"2020-09-13 12:60", "2020-09-13 12:30:60", "2020-09-13 12", "2020-09-13 12:30:00.", "2020-09-13 12:30:00+1", "2020-09-13 12:30:00 UTC", "2020-9-13", "13.09.2020"} {
		if got, ok := Parse([]byte(text)); ok {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func TestADayEndsWithItsLastMillisecond(t *testing.T) {
	for text, want := range map[string]int64{
		"2020-09-13":          1600041599999,
		"2020-09-13+02":       1600034399999,
		"2020-09-13 00:00":    1599955200000,
		"2020-09-13 00:00+00": 1599955200000,
		"1599955200":          1599955200000,
	} {
		if got, ok := ParseLast([]byte(text)); !ok || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, ok, want)
		}
	}
	if got, ok := ParseLast([]byte("2020-09-31")); ok {
		t.Errorf("a day that is none is taken for %d", got)
	}
}

// Package time also reads hours of one digit, fractions after a comma, and zones of 24 hours.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// FuzzParse compares with package time, which reads RFC 3339, too.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"1600000200", "2020-09-13T12:30:00.5+02:00", "2020-09-13 12:30:00", "1e3", "0000-01-01T0:00:00+00:00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := Parse([]byte(text))
		if want, err := time.Parse(time.RFC3339Nano, text); err == nil && rfc3339.MatchString(text) && (!ok || got != want.UnixMilli()) {
			t.Errorf("%q is %d, %v, and for package time %d", text, got, ok, want.UnixMilli())
		}
		last, known := ParseLast([]byte(text))
		if known != ok || last < got || last-got >= 24*time.Hour.Milliseconds() {
			t.Errorf("%q is %d, %v, and at last %d, %v", text, got, ok, last, known)
		}
	})
}
