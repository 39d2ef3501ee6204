package simulation

import (
	"fmt"
	"os"
	"path/filepath"
)

// debugLog is set to log what the Kafka clients do, too.
var debugLog string

func (r *run) confPath() string { return filepath.Join(r.dir, confName+".conf") }

// writeConf writes the configuration that all nodes read when they start.
func (r *run) writeConf(rules Rules) error {
	s := r.scenario
	metric, deadLetters := "mean", ""
	if rules.Median {
		metric = "median"
	}
	if s.DeadLetters {
		deadLetters = "[output]\ndead_letter_topic = " + deadLetterTopic + "\n"
	}
	return os.WriteFile(r.confPath(), fmt.Appendf(nil, `[io]
input_topic = %s
value_field = v
key_field = k
output_topic = %s
time_granularity_min = %g
consumer_group = %s
[detection]
method = %s
threshold = %g
dev_metric = %s
min_dev = %g
history_hours = %g
history_min_ratio = %g
[job]
duration = 0
[persistence]
commit_interval = %g
enabled = %t
memory_mb = 16
free_space_floor_mb = 1
cached_entities = %d
%s%s[cluster]
standbys = %d
%s`, inputTopic, outputTopic, rules.GranularityMinutes, group, rules.methodName(), rules.Threshold, metric, rules.MinDeviation,
		rules.HistoryHours, rules.MinRatio, s.Commit.Seconds(), !s.Disk.Off, s.Disk.Cached, deadLetters, s.Episodes.conf(), s.Standbys, debugLog), 0o644)
}
