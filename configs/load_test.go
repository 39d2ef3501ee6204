package configs

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// base is a complete configuration for tests to change.
const base = `[io]
input_topic = in
value_field = hege
key_field = scope, asn
output_topic = out
time_granularity_min = 15
consumer_group = group
[detection]
threshold = 5
dev_metric = mean
min_dev = 0.01
history_hours = 72
history_min_ratio = 0.6
[job]
duration = 0
`

func none(string) string { return "" }

func of(variables ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(variables); i += 2 {
			if variables[i] == name {
				return variables[i+1]
			}
		}
		return ""
	}
}

func mustRead(t *testing.T, content string, env func(string) string) *Config {
	t.Helper()
	config, err := read("detector.conf", "detector.conf", []byte(content), env)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestRetentionOfTheOutputIsHoursOrUnlimited(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "retention_hours =": 0, "retention_hours = 36": 36 * time.Hour, "retention_hours = 0.5": 30 * time.Minute, "retention_hours = Unlimited": Unlimited,
	} {
		if got := mustRead(t, base+"[output]\n"+text+"\n", none).Output.Retention; got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"0", "-1", "forever", "nan", "2000000"} {
		_, err := read("detector.conf", "detector.conf", []byte(base+"[output]\nretention_hours = "+text+"\n"), none)
		if err == nil || !strings.Contains(err.Error(), "unlimited") {
			t.Errorf("%s is answered with %v", text, err)
		}
	}
}

func TestBuiltInConfigurationsAreTheOriginals(t *testing.T) {
	same := Detection{Threshold: 5, Metric: "mean", HistoryHours: 72, MinRatio: 0.6, Method: "original"}
	for name, want := range map[string]struct {
		io     IO
		minDev float64
	}{
		"hegemonydetector.conf": {IO{"ihr_hegemony", "hege", []string{"scope", "asn"}, "ihr_hegemony_anomalies_ipv4", 15,
			"ihr_hegemony_anomaly_detection_ipv4"}, 0.01},
		"hegemonydetector_v6.conf": {IO{"ihr_hegemony_v6", "hege", []string{"scope", "asn"}, "ihr_hegemony_anomalies_ipv6", 15,
			"ihr_hegemony_anomaly_detection_ipv6"}, 0.01},
		"atlasdelaydetector.conf": {IO{"ihr_raclette_diffrtt", "median", []string{"startpoint", "endpoint"},
			"ihr_raclette_diffrtt_anomalies", 30, "ihr_raclette_diffrtt_anomaly_detection"}, 1},
	} {
		config, err := Load(name, none)
		if err != nil {
			t.Fatal(err)
		}
		if got := config.IO; got.InputTopic != want.io.InputTopic || got.ValueField != want.io.ValueField ||
			!slices.Equal(got.KeyFields, want.io.KeyFields) || got.OutputTopic != want.io.OutputTopic ||
			got.GranularityMinutes != want.io.GranularityMinutes || got.ConsumerGroup != want.io.ConsumerGroup {
			t.Errorf("%s has [io] %+v, want %+v", name, got, want.io)
		}
		detection := same
		detection.MinDeviation = want.minDev
		if config.Detection != detection {
			t.Errorf("%s has [detection] %+v, want %+v", name, config.Detection, detection)
		}
		if config.Job.Duration != 1440*time.Minute || len(config.Warnings) > 0 || config.Log.File == "" || config.Log.Level != slog.LevelInfo {
			t.Errorf("%s: job %v, warnings %v, log %+v", name, config.Job, config.Warnings, config.Log)
		}
	}
	if len(BuiltIn()) != 3 {
		t.Errorf("%v are built in, want three", BuiltIn())
	}
}

func TestFileOnDiskWinsOverABuiltInOne(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("hegemonydetector.conf", []byte(strings.Replace(base, "= in", "= mine", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := Load("hegemonydetector.conf", none)
	if err != nil || config.IO.InputTopic != "mine" {
		t.Errorf("loaded %+v, %v; want the file on disk", config, err)
	}
}

func TestErrorNamesWhatIsWrongAndWhatWasExpected(t *testing.T) {
	for name, c := range map[string]struct{ old, changed, section, key, says string }{
		"misspelt key":         {"threshold = 5", "treshold = 5", "detection", "treshold", "did you mean threshold?"},
		"key of no section":    {"duration = 0", "colour = red", "job", "colour", "want one of: duration"},
		"number as a word":     {"threshold = 5", "threshold = five", "detection", "threshold", "greater than 0"},
		"threshold of zero":    {"threshold = 5", "threshold = 0", "detection", "threshold", "greater than 0"},
		"not a number":         {"threshold = 5", "threshold = nan", "detection", "threshold", "greater than 0"},
		"infinite":             {"threshold = 5", "threshold = inf", "detection", "threshold", "greater than 0"},
		"hexadecimal":          {"threshold = 5", "threshold = 0x5", "detection", "threshold", "greater than 0"},
		"unknown metric":       {"dev_metric = mean", "dev_metric = mode", "detection", "dev_metric", "mean or median"},
		"negative hours":       {"history_hours = 72", "history_hours = -72", "detection", "history_hours", "hours greater than 0"},
		"negative minimum":     {"min_dev = 0.01", "min_dev = -1", "detection", "min_dev", "0 or more"},
		"unknown method":       {"dev_metric = mean", "dev_metric = mean\nmethod = habits", "detection", "method", "original or habit"},
		"ratio above one":      {"ratio = 0.6", "ratio = 60", "detection", "history_min_ratio", "0 to 1"},
		"empty value":          {"value_field = hege", "value_field =", "io", "value_field", "empty"},
		"missing key":          {"input_topic = in\n", "", "io", "input_topic", "missing"},
		"empty key field":      {"scope, asn", "scope,,asn", "io", "key_field", "empty"},
		"no granularity":       {"min = 15", "min = 0", "io", "time_granularity_min", "greater than 0"},
		"illegal topic":        {"= in\n", "= in put\n", "io", "input_topic", "letters"},
		"output is input":      {"= out\n", "= in\n", "io", "output_topic", "another topic"},
		"negative duration":    {"duration = 0", "duration = -1", "job", "duration", "0 for ever"},
		"letters to the input": {"[job]", "[output]\ndead_letter_topic = in\n[job]", "output", "dead_letter_topic", "of its own"},
		"bad broker":           {"[job]", "[kafka]\nbrokers = a:b:c\n[job]", "kafka", "brokers", "host:port"},
		"half a certificate":   {"[job]", "[kafka]\ntls_cert = a\n[job]", "kafka", "tls_cert", "both"},
		"mechanism":            {"[job]", "[kafka]\nsasl_mechanism = MD5\n[job]", "kafka", "sasl_mechanism", "PLAIN"},
		"no password":          {"[job]", "[kafka]\nsasl_mechanism = PLAIN\n[job]", "kafka", "sasl_mechanism", "sasl_password_file"},
		"commit interval":      {"[job]", "[persistence]\ncommit_interval = -1s\n[job]", "persistence", "commit_interval", "more than 0"},
		"log level":            {"[job]", "[logger_root]\nlevel = LOUD\n[job]", "logger_root", "level", "INFO"},
		"key of elsewhere":     {"duration = 0", "threshold = 5", "job", "threshold", "belongs in [detection]"},
		"missing section":      {"[io]", "[IO]", "io", "", "lower case"},
		"unknown key in upper": {"threshold = 5", "Treshold = 5", "detection", "treshold", "did you mean threshold?"},
		"comment in the line":  {"threshold = 5", "threshold = 5 ; high", "detection", "threshold", "a line of its own"},
		"quoted number":        {"threshold = 5", "threshold = '5'", "detection", "threshold", "with the quotes"},
		"indented key":         {"dev_metric = mean", " dev_metric = mean", "detection", "threshold", "indented"},
		"empty ratio":          {"ratio = 0.6", "ratio =", "detection", "history_min_ratio", "empty"},
		"empty metric":         {"dev_metric = mean", "dev_metric =", "detection", "dev_metric", "empty"},
		"metric in upper case": {"dev_metric = mean", "dev_metric = Mean", "detection", "dev_metric", "mean or median"},
		"infinite by exponent": {"threshold = 5", "threshold = 1e999", "detection", "threshold", "greater than 0"},
		"history without end":  {"history_hours = 72", "history_hours = 1e7", "detection", "history_hours", "at most 1000000"},
		"no time between":      {"min = 15", "min = 1e-307", "io", "time_granularity_min", "larger"},
		"interpolation":        {"= hege", "= %(name)s", "io", "value_field", "write the value out"},
		"name in two lines":    {"= hege", "= hege\n more", "io", "value_field", "one line"},
		"duration too long":    {"duration = 0", "duration = 1e9", "job", "duration", "0 for ever"},
		"topic of dots":        {"= out\n", "= ..\n", "io", "output_topic", "letters"},
		"topic too long":       {"= out\n", "= " + strings.Repeat("x", 250) + "\n", "io", "output_topic", "249"},
		"letters to anomalies": {"[job]", "[output]\ndead_letter_topic = out\n[job]", "output", "dead_letter_topic", "of its own"},
		"interval of nothing":  {"[job]", "[persistence]\ncommit_interval = 0\n[job]", "persistence", "commit_interval", "more than 0"},
		"interval too long":    {"[job]", "[persistence]\ncommit_interval = 11\n[job]", "persistence", "commit_interval", "at most 10s"},
		"interval as a word":   {"[job]", "[persistence]\ncommit_interval = soon\n[job]", "persistence", "commit_interval", "seconds"},
		"bad level of a file": {"[job]", "[logger_root]\nhandlers = h\n[handler_h]\nargs = ('x',)\nlevel = LOUD\n[job]",
			"handler_h", "level", "INFO"},
	} {
		t.Run(name, func(t *testing.T) {
			content := strings.Replace(base, c.old, c.changed, 1)
			if content == base {
				t.Fatal("nothing was changed")
			}
			_, err := read("detector.conf", "detector.conf", []byte(content), none)
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.Section != c.section || wrong.Key != c.key {
				t.Fatalf("refused with %v, want an error at [%s] %s", err, c.section, c.key)
			}
			if said := err.Error(); !strings.Contains(said, c.says) || !strings.HasPrefix(said, "detector.conf") || strings.Contains(said, "\n") {
				t.Errorf("the error is %q, want one line with %q", said, c.says)
			}
		})
	}
}

func TestUnreadableFilesAreRefusedWithTheirName(t *testing.T) {
	for argument, file := range map[string]string{"nothere.conf": "nothere.conf", ".": ".", "load.go/x.conf": "load.go/x.conf", "": `""`} {
		_, err := Load(argument, none)
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.File != file || wrong.Expected == "" {
			t.Errorf("%s: %v", argument, err)
		}
	}
}

func TestOlderConfigurationsAreAcceptedWithWarnings(t *testing.T) {
	content := strings.NewReplacer("min_dev", "noise", "dev_metric = mean\n", "", "history_min_ratio = 0.6\n", "", "[job]", "[main]\n[job]").Replace(base)
	config := mustRead(t, content, none)
	if want := (Detection{5, "mean", 0.01, 72, 0.6, "original"}); config.Detection != want {
		t.Errorf("[detection] is %+v, want %+v", config.Detection, want)
	}
	var warned []string
	for _, w := range config.Warnings {
		warned = append(warned, w.Section+"."+w.Key)
	}
	for _, want := range []string{"detection.noise", "detection.dev_metric", "detection.history_min_ratio", "main."} {
		if !slices.Contains(warned, want) {
			t.Errorf("warned of %v, want %s among them", warned, want)
		}
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	content := base + "[kafka]\nbrokers = file:1\n[persistence]\ndir = here\n"
	config := mustRead(t, content, of("KAFKA_HOST", "a:1, b", "DETECTOR_DATA_DIR", "/there", "LOG_LEVEL", "debug", "LOG_FORMAT", "json"))
	if !slices.Equal(config.Kafka.Brokers, []string{"a:1", "b:9092"}) || config.Persistence.Dir != "/there" ||
		config.Log.Level != slog.LevelDebug || !config.Log.JSON {
		t.Errorf("kafka %+v, persistence %+v, log %+v", config.Kafka, config.Persistence, config.Log)
	}
	if config := mustRead(t, content, none); !slices.Equal(config.Kafka.Brokers, []string{"file:1"}) {
		t.Errorf("brokers are %v without the environment", config.Kafka.Brokers)
	}
	if config := mustRead(t, base, none); len(config.Kafka.Brokers) != 3 || config.Persistence.CommitInterval != time.Second {
		t.Errorf("the defaults are %+v, %+v", config.Kafka, config.Persistence)
	}
	for _, bad := range []string{"LOG_LEVEL", "LOG_FORMAT"} {
		if _, err := read("d.conf", "d.conf", []byte(base), of(bad, "loud")); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s=loud: %v", bad, err)
		}
	}
}

func TestNumbersAreThoseOfPython(t *testing.T) {
	for text, want := range map[string]float64{"5": 5, " 5.0 ": 5, "1e3": 1000, "1_000": 1000, ".5": 0.5, "+2": 2, "-0": 0} {
		if got, ok := pythonFloat(text); !ok || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "five", "1__0", "_1", "1_", "0x10", "1,5", "5 5", "1e"} {
		if got, ok := pythonFloat(text); ok {
			t.Errorf("%q is accepted as %v", text, got)
		}
	}
}

func TestSettingsSayWhereEachComesFromAndNoSecret(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	content := base + "[kafka]\nsasl_mechanism = PLAIN\nsasl_username = me\nsasl_password_file = " + secret + "\n"
	config := mustRead(t, content, of("KAFKA_HOST", "a:1"))
	origins := make(map[string]string)
	for _, s := range config.Settings() {
		origins[s.Section+"."+s.Key] = s.Origin
		if strings.Contains(s.Value, "hunter2") {
			t.Errorf("%s shows the password", s.Key)
		}
	}
	for key, want := range map[string]string{"io.input_topic": "detector.conf", "kafka.brokers": "environment KAFKA_HOST", "persistence.dir": "default"} {
		if origins[key] != want {
			t.Errorf("%s comes from %q, want %q", key, origins[key], want)
		}
	}
	if slices.ContainsFunc(config.Settings(), func(s Setting) bool { return s.Value == "" }) {
		t.Error("a setting without a value is shown")
	}
}

func TestSettingsAreInTheOrderOfTheSchema(t *testing.T) {
	// In any order of the file.
	_, detection, _ := strings.Cut(base, "[detection]")
	shuffled := "[persistence]\ndir = here\n[detection]" + detection + strings.TrimSuffix(base, "[detection]"+detection)
	var want []string
	for _, k := range known {
		for _, key := range k.names() {
			want = append(want, k.name+"."+key)
		}
	}
	want = append(want, "log.level", "log.file", "log.format")
	for _, content := range []string{base, shuffled} {
		last := -1
		for _, s := range mustRead(t, content, none).Settings() {
			at := slices.Index(want, s.Section+"."+s.Key)
			if at <= last {
				t.Errorf("%s.%s comes after %s", s.Section, s.Key, want[last])
			}
			last = max(last, at)
		}
	}
}

func TestErrorsHaveNoControlCharacters(t *testing.T) {
	_, err := parse("d.conf", []byte("[\x1b[2J]\na = 1\na = 2\n"))
	if err == nil || strings.ContainsRune(err.Error(), '\x1b') {
		t.Errorf("refused with %q", err)
	}
}

func TestKeysOfDefaultAreInEverySection(t *testing.T) {
	config := mustRead(t, "[DEFAULT]\nthreshold = 7\nprefix = x\n"+strings.Replace(base, "threshold = 5\n", "", 1), none)
	if config.Detection.Threshold != 7 {
		t.Errorf("the threshold is %v, want 7", config.Detection.Threshold)
	}
	if len(config.Warnings) != 1 || config.Warnings[0].Key != "prefix" {
		t.Errorf("warned of %v, want prefix only", config.Warnings)
	}
}

func TestMinDevWinsOverNoise(t *testing.T) {
	config := mustRead(t, strings.Replace(base, "[job]", "noise = 9\n[job]", 1), none)
	if config.Detection.MinDeviation != 0.01 || len(config.Warnings) != 1 || config.Warnings[0].Key != "noise" {
		t.Errorf("the minimum is %v, warnings %v", config.Detection.MinDeviation, config.Warnings)
	}
}

func TestQuotesInANameAreWarnedOf(t *testing.T) {
	config := mustRead(t, strings.Replace(base, "= hege", `= "hege"`, 1), none)
	if config.IO.ValueField != `"hege"` || len(config.Warnings) != 1 || config.Warnings[0].Key != "value_field" {
		t.Errorf("the field is %s, warnings %v", config.IO.ValueField, config.Warnings)
	}
}

func TestCommitIntervalIsInSecondsOrWithAUnit(t *testing.T) {
	for text, want := range map[string]time.Duration{"2": 2 * time.Second, "0.5": time.Second / 2, "250ms": time.Second / 4} {
		config := mustRead(t, base+"[persistence]\ncommit_interval = "+text+"\n", none)
		if config.Persistence.CommitInterval != want {
			t.Errorf("%s is %v", text, config.Persistence.CommitInterval)
		}
	}
}

func TestEndlessInputIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.conf")
	if err := os.WriteFile(path, make([]byte, maxSize+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, none); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("accepted, or refused with %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(base))
	for _, name := range BuiltIn() {
		content, err := builtIn.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		_, err := read("fuzz.conf", "fuzz.conf", content, none)
		var wrong *Error
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("refused with a %T: %v", err, err)
		}
	})
}

func TestExplainIsYesOrNoAndOffByDefault(t *testing.T) {
	for text, want := range map[string]bool{"": false, "explain = no": false, "explain = yes": true, "explain = True": true, "explain = off": false, "explain = 1": true} {
		config := mustRead(t, base+"[output]\n"+text+"\n", none)
		if config.Output.Explain != want {
			t.Errorf("%q is %t", text, config.Output.Explain)
		}
		if !slices.ContainsFunc(config.Settings(), func(s Setting) bool { return s.Section == "output" && s.Key == "explain" }) {
			t.Errorf("%q is not among the settings", text)
		}
	}
	for _, text := range []string{"explain =", "explain = maybe", "explain = 2", "explain = yes ; please"} {
		_, err := read("detector.conf", "detector.conf", []byte(base+"[output]\n"+text+"\n"), none)
		if err == nil || !strings.Contains(err.Error(), "explain") {
			t.Errorf("%q is answered with %v", text, err)
		}
	}
}

func TestMethodDecidesTheUsualRatio(t *testing.T) {
	for content, want := range map[string]Detection{
		base: {5, "mean", 0.01, 72, 0.6, "original"},
		strings.Replace(base, "history_min_ratio = 0.6\n", "method = habit\n", 1):                          {5, "mean", 0.01, 72, 0.2, "habit"},
		strings.Replace(base, "history_min_ratio = 0.6\n", "history_min_ratio = 0.6\nmethod = habit\n", 1): {5, "mean", 0.01, 72, 0.6, "habit"},
	} {
		config := mustRead(t, content, none)
		if config.Detection != want || len(config.Warnings) > 0 {
			t.Errorf("[detection] is %+v, want %+v; it warns of %v", config.Detection, want, config.Warnings)
		}
	}
}

// TestHabitWarnsOfSettingsThatCannotWork has a datapoint each 15 minutes.
func TestHabitWarnsOfSettingsThatCannotWork(t *testing.T) {
	for change, want := range map[string]string{
		"history_hours = 3":    "",
		"history_hours = 2.99": "history_hours",
		"min_dev = 0":          "min_dev",
	} {
		key, _, _ := strings.Cut(change, " ")
		content := regexp.MustCompile("(?m)^"+key+" .*$").ReplaceAllString(base, change)
		config := mustRead(t, strings.Replace(content, "[detection]\n", "[detection]\nmethod = habit\n", 1), none)
		var about []string
		for _, w := range config.Warnings {
			about = append(about, w.Key)
		}
		if strings.Join(about, " ") != want {
			t.Errorf("%s: it warns of %v, want %q", change, config.Warnings, want)
		}
	}
}
