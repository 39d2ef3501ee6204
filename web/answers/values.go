package answers

import (
	"math"
	"time"
)

// Direction is the side of the usual level on which a value lies.
type Direction string

const (
	Up   Direction = "up"
	Down Direction = "down"
)

// SideOf is the side of a deviation.
func SideOf(deviation float64) Direction {
	if deviation < 0 {
		return Down
	}
	return Up
}

// Finite is a number as answers have it: nil if it is infinite or not a number.
func Finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// EpisodeState says whether an episode is open.
type EpisodeState string

const (
	Open  EpisodeState = "open"
	Ended EpisodeState = "ended"
)

// SilentEntities is what a question may ask for in place of a state: the episodes that say that an entity is silent. These are open
// absences, and an entity's latest episode if that ended as silent. Only a detector that publishes episodes can tell.
const SilentEntities EpisodeState = "silent"

// EpisodeKind is what an episode is of.
type EpisodeKind string

const (
	Deviation    EpisodeKind = "deviation" // a run of anomalies
	Absence      EpisodeKind = "absence"   // an entity that was there in most bins has no points any more
	PartitionGap EpisodeKind = "gap"       // a partition has far fewer entities than usual
)

// Outcome is how an episode ended.
type Outcome string

const (
	Recovered Outcome = "recovered" // the values are back in the band from before
	Absorbed  Outcome = "absorbed"  // the window has taken on the new level
	Silent    Outcome = "silent"    // no more points came
	Returned  Outcome = "returned"  // the absent entity has points again
	Forgotten Outcome = "forgotten" // it was absent for so long that its window is dropped
	Filled    Outcome = "filled"    // the gap is over
	NotKnown  Outcome = "unknown"   // the detector began anew at another offset
)

// Field is a part of an entity's key.
type Field struct {
	Name  string `json:"name" example:"asn"`
	Value string `json:"value" example:"64510"`
	ASN   bool   `json:"asn" doc:"The value is the number of an autonomous system, or -1 for the global graph"`
}

// EntityRef names an entity.
type EntityRef struct {
	Detector  string  `json:"detector"`
	Key       string  `json:"key" doc:"The fields' values with commas between them; values may hold commas"`
	Fields    []Field `json:"fields" doc:"Empty if only the key is known" nullable:"false"`
	Partition *int32  `json:"partition,omitempty" doc:"Of the input topic"`
	Stored    bool    `json:"stored,omitempty" doc:"It is only on disk: it has had no point since the process began"`
}

// Position is a place in a topic.
type Position struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Habit is the name of the method habit.
const Habit = "habit"

// Tests of the method habit: what a deviation is of.
const (
	ValueTest = "value" // the value
	MeanTest  = "mean"  // the mean of the last values
)

// ByHabit is what the method habit says of an anomaly beside the rest. It is empty if the method is the original.
type ByHabit struct {
	Method    string   `json:"method,omitempty" enum:"habit" doc:"Absent: the original"`
	Test      string   `json:"test,omitempty" enum:"value,mean" doc:"With habit: the deviation is of the value, or of the mean of the last values"`
	Mean      *float64 `json:"mean,omitempty" doc:"With habit: how far the last 24 values lie from what was expected of them, on average"`
	UsualMean *float64 `json:"usual_mean,omitempty" doc:"With habit: the largest mean that is normal, to either side"`
	Sentence  string   `json:"sentence,omitempty" doc:"With habit: why it is an anomaly"`
}

// OfMean says whether the deviation is of the mean of the last values.
func (h *ByHabit) OfMean() bool { return h.Test == MeanTest }

// Anomaly is a committed anomaly: a record of the output topic.
type Anomaly struct {
	ID        string    `json:"id" doc:"From the record's header; stays the same for ever"`
	Detector  string    `json:"detector"`
	Entity    string    `json:"entity" doc:"The key"`
	Fields    []Field   `json:"fields" nullable:"false"`
	Time      time.Time `json:"time" doc:"Of the datapoint"`
	Value     *float64  `json:"value"`
	Usual     *float64  `json:"usual" doc:"Median of the window, with habit what was expected; null if the record does not tell it"`
	Scale     *float64  `json:"scale" doc:"deviation = (value - usual) / scale, unless it is of the mean of the last values"`
	Deviation *float64  `json:"deviation" doc:"null if it is infinite"`
	Direction Direction `json:"direction"`
	Low       *float64  `json:"low" doc:"Lower end of what was normal"`
	High      *float64  `json:"high"`
	Output    Position  `json:"output" doc:"Its place in the output topic"`
	Input     *Position `json:"input" doc:"The datapoint's record; null if the record does not tell it"`
	ByHabit
}

// Episode is a run of anomalies of one entity, its absence, or a gap in a partition.
type Episode struct {
	ID         string       `json:"id" doc:"Of a deviation: that of its first anomaly"`
	Detector   string       `json:"detector"`
	Entity     string       `json:"entity" doc:"Empty for a gap"`
	Fields     []Field      `json:"fields" nullable:"false"`
	State      EpisodeState `json:"state"`
	OpenedAt   time.Time    `json:"opened_at" doc:"Time of the first anomaly; of an absence and a gap, the beginning of the first bin"`
	LastAt     time.Time    `json:"last_at" doc:"Time of the last anomaly; of an absence and a gap, of the last event"`
	EndedAt    *time.Time   `json:"ended_at" doc:"null while it is open"`
	Outcome    *Outcome     `json:"outcome" enum:"recovered,absorbed,silent,returned,forgotten,filled,unknown" doc:"null while it is open, or if it is not known. unknown: the detector began anew at another offset"`
	Points     int          `json:"points" doc:"Anomalies so far; of an absence and a gap, bins at the last event"`
	Reopened   int          `json:"reopened" doc:"How often it was open again after it had ended"`
	Direction  Direction    `json:"direction" doc:"Of its peak; empty for an absence and a gap"`
	Usual      *float64     `json:"usual" doc:"Of the first anomaly; of an absence, the median of its window; of a gap, the usual number of entities in a bin"`
	Low        *float64     `json:"low"`
	High       *float64     `json:"high"`
	Value      *float64     `json:"value" doc:"Of the peak; of a gap, the number of entities in its latest bin"`
	Deviation  *float64     `json:"deviation" doc:"Of the peak, the anomaly with the largest deviation to either side; null for an absence and a gap"`
	PeakAt     time.Time    `json:"peak_at" doc:"Of an absence and a gap: opened_at"`
	PeakID     string       `json:"peak_id"`
	Concurrent int          `json:"concurrent" doc:"Entities with the same first key field whose episodes of this kind opened in the same bin, this one not counted"`
	Kind       EpisodeKind  `json:"kind" enum:"deviation,absence,gap" doc:"Absences and gaps are only of a detector that publishes episodes"`
	Partition  *int32       `json:"partition,omitempty" doc:"Of the input topic; absent if episodes are not published"`
	ByHabit                 // of the peak
}

// Lanes are counts by time and by row.
type Lanes struct {
	Detector   string     `json:"detector"`
	By         string     `json:"by" doc:"Key field of the rows, or entity"`
	From       time.Time  `json:"from" doc:"Beginning of the first bin"`
	Until      time.Time  `json:"until" doc:"End of the last bin"`
	BinSeconds int        `json:"bin_seconds"`
	All        Lane       `json:"all" doc:"All rows together"`
	Items      []Lane     `json:"items" nullable:"false"`
	Holes      []TimeSpan `json:"holes" doc:"Times in which no entity had a point" nullable:"false"`
	Gaps       []Episode  `json:"gaps,omitempty" doc:"Published gaps, in the order of time"`
	Next       string     `json:"next,omitempty"`
	Partial    bool       `json:"partial"`
	Problems   []string   `json:"problems" nullable:"false"`
}

// Lane is one row.
type Lane struct {
	Label  string     `json:"label" doc:"The field's value, or the key"`
	Fields []Field    `json:"fields" nullable:"false"`
	Count  int        `json:"count" doc:"Anomalies in all bins"`
	Cells  []Cell     `json:"cells" doc:"Bins with anomalies, in the order of time" nullable:"false"`
	Absent []TimeSpan `json:"absent,omitempty" doc:"Times in which an entity of the row was absent, as published"`
}

// Cell is one bin of a row.
type Cell struct {
	Bin       int      `json:"bin" doc:"From 0 on"`
	Count     int      `json:"count" doc:"Anomalies"`
	Deviation *float64 `json:"deviation" doc:"The one with the largest absolute value"`
}

// TimeSpan holds the times From <= t < Until.
type TimeSpan struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Point is a datapoint of a window.
type Point struct {
	Time  time.Time `json:"time"`
	Value float64   `json:"value"`
	// What was expected of it, if the method is habit and the state still knows.
	Expected *float64 `json:"expected,omitempty" doc:"With habit: the value that was expected; absent if it is not known any more"`
	Low      *float64 `json:"low,omitempty" doc:"With habit: values from low to high were usual then"`
	High     *float64 `json:"high,omitempty"`
	Exact    bool     `json:"exact,omitempty" doc:"expected, low and high are what the point was compared with; absent: they are about right"`
}

// Entity is all that is known of an entity.
type Entity struct {
	EntityRef
	Node      string     `json:"node" doc:"Address of the node that answered; empty: this one"`
	Phase     string     `json:"phase" doc:"Of its partition, as in nodes"`
	Input     *Position  `json:"input" doc:"The place up to which its partition was read"`
	Points    int        `json:"points" doc:"Points in the window"`
	Needed    int        `json:"needed" doc:"The smallest number of points that is scored"`
	Full      int        `json:"full" doc:"Points in a window without gaps"`
	Coverage  float64    `json:"coverage" doc:"points / full, at most 1"`
	Scored    bool       `json:"scored" doc:"The next point would be scored"`
	Median    *float64   `json:"median" doc:"The usual level, with habit the value expected at next_at: the next point would be compared with it"`
	Scale     *float64   `json:"scale"`
	Low       *float64   `json:"low" doc:"Values from low to high would be normal"`
	High      *float64   `json:"high"`
	Threshold float64    `json:"threshold"`
	Window    []Point    `json:"window" doc:"In the order of time" nullable:"false"`
	Missing   []TimeSpan `json:"missing" doc:"Times in which the window has no point though it should have one" nullable:"false"`
	Last      *LastPoint `json:"last" doc:"null if the window is empty"`
	Verdict   string     `json:"verdict" doc:"What was decided about the last point, in a sentence"`
	Reason    string     `json:"reason" enum:"normal,anomalous,too_few_points,silent,unknown"`
	Anomalies []Anomaly  `json:"anomalies" doc:"The latest first, at most 300" nullable:"false"`
	Episodes  []Episode  `json:"episodes" nullable:"false"`
	Gaps      []Episode  `json:"gaps,omitempty" doc:"Published gaps of its partition"`
	Partial   bool       `json:"partial"`
	Problems  []string   `json:"problems" nullable:"false"`
	Method    string     `json:"method,omitempty" enum:"habit" doc:"Absent: the original"`
	NextAt    *time.Time `json:"next_at,omitempty" doc:"With habit: when the next point is due; median, scale, low and high are of that time"`
}

// LastPoint is an entity's last datapoint and what was decided about it.
type LastPoint struct {
	Time      time.Time `json:"time"`
	Value     float64   `json:"value"`
	Deviation *float64  `json:"deviation" doc:"null if it was not scored"`
	Test      string    `json:"test,omitempty" enum:"value,mean" doc:"With habit: what the deviation is of"`
	Expected  *float64  `json:"expected,omitempty" doc:"With habit: the value that was expected"`
	Low       *float64  `json:"low,omitempty" doc:"With habit: values from low to high were usual then"`
	High      *float64  `json:"high,omitempty"`
	Mean      *float64  `json:"mean,omitempty" doc:"With habit: how far the last 24 values lie from what was expected of them, on average"`
	UsualMean *float64  `json:"usual_mean,omitempty" doc:"With habit: the largest mean that is normal, to either side"`
}

// Detector is one detector, over all nodes that answered.
type Detector struct {
	Name          string     `json:"name"`
	Topic         string     `json:"topic"`
	OutputTopic   string     `json:"output_topic"`
	ConsumerGroup string     `json:"consumer_group"`
	ValueField    string     `json:"value_field"`
	KeyFields     []KeyField `json:"key_fields" nullable:"false"`
	Threshold     float64    `json:"threshold"`
	DevMetric     string     `json:"dev_metric"`
	MinDev        float64    `json:"min_dev"`
	HistoryHours  float64    `json:"history_hours"`
	BinSeconds    float64    `json:"bin_seconds" doc:"Time granularity"`
	PointsNeeded  int        `json:"points_needed"`
	PointsFull    int        `json:"points_full"`
	Synthetic     bool       `json:"synthetic" doc:"The stream is made up: this is a demo"`

	State         string     `json:"state" enum:"opening,replaying,live,standby,draining,stopped,unknown"`
	Problem       string     `json:"problem,omitempty" doc:"Why it does not work, in words"`
	Partitions    Partitions `json:"partitions"`
	DataUntil     *time.Time `json:"data_until" doc:"Stream time: the newest timestamp that the stream confirms; null before the first point"`
	LagRecords    int64      `json:"lag_records"`
	Entities      int        `json:"entities"`
	Replay        *Replay    `json:"replay" doc:"null if nothing is being replayed"`
	DetectionP50  *float64   `json:"detection_p50_seconds" doc:"From poll to commit, the median of this node's last 256 transactions"`
	Tail          Tail       `json:"tail" doc:"The anomalies that can be asked for"`
	EpisodesTopic string     `json:"episodes_topic,omitempty" doc:"Where it publishes episodes; absent: they are runs of the anomalies that are held"`
	Method        string     `json:"method,omitempty" enum:"habit" doc:"Absent: the original"`
	WindowHours   float64    `json:"window_hours" doc:"How far back windows go: history_hours, with habit about two days"`
}

// KeyField is a field of the key.
type KeyField struct {
	Name string `json:"name"`
	ASN  bool   `json:"asn" doc:"It holds numbers of autonomous systems"`
}

// Partitions of a detector's input topic, over all nodes.
type Partitions struct {
	All       int `json:"all"`
	Ready     int `json:"ready"`
	Replaying int `json:"replaying" doc:"Not ready: unassigned, importing, replaying or broken"`
	Standby   int `json:"standby" doc:"Copies that other nodes keep"`
	Unowned   int `json:"unowned" doc:"No node that answers has them"`
}

// Replay is how much is left of the replay of a history.
type Replay struct {
	Remaining int64      `json:"remaining_records"`
	PerSecond float64    `json:"records_per_second" doc:"0: not known yet"`
	Ready     *time.Time `json:"ready_at" doc:"When the replay ends at this rate; null if it is not known"`
}

// Tail is what the process holds of the output topic.
type Tail struct {
	From      *time.Time `json:"from" doc:"Anomalies of datapoints from here on are held; null: not known yet"`
	Anomalies int        `json:"anomalies"`
	Caught    bool       `json:"caught_up" doc:"The topic has been read up to its end once"`
	Dropped   int64      `json:"dropped" doc:"Anomalies within the range that are not held for lack of room; 0 if the range is whole again"`
	Problem   string     `json:"problem,omitempty"`
}

// Node is a process.
type Node struct {
	Address   string         `json:"address" doc:"Empty: it has no [cluster] section"`
	ID        string         `json:"id"`
	This      bool           `json:"this" doc:"It is the node that answers"`
	Version   string         `json:"version"`
	StartedAt *time.Time     `json:"started_at"`
	Problem   string         `json:"problem,omitempty" doc:"Why it does not answer"`
	Answered  *time.Time     `json:"answered_at,omitempty" doc:"Time of its last answer; absent if it answers now, or if that is not known"`
	Detectors []NodeDetector `json:"detectors" nullable:"false"`
}

// NodeDetector is a detector within a node.
type NodeDetector struct {
	Name       string          `json:"name"`
	State      string          `json:"state"`
	Step       string          `json:"step,omitempty" doc:"The step under way, for example polling, scoring or storing; absent if the node does not say it"`
	Problem    string          `json:"problem,omitempty"`
	Partitions []NodePartition `json:"partitions" nullable:"false"`
}

// NodePartition is a partition that a node has, assigned or as a standby.
type NodePartition struct {
	Partition int32  `json:"partition"`
	Role      string `json:"role" enum:"assigned,standby"`
	Phase     string `json:"phase" enum:"unassigned,importing,replaying,ready,broken,unknown"`
	Offset    int64  `json:"offset" doc:"The next offset to read"`
	End       int64  `json:"end" doc:"The end of the partition"`
	Lag       int64  `json:"lag"`
	Entities  int    `json:"entities"`
	Pending   int64  `json:"pending" doc:"Records still to replay"`
}

// Status sums up all detectors and nodes.
type Status struct {
	At        time.Time  `json:"at"`
	Version   string     `json:"version"`
	Detectors []Detector `json:"detectors" nullable:"false"`
	Nodes     int        `json:"nodes"`
	Answering int        `json:"nodes_answering"`
	Partial   bool       `json:"partial"`
	Problems  []string   `json:"problems" nullable:"false"`
}

// Event is something that happened. At most one of its pointers is set. If none is, the Event only has an ID:
// where a stream begins, or how far it has come while nothing happened.
type Event struct {
	ID      string // a cursor: a stream that goes on from it has no gap and no repeat, on any node
	Anomaly *Anomaly
	Episode *Episode
	Status  *Status
	Gap     *Gap
}

// Gap tells a watcher that anomalies are missing between the last event and the next: they are not held any
// more, or not in the topic any more.
type Gap struct {
	Detector string `json:"detector"`
	Missing  int64  `json:"missing" doc:"Offsets of the output topic"`
	Reason   string `json:"reason"`
}
