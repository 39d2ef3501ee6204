// Package configs holds the .conf files that are built in, and reads, checks
// and completes any of them, as the original program's configparser does.
//
// It reads one file and the environment it is given, and looks whether the files
// named in it exist, nothing else: it touches no network, logs nothing, and never
// shows a secret. It imports nothing of ours.
package configs

import (
	"log/slog"
	"time"
)

// Config is one detector's configuration, complete and valid.
type Config struct {
	Name        string // the file's base name without ".conf": the detector's name
	Source      string // the path, or "built-in hegemonydetector.conf"
	IO          IO
	Detection   Detection
	Job         Job
	Kafka       Kafka
	Persistence Persistence
	Output      Output
	Cluster     Cluster
	HTTP        HTTP
	Log         Log
	Warnings    []Warning

	settings []Setting
}

// IO is [io]: what is read and where anomalies go.
type IO struct {
	InputTopic         string
	ValueField         string
	KeyFields          []string // at least one
	OutputTopic        string
	GranularityMinutes float64 // > 0
	ConsumerGroup      string
}

// Detection is [detection]: what an anomaly is.
type Detection struct {
	Threshold    float64 // > 0, in deviations
	Metric       string  // "mean" or "median"
	MinDeviation float64 // >= 0, in the unit of the value
	HistoryHours float64 // > 0
	MinRatio     float64 // 0 to 1
}

// Job is [job].
type Job struct {
	Duration time.Duration // 0: for ever
}

// Kafka is [kafka]: how the brokers are reached.
type Kafka struct {
	Brokers          []string // host:port
	TLS              bool
	TLSCA            string
	TLSCert          string
	TLSKey           string
	SASLMechanism    string // "", PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
	SASLUsername     string
	SASLPasswordFile string
	LeaveOnStop      bool // whether a clean stop gives the partitions to others at once
	// SessionTimeout is how long a process may be silent until others take its
	// partitions; TransactionTimeout, how long a transaction may be open until the
	// broker aborts it. 0: the default.
	SessionTimeout, TransactionTimeout time.Duration
}

// Persistence is [persistence].
type Persistence struct {
	Dir            string        // the node's data directory; "data" in the working directory unless given
	CommitInterval time.Duration // > 0
	Enabled        bool          // whether windows are stored; else they come from the topic at each start
	MemoryMB       int           // of the database's memtables and caches, 16 to 65536
	FloorMB        int           // free space on the disk below which nothing more is read
	CachedEntities int           // entities of a Kafka partition to keep in memory, about; 0: all
	StopOnDamage   bool          // whether damaged state ends the process; else it is rebuilt from the topic
}

// Output is [output].
type Output struct {
	DeadLetterTopic string // "": bad records are only logged and counted
	// Retention is how long the output and dead-letter topics keep their records if
	// the detector makes them; 0: as long as the input topic does; Unlimited.
	Retention time.Duration
	Explain   bool // whether an anomaly's payload has the key explain
}

// Unlimited is a retention without end.
const Unlimited time.Duration = -1

// Cluster is [cluster]: how this node and others reach each other.
type Cluster struct {
	Listen    string // host:port; "": not at all, and the rest is empty
	Advertise string // host:port under which others reach this node
	TLSCA     string // all three, or none
	TLSCert   string
	TLSKey    string
	Insecure  bool // plain text on other addresses than loopback
	Standbys  int  // nodes besides the owner that keep a partition's windows warm
}

// HTTP is [http]: where people and monitoring look at this process.
type HTTP struct {
	Listen        string // host:port; "": nowhere
	Default       bool   // nobody has set Listen: another port will do
	WebConfigFile string // of Prometheus's exporter toolkit: TLS, passwords
	Insecure      bool   // neither on other addresses than loopback
	HealthListen  string // host:port where health is told, too, to anybody; "": nowhere else
	Given         bool   // a key of the section was set
}

// Log is what the sections of Python's logging ask for.
type Log struct {
	Level slog.Level // the stricter of logger and handler; LOG_LEVEL overrides both
	File  string     // "": stdout only
	// Watched is whether the file is opened again when it was renamed: its handler is
	// a WatchedFileHandler.
	Watched bool
	Place   string // DETECTOR_LOG: LogToFile, LogToStdout, or "" for what suits the surroundings
	JSON    bool   // on stdout
	Format
}

// Values of Log.Place.
const (
	LogToFile   = "file"
	LogToStdout = "stdout"
)

// Warning is something the user should know about an accepted configuration.
type Warning struct{ Section, Key, Text string }

// Setting is one setting in force. What the sections of Python's logging ask
// for is in the section "log".
type Setting struct {
	Section, Key, Value string
	Origin              string // Config.Source, "default", or such as "environment KAFKA_HOST"
}

// Settings are all settings in force, in the order of the schema. No secret is in
// them.
func (c *Config) Settings() []Setting { return c.settings }
