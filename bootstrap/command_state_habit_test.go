package bootstrap

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/configs"
	"anomalydetector/detection"
	"anomalydetector/persistence"
	"anomalydetector/test/golden"
)

// habitName is a case whose configuration the stream of habits has, with the method habit.
const habitName = "hegemony_mean"

// habits is the broker with the topic of a stream, of which nothing is fed: eight entities with a daily course in two partitions, for
// 25 days, with single values that are too high. A detector of a few lines says which points are anomalies.
func habits(t *testing.T, dir string) (b *broker, conf string) {
	t.Helper()
	b = newBroker(t)
	must(t, b.cluster.CreateTopic(habitName+".in", 2, nil))
	conf = b.conf(t, dir, habitName, "")
	text, err := os.ReadFile(conf)
	must(t, err)
	text = regexp.MustCompile(`(?m)^\[detection\]$`).ReplaceAll(text, []byte("[detection]\nmethod = habit"))
	must(t, os.WriteFile(conf, text, 0o644))
	config, err := configs.Load(conf, func(string) string { return "" })
	must(t, err)

	c := &golden.Case{Expected: make(map[int]float64), Conf: config, ValueField: config.IO.ValueField, Partitions: 2, Habit: true}
	rules := habitRules(config)
	var states [8]detection.Habit
	for bin := range int64(25 * 96) {
		for entity := range states {
			at, i := 1_600_000_200_000+bin*900_000, int64(len(c.Records))
			value := 0.3 + 0.2*float64(bin%96)/96 + 0.01*math.Sin(float64(i*i))
			if i%331 == 330 {
				value += 0.3
			}
			if j := states[entity].Add(rules, 1, at, value); j.Reason == detection.Anomalous {
				c.Expected[int(i)] = j.Deviation
			}
			payload := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 3), "scope"), "-1")
			payload = msgp.AppendString(msgp.AppendString(payload, "asn"), strconv.Itoa(entity))
			payload = msgp.AppendFloat64(msgp.AppendString(payload, "hege"), value)
			c.Records = append(c.Records, &kgo.Record{Topic: habitName + ".in", Partition: int32(entity % 2), Timestamp: time.UnixMilli(at), Value: payload})
		}
	}
	b.cases[habitName] = c
	return b, conf
}

// feed produces some of a case's records.
func (b *broker) feed(t *testing.T, records []*kgo.Record) {
	t.Helper()
	must(t, b.client.ProduceSync(context.Background(), records...).FirstErr())
}

// TestExportedHabitsGoOnAfterAnImport: what a detector has learned in 20 days is exported and imported. Another one, which starts from
// it, replays nothing, and decides as one that never stopped.
func TestExportedHabitsGoOnAfterAnImport(t *testing.T) {
	dir := t.TempDir()
	b, conf := habits(t, dir)
	records := b.cases[habitName].Records
	at := func(data string) map[string]string {
		return map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, data)}
	}
	run := func(data string) (said string) {
		o := newOutside(t, at(data))
		exit := o.run(conf)
		b.untilRead(t, habitName)
		o.signals <- syscall.SIGTERM
		if code := exits(t, exit, o); code != exitClean {
			t.Errorf("exit code %d:\n%s", code, o.output)
		}
		return o.output.String()
	}
	const before = 8 * 96 * 20
	b.feed(t, records[:before])
	run("one")

	var found []stateDirectory
	must(t, json.Unmarshal([]byte(did(t, at("one"), exitClean, "state", conf, "--json")), &found))
	offset := int64(0)
	for _, p := range found[0].Partitions {
		offset += p.Offset
		if !p.Usable || p.Entities != 4 || p.States == 0 || p.Format != 2 {
			t.Errorf("partition %+v", p)
		}
	}
	if offset != before {
		t.Errorf("the offsets come to %d, want %d", offset, before)
	}

	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	says(t, did(t, at("one"), exitClean, "state", "export", conf, first), "exported partition 0 up to offset", "exported partition 1 up to offset")
	says(t, did(t, at("two"), exitClean, "state", "import", conf, first), "imported partition 0 up to offset", "imported partition 1 up to offset")
	did(t, at("two"), exitClean, "state", "export", conf, second)
	same(t, first, second)

	text, err := os.ReadFile(conf)
	must(t, err)
	other := filepath.Join(t.TempDir(), habitName+".conf")
	for change, reason := range map[string]string{
		"method = original":   "they are of another method: habit 1, history_hours 72",
		"history_hours = 100": "they were made by another version or other settings: habit 1, history_hours 72",
	} {
		key, _, _ := strings.Cut(change, " ")
		changed := regexp.MustCompile("(?m)^"+key+"[ =].*$").ReplaceAllLiteral(text, []byte(change))
		must(t, os.WriteFile(other, changed, 0o644))
		says(t, did(t, at("two"), exitFailure, "state", "import", other, first), reason, "the stored windows are unchanged")
	}
	did(t, at("two"), exitClean, "state", "export", conf, second, "--force")
	same(t, first, second)

	b.feed(t, records[before:])
	if said := run("two"); strings.Count(said, "replayed=0") != 2 {
		t.Errorf("not all was used of what was imported:\n%s", said)
	}
	b.verify(t, habitName)
	later := 0
	for record := range b.cases[habitName].Expected {
		if record >= before {
			later++
		}
	}
	if later < 5 {
		t.Errorf("only %d anomalies are expected after the import", later)
	}
}

// TestImportRefusesWhatIsNoState: the whole archive is refused, and what is stored stays.
func TestImportRefusesWhatIsNoState(t *testing.T) {
	dir := t.TempDir()
	_, conf := habits(t, dir)
	one, two := map[string]string{"DETECTOR_DATA_DIR": filepath.Join(dir, "one")}, map[string]string{"DETECTOR_DATA_DIR": filepath.Join(dir, "two")}
	o := newOutside(t, one)
	confs, err := loadAll([]string{conf}, &o.World)
	must(t, err)
	rules, settings, newest := habitRules(confs[0]), settingsOf(confs[0]), int64(1_600_000_200_000)
	longer := detection.NewHabitRules(detection.Settings{Method: detection.HabitMethod, GranularityMinutes: 15, HistoryHours: 100, MinRatio: 0.6, Threshold: 5})
	var h detection.Habit
	h.Observe(rules, 1, newest, 0.5)
	h.Observe(rules, 1, newest-900_000, 0.5)
	whole := h.AppendState(rules, nil)

	archive, kept := filepath.Join(dir, "archive"), filepath.Join(dir, "kept")
	imported := func(state persistence.State, code int) (said string) {
		store, closeState, err := openState(filepath.Join(dir, "one"), confs, &o.World, false)
		must(t, err)
		head := persistence.Head{Source: settings.Source(), Offset: 9, History: settings.History.Milliseconds(), States: settings.States()}
		made, err := store.Make(1, head, func(yield func(string, persistence.Window) bool) {
			_ = yield("-1,1", persistence.Window{State: persistence.State{Bytes: whole, Newest: newest}}) && yield("-1,2", persistence.Window{State: state})
		})
		must(t, err)
		must(t, errors.Join(store.Adopt(confs[0].Name, made), closeState()))
		did(t, one, exitClean, "state", "export", conf, archive, "--force")
		return did(t, two, code, "state", "import", conf, archive)
	}
	says(t, imported(persistence.State{Bytes: whole, Newest: newest}, exitClean), "imported partition 1 up to offset 9: 2 entities")
	did(t, two, exitClean, "state", "export", conf, kept)
	for why, state := range map[string]persistence.State{
		"this is no state of the method habit: it ends too early": {Bytes: whole[:len(whole)-1], Newest: newest},
		"its version is 110":              {Bytes: []byte("nonsense"), Newest: newest},
		"with a history of 100 hours":     {Bytes: h.AppendState(&longer, nil), Newest: newest},
		"it has a point of 1600000200000": {Bytes: whole, Newest: newest - 1},
	} {
		says(t, imported(state, exitFailure), `partition 1: the snapshot cannot be used: the state of entity "-1,2": `, why, "the stored windows are unchanged")
	}
	did(t, two, exitClean, "state", "export", conf, archive, "--force")
	same(t, kept, archive)
}
