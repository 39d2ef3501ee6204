package configs

import (
	"log/slog"
	"time"
)

// Config is the configuration of one detector, complete and valid.
type Config struct {
	Name        string // the detector's name: the file's base name without ".conf"
	Source      string // the path, or "built-in hegemonydetector.conf"
	IO          IO
	Detection   Detection
	Job         Job
	Kafka       Kafka
	Persistence Persistence
	Output      Output
	Episodes    Episodes
	Cluster     Cluster
	HTTP        HTTP
	Notify      Notify
	Log         Log
	Warnings    []Warning

	settings []Setting
}

// IO is [io]: the input and where anomalies go.
type IO struct {
	InputTopic         string
	ValueField         string
	KeyFields          []string // at least one
	OutputTopic        string
	GranularityMinutes float64 // minutes between two points of an entity, > 0
	ConsumerGroup      string
}

// Detection is [detection]: what an anomaly is.
type Detection struct {
	Threshold    float64 // least absolute deviation of an anomaly, exclusive; > 0, in scales
	Metric       string  // "mean" or "median"
	MinDeviation float64 // >= 0, in the unit of the value
	HistoryHours float64 // > 0
	MinRatio     float64 // share of the points of a full window that must be exceeded to score; 0 to 1
	Method       string  // "original" or "habit"
}

// Job is [job]: when the process stops by itself.
type Job struct {
	Duration time.Duration // 0: for ever
}

// Kafka is [kafka]: how to reach the brokers.
type Kafka struct {
	Brokers          []string // host:port
	TLS              bool
	TLSCA            string
	TLSCert          string
	TLSKey           string
	SASLMechanism    string // "", PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
	SASLUsername     string
	SASLPasswordFile string
	SASLTokenFile    string // for OAUTHBEARER, instead of user and password
	LeaveOnStop      bool   // a clean stop gives the partitions to other members at once
	// SessionTimeout is how long a process may be silent before others take its partitions.
	// TransactionTimeout is how long a transaction may be open before the broker aborts it. 0 means the
	// default of package stream.
	SessionTimeout, TransactionTimeout time.Duration
}

// Persistence is [persistence]: where and how windows are stored.
type Persistence struct {
	Dir            string        // data directory of the node; default: "data" in the working directory
	CommitInterval time.Duration // between two commits, > 0, at most 10 s
	Enabled        bool          // windows are stored; otherwise they come from the topic at each start
	MemoryMB       int           // memory of the database, in MB, 16 to 65536
	FloorMB        int           // free space on the disk, in MB, below which nothing is read from Kafka
	CachedEntities int           // entities of a Kafka partition to keep in memory, about; 0: all
	StopOnDamage   bool          // damaged windows end the process; otherwise they are rebuilt from the topic
}

// Output is [output]: what is written besides anomalies, and for how long.
type Output struct {
	DeadLetterTopic string // "": bad records are logged and counted only
	// Retention is how long topics that the detector creates keep their records. 0 means as long as the
	// input topic; Unlimited means for ever.
	Retention time.Duration
	Explain   bool // an anomaly's payload has the key explain
}

// Unlimited is a retention without end.
const Unlimited time.Duration = -1

// Cluster is [cluster]: how this node and other nodes reach each other.
type Cluster struct {
	Listen    string // host:port; "": no cluster, and all other fields are empty
	Advertise string // host:port at which other nodes reach this one
	TLSCA     string // all three files, or none
	TLSCert   string
	TLSKey    string
	TLSNames  string // patterns of the names in certificates of nodes, with commas; "": any name
	Insecure  bool   // allow plain text beyond loopback
	Standbys  int    // standby nodes of each partition, 0 to 10
}

// HTTP is [http]: the page, the API, the metrics and health.
type HTTP struct {
	Listen        string // host:port; "": nowhere
	Default       bool   // Listen is the default: another port will do
	WebConfigFile string // of Prometheus's exporter toolkit: TLS and passwords
	Insecure      bool   // allow neither beyond loopback
	HealthListen  string // host:port that also serves health, without a password; "": none
	Health        string // the same, for the command health on this machine; "": none
	Given         bool   // a key of the section was set
}

// Notify is [notify]: which Alertmanagers are told of episodes.
type Notify struct {
	Alertmanagers  []string // URLs without users; nil: none, and nothing is told
	Kinds          []string // of the episodes that are told
	URL            string   // of the page, for links, with a slash at its end; "": that of [http]
	ResendInterval time.Duration
	Timeout        time.Duration // of a request
	TLSCA          string
	TLSCert        string
	TLSKey         string
	Username       string
	PasswordFile   string
	TokenFile      string // a bearer token, instead of user and password
}

// Log is the meaning of the sections of Python's logging.
type Log struct {
	Level slog.Level // the stricter of logger and handler; LOG_LEVEL overrides both
	File  string     // "": stdout only
	// Watched reopens the file when it was renamed: its handler is a WatchedFileHandler.
	Watched bool
	Place   string // DETECTOR_LOG: LogToFile, LogToStdout, or "" to decide by terminal and container
	JSON    bool   // JSON instead of text on stdout
	Format
}

// Values of Log.Place.
const (
	LogToFile   = "file"
	LogToStdout = "stdout"
)

// Warning is something that a user should know about an accepted configuration.
type Warning struct{ Section, Key, Text string }

// Setting is one setting in force. Those of Python's logging sections are in the section "log".
type Setting struct {
	Section, Key, Value string
	Origin              string // Config.Source, "default", or such as "environment KAFKA_HOST"
}

// Settings returns all settings in force, in the order of the schema. None is a secret.
func (c *Config) Settings() []Setting { return c.settings }
