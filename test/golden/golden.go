// Package golden reads the golden cases, which are streams with the verdicts of the
// original program, and compares the anomalies that a detector has committed with them.
// It is for tests, and imports only configs of ours.
package golden

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/configs"
)

// Names are the names of the cases.
var Names = []string{"atlas_delay_mean", "hegemony_mean", "hegemony_mean_holes", "hegemony_median", "short_window_median"}

// Case is a stream and what the original program reports on it.
type Case struct {
	Records    []*kgo.Record   // with partition, timestamp, key and value
	Expected   map[int]float64 // the deviation, by the record's index
	Conf       *configs.Config // that the original program ran with
	ValueField string          // of the datapoints
	Partitions int32
	// Unordered: the stream has late records, so its anomalies are not in order of time.
	Unordered bool
	// Habit: the anomalies are of the method habit. Their deviations do not follow from the headers usual and scale to the last bit.
	Habit bool
}

// Load reads a case from its folder.
func Load(dir string) (*Case, error) {
	c := &Case{Expected: make(map[int]float64)}
	err := eachRow(filepath.Join(dir, "input.jsonl.gz"), func(line []byte) error {
		var row struct {
			Partition  int32
			Timestamp  int64
			Key, Value *string
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		record := &kgo.Record{Partition: row.Partition, Timestamp: time.UnixMilli(row.Timestamp)}
		if row.Key != nil {
			record.Key = []byte(*row.Key)
		}
		value, err := base64.StdEncoding.DecodeString(*row.Value)
		record.Value = value
		c.Records = append(c.Records, record)
		c.Partitions = max(c.Partitions, row.Partition+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = eachRow(filepath.Join(dir, "expected.jsonl.gz"), func(line []byte) error {
		var row struct {
			Record    int
			Deviation float64
		}
		err := json.Unmarshal(line, &row)
		c.Expected[row.Record] = row.Deviation
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.Conf, err = configs.Load(filepath.Join(dir, "detector.conf"), func(string) string { return "" }); err != nil {
		return nil, err
	}
	c.ValueField = c.Conf.IO.ValueField
	return c, nil
}

func eachRow(path string, each func([]byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if err := each(lines.Bytes()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return lines.Err()
}

// Verify compares committed anomalies with those that the original program reports on
// the first records of the case, as many as were fed. Each must be there once, with the
// same deviation to the last bit, the datapoint's own bytes and time, and (with the method
// original) the headers usual and scale; those of one key are in order of time. It returns every difference.
func (c *Case) Verify(anomalies []*kgo.Record, fed int) (problems []string) {
	type anomaly struct {
		at      int64
		payload string
	}
	want := make(map[anomaly]int)
	for record, deviation := range c.Expected {
		if record < fed {
			r := c.Records[record]
			want[anomaly{r.Timestamp.UnixMilli(), string(Payload(r.Value, deviation))}]++
		}
	}
	newest := make(map[string]int64)
	for _, r := range anomalies {
		found := anomaly{r.Timestamp.UnixMilli(), string(r.Value)}
		want[found]--
		if want[found] < 0 {
			problems = append(problems, fmt.Sprintf("anomaly at %d of %s is not expected, or there twice", found.at, r.Key))
		}
		if !c.Unordered && found.at < newest[string(r.Key)] {
			problems = append(problems, fmt.Sprintf("anomaly at %d of %s came after one at %d", found.at, r.Key, newest[string(r.Key)]))
		}
		newest[string(r.Key)] = found.at
		if problem := Unexplained(r, c.ValueField); problem != "" && !c.Habit {
			problems = append(problems, problem)
		}
	}
	for found, count := range want {
		if count > 0 {
			problems = append(problems, fmt.Sprintf("anomaly at %d is missing", found.at))
		}
	}
	if len(anomalies) == 0 {
		problems = append(problems, "there are no anomalies at all")
	}
	return problems
}

// Payload is an anomaly as Python's msgpack packs it.
func Payload(datapoint []byte, deviation float64) []byte {
	payload := msgp.AppendMapHeader(nil, 2)
	payload = msgp.AppendString(payload, "datapoint")
	payload = append(payload, datapoint...)
	payload = msgp.AppendString(payload, "deviation")
	return msgp.AppendFloat64(payload, deviation)
}
