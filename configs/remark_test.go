package configs

import (
	"strings"
	"testing"
)

// TestRemarkInAValueIsWarnedOf. It stays part of the value, as in configparser.
func TestRemarkInAValueIsWarnedOf(t *testing.T) {
	for line, key := range map[string]string{
		"key_field = scope, asn ; remark": "key_field",
		"key_field = scope, asn # remark": "key_field",
		"output_topic = out\n\t;remark":   "", // a whole line of comment
		"consumer_group = ;group":         "consumer_group",
		"consumer_group = a;b#c":          "",
	} {
		name, value, _ := strings.Cut(line, " = ")
		content := strings.Replace(base, name+" = ", name+" = "+value+"\n\n; was: ", 1)
		config := mustRead(t, content, none)
		if key == "" {
			if len(config.Warnings) > 0 {
				t.Errorf("%q warns of %+v", line, config.Warnings)
			}
			continue
		}
		if len(config.Warnings) != 1 || config.Warnings[0].Key != key || !strings.Contains(config.Warnings[0].Text, "a line of its own") {
			t.Errorf("%q warns of %+v, want one of %s", line, config.Warnings, key)
		}
	}
	config := mustRead(t, strings.Replace(base, "= scope, asn", "= scope,asn ; remark", 1), none)
	if config.IO.KeyFields[1] != "asn ; remark" {
		t.Errorf("the fields are %q, Python has %q", config.IO.KeyFields, "asn ; remark")
	}
}

func TestRemarkIsWarnedOfInEverySectionThatIsRead(t *testing.T) {
	for more, warnings := range map[string]int{
		"[DEFAULT]\nconsumer_group = other ; remark\n": 1, // once, not in each section
		"[elsewhere]\na = b ; c\n":                     1, // of the section, which is not used
		"[handler_h]\nlevel = INFO ; remark\n":         1,
	} {
		if config := mustRead(t, base+more, none); len(config.Warnings) != warnings {
			t.Errorf("%q warns of %+v", more, config.Warnings)
		}
	}
}

// TestSecretIsNotInAWarning: a warning never shows a value.
func TestSecretIsNotInAWarning(t *testing.T) {
	for _, w := range mustRead(t, base+"[output]\ndead_letter_topic = bad\n[handler_h]\nargs = ('x', ' #hunter2')\n", none).Warnings {
		if strings.Contains(w.Text, "hunter2") {
			t.Errorf("warned with %q", w.Text)
		}
	}
}

func TestMinDevOfZeroIsWarnedOf(t *testing.T) {
	config := mustRead(t, strings.Replace(base, "min_dev = 0.01", "min_dev = 0.0", 1), none)
	if config.Detection.MinDeviation != 0 || len(config.Warnings) != 1 || config.Warnings[0].Key != "min_dev" {
		t.Errorf("min_dev is %v, warned of %+v", config.Detection.MinDeviation, config.Warnings)
	}
}

func TestMinMadIsAnOlderNameOfMinDev(t *testing.T) {
	config := mustRead(t, strings.Replace(base, "min_dev", "min_mad", 1), none)
	if config.Detection.MinDeviation != 0.01 || len(config.Warnings) != 1 || config.Warnings[0].Key != "min_mad" {
		t.Errorf("min_dev is %v, warned of %+v", config.Detection.MinDeviation, config.Warnings)
	}
	config = mustRead(t, strings.Replace(base, "min_dev = 0.01", "noise = 1\nmin_mad = 2", 1), none)
	if config.Detection.MinDeviation != 1 || len(config.Warnings) != 2 {
		t.Errorf("of both, min_dev is %v, warned of %+v", config.Detection.MinDeviation, config.Warnings)
	}
}
