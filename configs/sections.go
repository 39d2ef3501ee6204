package configs

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

var legalTopic = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// renameOlder gives the keys of older files their present names, and the values of the keys that they
// lack.
func (r *reading) renameOlder() {
	for _, o := range older {
		keys := r.doc.sections[o.section]
		value, there := keys[o.was]
		_, both := keys[o.key]
		switch {
		case there && both:
			r.warn(o.section, o.was, o.was+" is an older name of "+o.key+"; the value under the other name counts")
		case there:
			r.warn(o.section, o.was, o.was+" is an older name of "+o.key+"; use that one")
			keys[o.key] = value
		}
	}
	detection := r.doc.sections["detection"]
	if detection == nil || detection["method"] == "habit" {
		return
	}
	for _, missing := range []struct{ key, value string }{{"dev_metric", "mean"}, {"history_min_ratio", originalRatio}} {
		if _, there := detection[missing.key]; !there {
			r.warn("detection", missing.key, missing.key+" is missing, as in older files; it counts as "+missing.value)
		}
	}
}

// The default of history_min_ratio, by method.
const originalRatio, habitRatio = "0.6", "0.2"

// fewestPoints is how many datapoints a history must have for the method habit, at least.
const fewestPoints = "12"

func (r *reading) io() IO {
	const topic = "the name of a Kafka topic: up to 249 letters, digits, dots, dashes and underscores"
	io := IO{
		InputTopic:    r.word("io", "input_topic", topic),
		ValueField:    r.word("io", "value_field", "the name of the field to watch, such as hege"),
		OutputTopic:   r.word("io", "output_topic", topic),
		ConsumerGroup: r.word("io", "consumer_group", "the name of a Kafka consumer group"),
	}
	r.literal("io", "value_field", io.ValueField)
	r.literal("io", "consumer_group", io.ConsumerGroup)
	const fields = "one or more field names with commas between them, such as scope,asn"
	for _, field := range strings.Split(r.word("io", "key_field", fields), ",") {
		field = strings.TrimSpace(field)
		if field == "" {
			r.fail("io", "key_field", "a field name is empty", "want "+fields)
		}
		r.literal("io", "key_field", field)
		io.KeyFields = append(io.KeyFields, field)
	}
	const minutes = "a number of minutes greater than 0"
	io.GranularityMinutes = r.number("io", "time_granularity_min", r.word("io", "time_granularity_min", minutes), minutes, positive)
	for _, named := range []struct{ key, topic string }{{"input_topic", io.InputTopic}, {"output_topic", io.OutputTopic}} {
		r.topic("io", named.key, named.topic)
	}
	if io.InputTopic == io.OutputTopic {
		r.fail("io", "output_topic", "it is also the input topic", "want another topic")
	}
	return io
}

// literal checks a name that may have any characters but control characters. It warns of quotes.
func (r *reading) literal(section, key, name string) {
	if strings.ContainsFunc(name, unicode.IsControl) {
		r.refuse(section, key, name, "want a name in one line")
	}
	if quoted(name) {
		r.warn(section, key, "the quotes in "+key+" are part of the name "+name)
	}
}

func (r *reading) topic(section, key, topic string) {
	if !legalTopic.MatchString(topic) || topic == "." || topic == ".." {
		r.refuse(section, key, topic, "want the name of a Kafka topic: up to 249 letters, digits, dots, dashes and underscores")
	}
}

func positive(x float64) bool    { return x > 0 }
func notNegative(x float64) bool { return x >= 0 }

// countable accepts hours that fit into a time.Duration: at most some 114 years.
func countable(x float64) bool { return 0 < x && x <= 1e6 }

func ratio(x float64) bool { return 0 <= x && x <= 1 }

func (r *reading) detection(granularityMinutes float64) Detection {
	const section = "detection"
	number := func(key, expected string, fits func(float64) bool) float64 {
		return r.number(section, key, r.word(section, key, expected), expected, fits)
	}
	d := Detection{
		Threshold:    number("threshold", "a number greater than 0", positive),
		MinDeviation: number("min_dev", "a number of 0 or more", notNegative),
		HistoryHours: number("history_hours", "a number of hours greater than 0, at most 1000000", countable),
	}
	d.Method = r.optional(section, "method", "original")
	if d.Method != "original" && d.Method != "habit" {
		r.refuse(section, "method", d.Method, "want original or habit")
	}
	usual := originalRatio
	if d.Method == "habit" {
		usual = habitRatio
	}
	const expected = "a number from 0 to 1"
	d.MinRatio = r.number(section, "history_min_ratio", r.optional(section, "history_min_ratio", usual), expected, ratio)
	d.Metric = r.optional(section, "dev_metric", "mean")
	if d.Metric != "mean" && d.Metric != "median" {
		r.refuse(section, "dev_metric", d.Metric, "want mean or median")
	}
	if d.Method == "habit" && r.err == nil {
		r.warnOfHabit(&d, granularityMinutes)
	}
	if d.MinDeviation == 0 && d.Method == "original" && r.err == nil {
		r.warn(section, "min_dev", "min_dev is 0: if the values of a window are all equal (with dev_metric = median: if most of them are), "+
			"any other value is an anomaly with an infinite deviation; the original program stops there with a division by zero. "+
			"Set min_dev to the smallest difference that matters")
	}
	// The number of points of a full window must be finite.
	if math.IsInf(d.HistoryHours*(60/granularityMinutes), 0) {
		r.fail("io", "time_granularity_min", "that makes more points than can be counted", "want a larger number")
	}
	return d
}

// warnOfHabit warns of settings with which the method habit says nothing, or too much.
func (r *reading) warnOfHabit(d *Detection, granularityMinutes float64) {
	const section = "detection"
	fewest, _ := strconv.ParseFloat(fewestPoints, 64)
	if points := math.Floor(d.HistoryHours * 60 / granularityMinutes); points < fewest {
		r.warn(section, "history_hours", "with method = habit no datapoint is ever scored: history_hours holds at most "+strconv.FormatFloat(points, 'f', -1, 64)+
			" datapoints of an entity, one each time_granularity_min, and the method needs "+fewestPoints)
	}
	if d.MinDeviation == 0 {
		r.warn(section, "min_dev", "min_dev is 0: if an entity has exactly the expected values for days, "+
			"any other value is an anomaly with an infinite deviation. Set min_dev to the smallest difference that matters")
	}
}

func (r *reading) job() Job {
	const expected = "a number of minutes, 0 for ever"
	text := r.optional("job", "duration", "0")
	minutes := r.number("job", "duration", text, expected, func(x float64) bool { return 0 <= x && x < 1e8 })
	return Job{Duration: time.Duration(minutes * float64(time.Minute))}
}

func (r *reading) persistence() Persistence {
	const section = "persistence"
	count := func(key, fallback, expected string, least, most float64) int {
		fits := func(x float64) bool { return least <= x && x <= most && x == math.Trunc(x) }
		return int(r.number(section, key, r.optional(section, key, fallback), expected, fits))
	}
	return Persistence{
		Dir:            r.directory(section, "dir", "data", "DETECTOR_DATA_DIR"),
		CommitInterval: r.seconds(section, "commit_interval", r.optional(section, "commit_interval", "1s"), commitIntervals),
		Enabled:        r.boolean(section, "enabled", true),
		MemoryMB:       count("memory_mb", "256", "a whole number of megabytes from 16 to 65536", 16, 65536),
		FloorMB:        count("free_space_floor_mb", "512", "a whole number of megabytes, 0 or more", 0, 1e9),
		CachedEntities: count("cached_entities", "0", "a whole number of entities, 0 for all", 0, 1e9),
		StopOnDamage:   r.onDamage(section, "on_damage") == "stop",
	}
}

func (r *reading) onDamage(section, key string) string {
	const rebuild, stop = "rebuild", "stop"
	wanted := r.optional(section, key, rebuild)
	if wanted != rebuild && wanted != stop {
		r.refuse(section, key, wanted, "want rebuild or stop")
	}
	return wanted
}

// directory reads the path of a directory, which need not exist.
func (r *reading) directory(section, key, fallback, variable string) string {
	path := r.get(section, key, fallback, variable)
	problem, expected := "", "want the path of a directory, which is made if it is missing"
	if strings.ContainsFunc(path, unicode.IsControl) {
		problem = "the value is " + strconv.Quote(path)
	} else if about, err := os.Stat(path); err == nil && !about.IsDir() {
		problem = path + " is not a directory"
	}
	if problem != "" {
		r.failEither(section, key, variable, problem, expected)
	}
	return path
}

func (r *reading) output(io IO) Output {
	o := Output{DeadLetterTopic: r.optional("output", "dead_letter_topic", "")}
	if o.DeadLetterTopic != "" {
		r.topic("output", "dead_letter_topic", o.DeadLetterTopic)
		if o.DeadLetterTopic == io.InputTopic || o.DeadLetterTopic == io.OutputTopic {
			r.fail("output", "dead_letter_topic", "it is also the input or the output topic", "want a topic of its own")
		}
	}
	o.Retention = r.retention("output", "retention_hours")
	o.Explain = r.boolean("output", "explain", false)
	return o
}

// retention reads a number of hours, unlimited, or nothing.
func (r *reading) retention(section, key string) time.Duration {
	text := r.optional(section, key, "")
	switch strings.ToLower(text) {
	case "":
		return 0
	case "unlimited":
		return Unlimited
	}
	hours := r.number(section, key, text, "a number of hours greater than 0, at most 1000000, or unlimited", countable)
	return max(time.Duration(hours*float64(time.Hour)), time.Millisecond)
}
