package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/actors"
	"anomalydetector/episode"
	"anomalydetector/messages"
)

// samples are what /metrics shows, by name with labels.
func samples(t *testing.T, s *Site) map[string]string {
	t.Helper()
	answer := get(s.Handler(true), "/metrics")
	if answer.Code != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", answer.Code, answer.Body)
	}
	all := make(map[string]string)
	for line := range strings.Lines(answer.Body.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			at := strings.LastIndexByte(line, ' ')
			all[line[:at]] = strings.TrimSpace(line[at:])
			_ = value
		}
	}
	return all
}

// Each case changes one thing and names the samples of ours that change.
func TestEachMetricMoves(t *testing.T) {
	const d = `{detector="d"`
	totals := func(change func(*actors.Totals)) func(*shown, actors.Measure) {
		return func(s *shown, _ actors.Measure) { change(&s.report.Totals) }
	}
	measured := func(change func(actors.Measure)) func(*shown, actors.Measure) {
		return func(_ *shown, m actors.Measure) { change(m) }
	}
	partition := func(change func(*messages.PartitionStatus, *actors.PartitionReport)) func(*shown, actors.Measure) {
		return func(s *shown, _ actors.Measure) { change(&s.report.Status.Partitions[0], &s.report.Partitions[0]) }
	}
	still := make(map[string]bool) // families that no case has moved
	for _, family := range families(t) {
		still[strings.TrimPrefix(family.GetName(), prefix+"_")] = true
	}
	for name, c := range map[string]struct {
		change func(*shown, actors.Measure)
		want   map[string]string
	}{
		"records":       {totals(func(t *actors.Totals) { t.Records = 5 }), map[string]string{"records_total" + d + "}": "5"}},
		"unscored":      {totals(func(t *actors.Totals) { t.Unscored = 5 }), map[string]string{"points_unscored_total" + d + `,reason="too_few_points"}`: "5"}},
		"above":         {totals(func(t *actors.Totals) { t.Above = 5 }), map[string]string{"anomalies_total" + d + `,direction="above"}`: "5"}},
		"below":         {totals(func(t *actors.Totals) { t.Below = 5 }), map[string]string{"anomalies_total" + d + `,direction="below"}`: "5"}},
		"open episodes": {partition(func(_ *messages.PartitionStatus, p *actors.PartitionReport) { p.Open[episode.Gap] = 5 }), map[string]string{"episodes_open" + d + `,kind="gap"}`: "5"}},
		"events": {totals(func(t *actors.Totals) { t.Episodes[episode.Absence][episode.Resolved] = 5 }),
			map[string]string{"episodes_total" + d + `,event="resolved",kind="absence"}`: "5"}},
		"dead letters": {totals(func(t *actors.Totals) { t.DeadLetters = 5 }), map[string]string{"dead_letters_total" + d + "}": "5"}},
		"bad records": {totals(func(t *actors.Totals) { t.Bad = map[string]int64{"tombstone": 5} }),
			map[string]string{"bad_records_total" + d + `,reason="tombstone"}`: "5"}},
		"commits": {totals(func(t *actors.Totals) { t.Commits = 5 }), map[string]string{"transactions_total" + d + `,result="committed"}`: "5"}},
		"aborts":  {totals(func(t *actors.Totals) { t.Aborts = 5 }), map[string]string{"transactions_total" + d + `,result="aborted"}`: "5"}},
		"last commit": {func(s *shown, _ actors.Measure) { s.report.Committed = time.UnixMilli(1500) },
			map[string]string{"last_commit_timestamp_seconds" + d + "}": "1.5"}},
		"last report": {func(s *shown, _ actors.Measure) { s.report.At = time.UnixMilli(1500) },
			map[string]string{"last_report_timestamp_seconds" + d + "}": "1.5"}},
		"put out of the group": {func(s *shown, _ actors.Measure) { s.report.Joined = false }, map[string]string{"joined" + d + "}": "0"}},
		"paused":               {func(s *shown, _ actors.Measure) { s.report.Paused = actors.NoSpace }, map[string]string{"intake_paused" + d + `,reason="no_space"}`: "1"}},
		"paused otherwise": {func(s *shown, _ actors.Measure) { s.report.Paused = actors.StoreFails },
			map[string]string{"intake_paused" + d + `,reason="store_fails"}`: "1"}},
		"stream time": {partition(func(_ *messages.PartitionStatus, p *actors.PartitionReport) { p.StreamTime = 2500 }),
			map[string]string{"last_record_timestamp_seconds" + d + `,partition="7"}`: "2.5"}},
		"lag":      {partition(func(p *messages.PartitionStatus, _ *actors.PartitionReport) { p.Lag = 5 }), map[string]string{"lag_records" + d + `,partition="7"}`: "5"}},
		"entities": {partition(func(p *messages.PartitionStatus, _ *actors.PartitionReport) { p.Entities = 5 }), map[string]string{"entities" + d + `,partition="7"}`: "5"}},
		"cached": {partition(func(_ *messages.PartitionStatus, p *actors.PartitionReport) { p.Cached = 5 }),
			map[string]string{"cached_entities" + d + `,partition="7"}`: "5"}},
		"replay": {partition(func(p *messages.PartitionStatus, _ *actors.PartitionReport) { p.Pending = 5 }),
			map[string]string{"replay_remaining_records" + d + `,partition="7"}`: "5"}},
		"state of a partition": {partition(func(p *messages.PartitionStatus, _ *actors.PartitionReport) { p.Phase = messages.Replaying }),
			map[string]string{"partitions" + d + `,phase="ready",role="assigned"}`: "0", "partitions" + d + `,phase="replaying",role="assigned"}`: "1"}},
		"state of the detector": {func(s *shown, _ actors.Measure) { s.report.Status.State = messages.StateDraining },
			map[string]string{"detector_state" + d + `,state="live"}`: "0", "detector_state" + d + `,state="draining"}`: "1"}},
		"granularity": {func(s *shown, _ actors.Measure) { s.Granularity = time.Minute }, map[string]string{"granularity_seconds" + d + "}": "60"}},
		"in order":    {func(s *shown, _ actors.Measure) { s.Counts.InOrder.Add(1) }, map[string]string{"records_in_order_total" + d + "}": "1"}},
		"panics":      {func(s *shown, _ actors.Measure) { s.Counts.Panics.Add(1) }, map[string]string{"actor_panics_total" + d + "}": "1"}},
		"rebalances":  {func(s *shown, _ actors.Measure) { s.Rebalances = func() uint64 { return 5 } }, map[string]string{"rebalances_total" + d + "}": "5"}},
		"size":        {func(s *shown, _ actors.Measure) { s.disk.size = 5 }, map[string]string{"store_size_bytes" + d + "}": "5"}},
		"free":        {func(s *shown, _ actors.Measure) { s.disk.free = 5 }, map[string]string{"disk_free_bytes" + d + "}": "5"}},
		"floor":       {func(s *shown, _ actors.Measure) { s.disk.floor = 5 }, map[string]string{"disk_free_floor_bytes" + d + "}": "5"}},
		"group": {func(s *shown, _ actors.Measure) { s.Group = func() (Group, bool) { return Group{3, 2}, true } },
			map[string]string{"nodes" + d + "}": "3", "unowned_partitions" + d + "}": "2"}},
		"alerts": {func(s *shown, _ actors.Measure) {
			s.Notified = func() []Notified {
				return []Notified{{Alertmanager: "a:1", Sent: 5, Errors: 6, Dropped: 7, Waiting: 8}}
			}
		}, map[string]string{
			`notifications_sent_total{alertmanager="a:1",detector="d"}`: "5", `notifications_errors_total{alertmanager="a:1",detector="d"}`: "6",
			`notifications_dropped_total{alertmanager="a:1",detector="d"}`: "7", `notifications_queue_length{alertmanager="a:1",detector="d"}`: "8",
		}},
		"reload refused": {func(s *shown, _ actors.Measure) { s.reload.Successful = false }, map[string]string{"config_last_reload_successful": "0"}},
		"reload": {func(s *shown, _ actors.Measure) { s.reload.Succeeded = time.UnixMilli(1500) },
			map[string]string{"config_last_reload_success_timestamp_seconds": "1.5"}},
		"lines lost": {func(s *shown, _ actors.Measure) { s.lost = LostLines{Stdout: 5, Stderr: 6, File: 7} },
			map[string]string{`log_lines_lost_total{target="stdout"}`: "5", `log_lines_lost_total{target="stderr"}`: "6", `log_lines_lost_total{target="file"}`: "7"}},
		"transaction": {measured(func(m actors.Measure) { m.Transaction(2 * time.Second) }),
			map[string]string{"transaction_duration_seconds_count" + d + "}": "1", "transaction_duration_seconds_sum" + d + "}": "2"}},
		"detection": {measured(func(m actors.Measure) { m.Detection(2 * time.Second) }),
			map[string]string{"detection_duration_seconds_count" + d + "}": "1", "detection_duration_seconds_sum" + d + "}": "2"}},
		"checkpoint": {measured(func(m actors.Measure) { m.Checkpoint(2*time.Second, true) }),
			map[string]string{"checkpoint_duration_seconds_count" + d + "}": "1", "checkpoint_duration_seconds_sum" + d + "}": "2",
				"checkpoints_total" + d + `,result="stored"}`: "1"}},
		"checkpoint that fails": {measured(func(m actors.Measure) { m.Checkpoint(2*time.Second, false) }),
			map[string]string{"checkpoint_duration_seconds_count" + d + "}": "1", "checkpoint_duration_seconds_sum" + d + "}": "2",
				"checkpoints_total" + d + `,result="failed"}`: "1"}},
		"checkpoint that is postponed": {measured(func(m actors.Measure) { m.Postponed() }),
			map[string]string{"checkpoints_total" + d + `,result="postponed"}`: "1"}},
		"handoff": {measured(func(m actors.Measure) { m.Handoff(2*time.Second, true) }),
			map[string]string{"handoff_duration_seconds_count" + d + "}": "1", "handoff_duration_seconds_sum" + d + "}": "2",
				"handoffs_total" + d + `,result="taken"}`: "1"}},
		"handoff that fails": {measured(func(m actors.Measure) { m.Handoff(2*time.Second, false) }),
			map[string]string{"handoff_duration_seconds_count" + d + "}": "1", "handoff_duration_seconds_sum" + d + "}": "2",
				"handoffs_total" + d + `,result="failed"}`: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			of := healthy("d")
			s := newSite(of)
			m := s.Measure("d")
			before := samples(t, s)
			c.change(of, m)
			after := samples(t, s)
			moved := make(map[string]string)
			for sample, value := range after {
				short, ours := strings.CutPrefix(sample, prefix+"_")
				if ours && before[sample] != value && !strings.HasPrefix(short, "http_") && !strings.Contains(short, "_bucket{") {
					moved[short] = value
				}
			}
			if !maps.Equal(moved, c.want) {
				t.Errorf("these samples changed: %v, want %v", moved, c.want)
			}
			for sample := range moved {
				family, _, _ := strings.Cut(sample, "{")
				delete(still, family)
				delete(still, strings.TrimSuffix(family, "_count"))
			}
		})
	}
	for family := range still { // metrics of requests, streams, Kafka and the build have tests of their own
		if !strings.HasPrefix(family, "http_") && !strings.HasPrefix(family, "stream_") && !strings.HasPrefix(family, "kafka_") &&
			family != "build_info" && family != "notifications_latency_seconds" {
			t.Errorf("no case moves %s", family)
		}
	}
}

func TestLatencyOfAlertmanagersIsShown(t *testing.T) {
	s := newSite()
	s.MeasureNotifications("d")("a:1", 2*time.Second)
	if got := samples(t, s)[`anomalydetector_notifications_latency_seconds_sum{alertmanager="a:1",detector="d"}`]; got != "2" {
		t.Errorf("the sum is %q, want 2", got)
	}
}

// A query can name any state: each has a series, also while the detector is in another one.
func TestOneStateOfTheDetectorIsOn(t *testing.T) {
	of := healthy("d")
	s := newSite(of)
	states := []messages.State{messages.StateOpening, messages.StateReplaying, messages.StateLive, messages.StateStandby, messages.StateDraining, messages.StateStopped}
	for _, is := range states {
		of.report.Status.State = is
		all := samples(t, s)
		for _, state := range states {
			want := "0"
			if state == is {
				want = "1"
			}
			if got := all[`anomalydetector_detector_state{detector="d",state="`+string(state)+`"}`]; got != want {
				t.Errorf("while it is %s, the value of %s is %q, want %s", is, state, got, want)
			}
		}
	}
}

// A detector that has ended while others go on is no reason for an alarm.
func TestEndedDetectorIsNeitherStuckNorOut(t *testing.T) {
	of := healthy("d")
	of.report.Ended = true
	for sample := range samples(t, newSite(of)) {
		if strings.HasPrefix(sample, prefix+"_joined") || strings.HasPrefix(sample, prefix+"_last_report") {
			t.Errorf("%s is shown", sample)
		}
	}
}

func TestRequestsAreMeasuredByTheirResult(t *testing.T) {
	s := newSite(healthy("d"))
	get(s.Handler(true), "/healthz")
	get(s.Handler(true), "/nothing")
	get(s.guarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a fault") }), false), "/")
	all := samples(t, s)
	for _, result := range []string{"answered", "refused", "failed"} {
		if got := all[`anomalydetector_http_request_duration_seconds_count{result="`+result+`"}`]; got != "1" {
			t.Errorf("%s requests: %q, want 1", result, got)
		}
	}
}

func TestBuildAndProcessAreShown(t *testing.T) {
	all := samples(t, newSite())
	found := slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(sample string) bool {
		return strings.HasPrefix(sample, "anomalydetector_build_info{") && strings.Contains(sample, `version="1.2.3"`)
	})
	if !found || all["go_goroutines"] == "" || all["process_open_fds"] == "" {
		t.Errorf("build %t, goroutines %q, descriptors %q", found, all["go_goroutines"], all["process_open_fds"])
	}
}

// The labels are few, and have few values.
func TestNoSampleNamesAnEntity(t *testing.T) {
	families := families(t)
	known := []string{"detector", "partition", "reason", "result", "direction", "role", "phase", "state", "client", "version", "goversion", "target", "alertmanager", "kind", "event"}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if !slices.Contains(known, label.GetName()) {
					t.Errorf("%s has the label %s", family.GetName(), label.GetName())
				}
			}
		}
	}
}

func TestDurationsAreNativeHistogramsToo(t *testing.T) {
	s := newSite(healthy("d"))
	s.Measure("d").Detection(time.Second)
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == prefix+"_detection_duration_seconds" {
			h := family.GetMetric()[0].GetHistogram()
			if len(h.GetBucket()) == 0 || len(h.GetPositiveSpan()) == 0 {
				t.Errorf("%d classic buckets, %d native spans", len(h.GetBucket()), len(h.GetPositiveSpan()))
			}
			return
		}
	}
	t.Error("it is missing")
}

// Clients of one purpose share their totals, which stay when a client is closed. Other purposes and detectors
// have their own.
func TestKafkaTrafficIsSummedOverClients(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	s := newSite()
	total := func(name, detector, purpose string) string {
		return samples(t, s)[`anomalydetector_kafka_`+name+`_total{client="`+purpose+`",detector="`+detector+`"}`]
	}
	open := func(detector, purpose string) *kgo.Client {
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.WithHooks(s.KafkaHook(detector, purpose)),
			kgo.DefaultProduceTopic("t"), kgo.ConsumeTopics("t"))
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		return client
	}
	open("d", "session").Close()
	one := total("connects", "d", "session")
	if one == "" || one == "0" {
		t.Fatalf("%q connections of a client that was closed", one)
	}
	first, second, other, others := open("d", "session"), open("d", "session"), open("d", "history"), open("other", "session")
	for _, client := range []*kgo.Client{first, second} {
		defer client.Close()
		if err := client.ProduceSync(t.Context(), &kgo.Record{Value: []byte("v")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	defer other.Close()
	defer others.Close()
	for read := 0; read < 2; {
		fetched := other.PollFetches(t.Context())
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		read += fetched.NumRecords()
	}
	for _, c := range []struct{ name, detector, purpose, want string }{
		{"produce_records", "d", "session", "2"}, {"produce_batches", "d", "session", "2"}, {"produce_records", "d", "history", ""},
		{"fetch_records", "d", "history", "2"}, {"produce_records", "other", "session", ""},
	} {
		if got := total(c.name, c.detector, c.purpose); got != c.want {
			t.Errorf("%s of %s's %s client: %q, want %q", c.name, c.detector, c.purpose, got, c.want)
		}
	}
	if total("connects", "other", "session") == "" {
		t.Error("another detector's connections are not shown")
	}
}
