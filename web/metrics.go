package web

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"anomalydetector/actors"
	"anomalydetector/episode"
	"anomalydetector/messages"
)

// prefix begins the names of all our metrics.
const prefix = "anomalydetector"

// metrics are what /metrics shows. Durations are observed as they arise, once for each transaction,
// checkpoint, handoff or request. Everything else is read when Prometheus asks.
type metrics struct {
	site     *Site
	registry *prometheus.Registry

	transactions, detections, checkpoints, handoffs *prometheus.HistogramVec // by detector
	checkpointed, handedOver                        *prometheus.CounterVec   // by detector and result
	requests                                        *prometheus.HistogramVec // by result
	notifications                                   *prometheus.HistogramVec // by detector and Alertmanager
}

func newMetrics(site *Site) *metrics {
	m := &metrics{
		site: site, registry: prometheus.NewRegistry(),
		transactions:  histogram("transaction_duration_seconds", "How long the end of a transaction took: its records written, its offsets committed or aborted.", "detector"),
		detections:    histogram("detection_duration_seconds", "How long the first record of a transaction took from the poll to the commit.", "detector"),
		checkpoints:   histogram("checkpoint_duration_seconds", "How long a partition took to store what was committed.", "detector"),
		handoffs:      histogram("handoff_duration_seconds", "How long it took to import a partition's windows from another node, or to fail.", "detector"),
		checkpointed:  counters("checkpoints_total", "Checkpoints of partitions, by result: stored, failed or postponed.", "detector", "result"),
		handedOver:    counters("handoffs_total", "Imports of a partition's windows from another node, by result: taken or failed.", "detector", "result"),
		requests:      histogram("http_request_duration_seconds", "How long requests over HTTP took, by result: answered, refused (4xx) or failed (5xx).", "result"),
		notifications: histogram("notifications_latency_seconds", "How long requests to an Alertmanager took.", "detector", "alertmanager"),
	}
	m.registry.MustRegister(m.transactions, m.detections, m.checkpoints, m.handoffs, m.checkpointed, m.handedOver, m.requests, m.notifications,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&state{site})
	return m
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: prefix, Name: name, Help: help,
		Buckets:                        prometheus.ExponentialBucketsRange(0.001, 60, 12),
		NativeHistogramBucketFactor:    1.1,
		NativeHistogramMaxBucketNumber: 100,
	}, labels)
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: prefix, Name: name, Help: help}, labels)
}

// handler answers Prometheus.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: readTimeout, EnableOpenMetrics: true})
}

func (m *metrics) answered(status int, took time.Duration) {
	m.requests.WithLabelValues(result(status)).Observe(took.Seconds())
}

// Measure takes the durations that a detector of this name observes.
func (s *Site) Measure(detector string) actors.Measure {
	m := s.metrics
	of := &measure{
		transactions: m.transactions.WithLabelValues(detector), detections: m.detections.WithLabelValues(detector),
		checkpoints: m.checkpoints.WithLabelValues(detector), handoffs: m.handoffs.WithLabelValues(detector),
		stored: m.checkpointed.WithLabelValues(detector, "stored"), unstored: m.checkpointed.WithLabelValues(detector, "failed"),
		postponed: m.checkpointed.WithLabelValues(detector, "postponed"),
		taken:     m.handedOver.WithLabelValues(detector, "taken"), untaken: m.handedOver.WithLabelValues(detector, "failed"),
	}
	s.recent.Store(detector, &of.recent)
	return of
}

// MeasureNotifications takes the durations of a detector's requests to Alertmanagers.
func (s *Site) MeasureNotifications(detector string) func(alertmanager string, took time.Duration) {
	return func(alertmanager string, took time.Duration) {
		s.metrics.notifications.WithLabelValues(detector, alertmanager).Observe(took.Seconds())
	}
}

// DetectionMedian is how long recent records took from the poll to the commit, in seconds. It is false before
// the first.
func (s *Site) DetectionMedian(detector string) (seconds float64, known bool) {
	of, ok := s.recent.Load(detector)
	if !ok {
		return 0, false
	}
	took, known := of.(*recent).median()
	return took.Seconds(), known
}

type measure struct {
	transactions, detections, checkpoints, handoffs prometheus.Observer
	stored, unstored, postponed, taken, untaken     prometheus.Counter
	recent                                          recent
}

func (m *measure) Transaction(took time.Duration) { m.transactions.Observe(took.Seconds()) }
func (m *measure) Detection(took time.Duration) {
	m.detections.Observe(took.Seconds())
	m.recent.add(took)
}

func (m *measure) Checkpoint(took time.Duration, stored bool) {
	m.checkpoints.Observe(took.Seconds())
	count(stored, m.stored, m.unstored)
}

func (m *measure) Postponed() { m.postponed.Inc() }

func (m *measure) Handoff(took time.Duration, taken bool) {
	m.handoffs.Observe(took.Seconds())
	count(taken, m.taken, m.untaken)
}

func count(good bool, yes, no prometheus.Counter) {
	if good {
		yes.Inc()
	} else {
		no.Inc()
	}
}

// state collects what the detectors report of themselves.
type state struct{ site *Site }

// described are the metrics of state.
var described []*prometheus.Desc

func describe(name, help string, labels ...string) *prometheus.Desc {
	desc := prometheus.NewDesc(prefix+"_"+name, help, labels, nil)
	described = append(described, desc)
	return desc
}

var (
	buildInfo    = describe("build_info", "1, with the version of the program and of Go.", "version", "goversion")
	records      = describe("records_total", "Input records that were committed: points and bad records.", "detector")
	unscored     = describe("points_unscored_total", "Points that were not scored, by reason.", "detector", "reason")
	anomalies    = describe("anomalies_total", "Anomalies that were committed, by direction: above or below the usual level.", "detector", "direction")
	badRecords   = describe("bad_records_total", "Records that could not be used, and anomalies that could not be written, by reason.", "detector", "reason")
	openNow      = describe("episodes_open", "Published episodes that are open in the assigned partitions of this node, by kind; only with [episodes].", "detector", "kind")
	events       = describe("episodes_total", "Events of episodes that were published and committed, by kind and event; only with [episodes].", "detector", "kind", "event")
	deadLetters  = describe("dead_letters_total", "Records copied to the dead-letter topic.", "detector")
	lastRecord   = describe("last_record_timestamp_seconds", "Stream time of a partition of this node: the newest timestamp that the stream confirms.", "detector", "partition")
	lastCommit   = describe("last_commit_timestamp_seconds", "When records were last committed.", "detector")
	lag          = describe("lag_records", "Offsets between a partition's last scored record and its end, as last seen.", "detector", "partition")
	granularity  = describe("granularity_seconds", "Time between two points of an entity, as configured.", "detector")
	entities     = describe("entities", "Entities of an assigned partition.", "detector", "partition")
	cached       = describe("cached_entities", "Entities of a partition, assigned or standby, that are in memory.", "detector", "partition")
	partitions   = describe("partitions", "Partitions of this node by role and phase.", "detector", "role", "phase")
	detectorIs   = describe("detector_state", "1 for the state that the detector is in on this node, 0 for the others.", "detector", "state")
	toReplay     = describe("replay_remaining_records", "Offsets of history that are still to be replayed.", "detector", "partition")
	ended        = describe("transactions_total", "Transactions with records, by result: committed or aborted.", "detector", "result")
	storeSize    = describe("store_size_bytes", "Space that the stored state takes; detectors with the same data directory share it.", "detector")
	diskFree     = describe("disk_free_bytes", "Free space on the disk of the stored state.", "detector")
	diskFloor    = describe("disk_free_floor_bytes", "Free space below which nothing more is read.", "detector")
	paused       = describe("intake_paused", "1 while nothing is read, by reason.", "detector", "reason")
	rebalances   = describe("rebalances_total", "How often the consumer group has told this process which partitions are assigned to it.", "detector")
	joined       = describe("joined", "1 while this process is a member of the consumer group, else 0.", "detector")
	lastReport   = describe("last_report_timestamp_seconds", "When the detector last reported, which it does each second: if that is long ago, it is stuck.", "detector")
	unowned      = describe("unowned_partitions", "Partitions that no node owns, as last seen; only with a [cluster] section.", "detector")
	nodes        = describe("nodes", "Members of the consumer group, as last seen; 1 without a [cluster] section.", "detector")
	inOrder      = describe("records_in_order_total", "Records whose entity came after the same entity as in the bin before, which is faster; of an aborted transaction, too.", "detector")
	panics       = describe("actor_panics_total", "Panics of actors and of the goroutines they start.", "detector")
	told         = describe("notifications_sent_total", "Alerts that an Alertmanager has taken.", "detector", "alertmanager")
	failedToTell = describe("notifications_errors_total", "Alerts in requests that an Alertmanager did not take.", "detector", "alertmanager")
	neverTold    = describe("notifications_dropped_total", "Alerts that an Alertmanager was never told of: too many, refused, or resolved long ago.", "detector", "alertmanager")
	toTell       = describe("notifications_queue_length", "Alerts that are to be sent to an Alertmanager now.", "detector", "alertmanager")
	reloaded     = describe("config_last_reload_successful", "1 if the settings in force are those of the files, as last read at the start or after SIGHUP. 0 if a file was refused, or a setting needs a restart.")
	reloadedAt   = describe("config_last_reload_success_timestamp_seconds", "When the settings of the files were last put in force, all of them.")
	lostLines    = describe("log_lines_lost_total", "Lines of the log that their target did not take, by target: stdout, stderr or file.", "target")
	subscribers  = describe("stream_subscribers", "Open streams of events over HTTP.")
	dropped      = describe("stream_dropped_total", "Streams of events that were cut because their client was too slow.")
)

func (*state) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range described {
		to <- desc
	}
}

func (s *state) Collect(to chan<- prometheus.Metric) {
	set(to, buildInfo, 1, s.site.config.Version, runtime.Version())
	open, cut := s.site.api.Streams()
	set(to, subscribers, open)
	grown(to, dropped, cut)
	s.site.collectProcess(to)
	all, _ := s.site.all()
	for _, d := range all {
		d.collect(to)
	}
}

func (s *Site) collectProcess(to chan<- prometheus.Metric) {
	if s.config.Lost != nil {
		lost := s.config.Lost()
		grown(to, lostLines, lost.Stdout, "stdout")
		grown(to, lostLines, lost.Stderr, "stderr")
		grown(to, lostLines, lost.File, "file")
	}
	if s.config.Reload != nil {
		last := s.config.Reload()
		set(to, reloaded, map[bool]int{true: 1}[last.Successful])
		set(to, reloadedAt, float64(last.Succeeded.UnixMilli())/1000)
	}
}

func set[Number int | int64 | uint64 | float64](to chan<- prometheus.Metric, desc *prometheus.Desc, value Number, labels ...string) {
	to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
}

func grown[Number int | int64 | uint64](to chan<- prometheus.Metric, desc *prometheus.Desc, value Number, labels ...string) {
	to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
}

func (d *Detector) collect(to chan<- prometheus.Metric) {
	set(to, granularity, d.Granularity.Seconds(), d.Name)
	grown(to, inOrder, d.Counts.InOrder.Load(), d.Name)
	grown(to, panics, d.Counts.Panics.Load(), d.Name)
	grown(to, rebalances, d.Rebalances(), d.Name)
	d.collectGroup(to)
	d.collectStore(to)
	d.collectNotified(to)
	report := d.Report()
	if report == nil {
		return
	}
	d.collectTotals(to, &report.Totals)
	if !report.Ended {
		set(to, lastReport, float64(report.At.UnixMilli())/1000, d.Name)
		set(to, joined, map[bool]int{true: 1}[report.Joined], d.Name)
	}
	if !report.Committed.IsZero() {
		set(to, lastCommit, float64(report.Committed.UnixMilli())/1000, d.Name)
	}
	for _, reason := range actors.Pauses() {
		value := 0
		if report.Paused == reason {
			value = 1
		}
		set(to, paused, value, d.Name, string(reason))
	}
	for _, state := range messages.States() {
		set(to, detectorIs, map[bool]int{true: 1}[report.Status.State == state], d.Name, string(state))
	}
	d.collectPartitions(to, report)
	if report.Publishes {
		d.collectEpisodes(to, report)
	}
}

func (d *Detector) collectEpisodes(to chan<- prometheus.Metric, report *actors.Report) {
	var open [episode.Kinds]int
	for i, p := range report.Status.Partitions {
		if p.Role != messages.RoleAssigned {
			continue
		}
		for kind, count := range report.Partitions[i].Open {
			open[kind] += count
		}
	}
	for kind := range episode.Kind(episode.Kinds) {
		set(to, openNow, open[kind], d.Name, kind.String())
		for event := range episode.Event(episode.Events) {
			if kind != episode.Deviation && (event == episode.Updated || event == episode.Reopened) {
				continue // there are no such events
			}
			grown(to, events, report.Totals.Episodes[kind][event], d.Name, kind.String(), event.String())
		}
	}
}

func (d *Detector) collectTotals(to chan<- prometheus.Metric, totals *actors.Totals) {
	grown(to, records, totals.Records, d.Name)
	grown(to, unscored, totals.Unscored, d.Name, actors.TooFewPoints)
	grown(to, anomalies, totals.Above, d.Name, "above")
	grown(to, anomalies, totals.Below, d.Name, "below")
	grown(to, deadLetters, totals.DeadLetters, d.Name)
	for _, reason := range actors.BadReasons() {
		grown(to, badRecords, totals.Bad[reason], d.Name, reason)
	}
	grown(to, ended, totals.Commits, d.Name, "committed")
	grown(to, ended, totals.Aborts, d.Name, "aborted")
}

func (d *Detector) collectPartitions(to chan<- prometheus.Metric, report *actors.Report) {
	type kind struct {
		role  messages.Role
		phase messages.Phase
	}
	count := map[kind]int{{messages.RoleAssigned, messages.Ready}: 0}
	for i, p := range report.Status.Partitions {
		about, number := &report.Partitions[i], strconv.Itoa(int(p.Partition))
		count[kind{p.Role, p.Phase}]++
		set(to, cached, about.Cached, d.Name, number)
		set(to, toReplay, p.Pending, d.Name, number)
		if p.Role != messages.RoleAssigned {
			continue
		}
		set(to, entities, p.Entities, d.Name, number)
		set(to, lag, p.Lag, d.Name, number)
		if about.StreamTime != 0 {
			set(to, lastRecord, float64(about.StreamTime)/1000, d.Name, number)
		}
	}
	for kind, count := range count {
		set(to, partitions, count, d.Name, string(kind.role), string(kind.phase))
	}
}

func (d *Detector) collectGroup(to chan<- prometheus.Metric) {
	if d.Group == nil {
		set(to, nodes, 1, d.Name)
		return
	}
	if group, known := d.Group(); known {
		set(to, nodes, group.Nodes, d.Name)
		set(to, unowned, group.Unowned, d.Name)
	}
}

func (d *Detector) collectNotified(to chan<- prometheus.Metric) {
	if d.Notified == nil {
		return
	}
	for _, n := range d.Notified() {
		grown(to, told, n.Sent, d.Name, n.Alertmanager)
		grown(to, failedToTell, n.Errors, d.Name, n.Alertmanager)
		grown(to, neverTold, n.Dropped, d.Name, n.Alertmanager)
		set(to, toTell, n.Waiting, d.Name, n.Alertmanager)
	}
}

// collectStore leaves out what the disk does not tell; the detector logs that.
func (d *Detector) collectStore(to chan<- prometheus.Metric) {
	if d.Store == nil {
		return
	}
	if size, err := d.Store.Size(); err == nil {
		set(to, storeSize, size, d.Name)
	}
	if free, floor, err := d.Store.Space(); err == nil {
		set(to, diskFree, free, d.Name)
		set(to, diskFloor, floor, d.Name)
	}
}
