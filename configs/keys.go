package configs

// Words for values that several keys share.
const (
	topicName = "the name of a Kafka topic: up to 249 letters, digits, dots, dashes and underscores"
	yesOrNo   = "yes or no"
	filePath  = "the path of a file, from the directory the program starts in"
)

// known are the sections that the program reads.
var known = []schemaSection{
	{name: "io", doc: "Where datapoints come from, what they are, and where anomalies go.", keys: []schemaKey{
		{
			name: "input_topic", values: topicName, required: true, since: original,
			doc: "The Kafka topic of the datapoints.",
		}, {
			name: "value_field", values: "the name of the field to watch, such as hege", required: true, since: original,
			doc: "The field of a datapoint that holds the value to watch.",
		}, {
			name: "key_field", values: "one or more field names with commas between them, such as scope,asn", required: true, since: original,
			doc: "The fields that together name an entity.",
		}, {
			name: "output_topic", values: topicName, required: true, since: original,
			doc: "The Kafka topic for the anomalies. If it is missing, it is created with 10 partitions.",
		}, {
			name: "time_granularity_min", values: "a number of minutes greater than 0", required: true, since: original,
			doc: "The time between two datapoints of the same entity.",
		}, {
			name: "consumer_group", values: "the name of a Kafka consumer group", required: true, since: original,
			doc: "The group remembers what has been read. Two detectors with the same group share the work, so give a second experiment " +
				"a group of its own.",
		},
	}},
	{name: "detection", doc: "What an anomaly is.", keys: []schemaKey{
		{
			name: "method", values: "original or habit", standard: "original",
			doc: "What a value is compared with: the median of its entity's history (original), or what the entity usually has at this time of " +
				"day (habit; docs/detection.md). After a change, the history is read again from the topic: history_hours and 20 days of it for habit, if the topic has them.",
		}, {
			name: "threshold", values: "a number greater than 0", required: true, since: original,
			doc: "A datapoint is an anomaly if its distance from the median of its entity's history is more than this many deviations. " +
				"Larger means fewer anomalies. With method = habit the width of the band of usual values is in proportion to this number: twice the threshold " +
				"makes the band twice as wide. Its constants were chosen for 5.",
		}, {
			name: "dev_metric", values: "mean or median", standard: "mean", since: original,
			doc: "How the deviation of the history is measured: the mean of the distances from the median, or their median, which a few " +
				"wild values move less. If the key is missing, a warning says so. With method = habit it has no effect.",
		}, {
			name: "min_dev", values: "a number of 0 or more", required: true, since: original,
			doc: "This is added to the deviation. If a history hardly varies, every small change would be an anomaly without it. It has the " +
				"unit of the value: a hegemony is a number from 0 to 1, a delay is in milliseconds. With method = habit the band reaches at least threshold * 1.4826 * min_dev from the expected value.",
		}, {
			name: "history_hours", values: "a number of hours greater than 0, at most 1000000", required: true, since: original,
			doc: "Each datapoint is compared with this many hours of history. With method = habit this key says which datapoints count for history_min_ratio, " +
				"and gives the level after a gap of a day; what is usual is always of the last 24 hours, 5 days and 7 days. A history of fewer than " + fewestPoints +
				" datapoints scores nothing then.",
		}, {
			name: "history_min_ratio", values: "a number from 0 to 1", standard: "0.6", since: original,
			doc: "An entity is scored once it has more than this part of a full history. If the key is missing, a warning says so. With " +
				"method = habit the default is " + habitRatio + ", and an entity is scored from its third day on at the earliest.",
		},
	}},
	{name: "job", doc: "When the program stops by itself.", keys: []schemaKey{
		{
			name: "duration", values: "a number of minutes, 0 for ever", standard: "0", since: original,
			doc: "The time after which the program stops cleanly, with exit code 0.",
		},
	}},
	{name: "kafka", doc: "How to reach the brokers. Relative paths start at the directory in which the program starts.", keys: []schemaKey{
		{
			name: "brokers", values: "host:port, with commas between several", standard: defaultBrokers, variable: "KAFKA_HOST",
			doc: "Some of the brokers; they name the others. The port is 9092 if it is missing.",
		}, {
			name: "tls", values: yesOrNo, standard: "no",
			doc: "Whether the connections use TLS. With tls_ca, or tls_cert and tls_key, the default is yes.",
		}, {
			name: "tls_ca", values: filePath, without: "those of the system",
			doc: "A PEM file with the certificates of the authorities that may have signed those of the brokers. The TLS files are " +
				"read at each connection.",
		}, {
			name: "tls_cert", values: filePath, without: "the detector shows no certificate",
			doc: "A PEM file with the detector's own certificate, for mutual TLS. It needs tls_key.",
		}, {
			name: "tls_key", values: filePath, without: "none",
			doc: "A PEM file with the key of tls_cert.",
		}, {
			name: "sasl_mechanism", values: "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER", without: "no SASL",
			doc: "How the detector proves to the brokers who it is. OAUTHBEARER needs sasl_token_file; the others need sasl_username and " +
				"sasl_password_file. PLAIN and OAUTHBEARER without TLS send the password or the token for all to read.",
		}, {
			name: "sasl_username", without: "none",
			doc: "The user's name, for SASL.",
		}, {
			name: "sasl_password_file", values: filePath, without: "none",
			doc: "A file that holds the user's password in one line. A file with permissions 0600 keeps the password out of the configuration, " +
				"the environment and the process list. It is read at each login.",
		}, {
			name: "sasl_token_file", values: filePath, without: "none",
			doc: "A file that holds a token in one line, for OAUTHBEARER. It is read at each login, so a renewed token needs no restart.",
		}, {
			name: "leave_on_stop", values: yesOrNo, standard: "yes",
			doc: "Whether a process that stops cleanly gives its partitions to others at once. With no it keeps them for session_timeout, so " +
				"nothing moves if it is back by then.",
		}, {
			name: "session_timeout", values: "a time from 1s to 1h, such as 15s, or a number of seconds", standard: "15s",
			doc: "The silence of a process after which others take its partitions. The broker allows only times between its settings " +
				"group.min.session.timeout.ms and group.max.session.timeout.ms.",
		}, {
			name: "transaction_timeout", values: "a time from 2s to 1h, such as 20s, or a number of seconds", standard: "20s",
			doc: "The time after which the broker aborts an open transaction, at least twice commit_interval. An open transaction of a process " +
				"that died holds back readers for as long.",
		},
	}},
	{name: "persistence", doc: "Where windows are kept on disk, so that a restart does not read days of the topic again.", keys: []schemaKey{
		{
			name: "dir", values: "the path of a directory, which is made if it is missing", standard: "data", variable: "DETECTOR_DATA_DIR",
			doc: "The data directory, relative to the directory in which the program starts. It is made with permissions 0700. One process at a " +
				"time can use it; the detectors of one process share it.",
		}, {
			name: "commit_interval", values: "a time of more than 0, at most 10s, such as 1s, 500ms, or a number of seconds", standard: "1s",
			doc: "How long points may wait to be committed and stored, at most. A detector that keeps up with its stream commits anomalies at once, " +
				"at most ten times a second, and points without an anomaly as soon as the stream pauses. Behind its stream it commits in this " +
				"interval. Longer means fewer, larger writes.",
		}, {
			name: "enabled", values: yesOrNo, standard: "yes",
			doc: "Whether windows are stored. With no, each start reads history_hours of the topic again. The directory then holds only the id " +
				"of the process.",
		}, {
			name: "memory_mb", values: "a whole number of megabytes from 16 to 65536", standard: "256",
			doc: "The memory of the database, besides the windows. If detectors share a directory, the largest value counts.",
		}, {
			name: "free_space_floor_mb", values: "a whole number of megabytes, 0 or more", standard: "512",
			doc: "The space that must be free on the disk. If less is free, the detector stops reading from Kafka until there is enough again. " +
				"If detectors share a directory, the largest value counts.",
		}, {
			name: "cached_entities", values: "a whole number of entities, 0 for all", standard: "0",
			doc: "How many entities of each Kafka partition are kept in memory, about. Those without a point for the longest time are on disk only.",
		}, {
			name: "on_damage", values: "rebuild or stop", standard: "rebuild",
			doc: "What to do if the stored windows are damaged, as by a failing disk. rebuild moves the damaged database to state.damaged-TIME " +
				"in the data directory, keeps the last two of these, and reads the windows from the topic. stop ends the process with exit code 1 " +
				"and changes nothing. A power loss may leave an incomplete entry at the end of the last log: that is no damage, and is cut off " +
				"with a warning.",
		},
	}},
	{name: "output", doc: "What is written besides anomalies, and for how long.", keys: []schemaKey{
		{
			name: "dead_letter_topic", values: topicName, without: "they are logged and counted only",
			doc: "This topic gets a copy of each record that cannot be used, and of each anomaly that the output topic refuses, with the reason in " +
				"the headers. It is made if it is missing.",
		}, {
			name: "retention_hours", values: "a number of hours greater than 0, at most 1000000, or unlimited", without: "as long as the input topic",
			doc: "How long the output topic and the dead-letter topic keep their records, if the detector makes them. Anomalies have the timestamps of " +
				"the input, so the broker deletes them at once if the input is older than the retention. Existing topics are not changed.",
		}, {
			name: "explain", values: yesOrNo, standard: "no",
			doc: "Whether an anomaly gets a third key, explain, for consumers that read no headers: a map with the numbers behind the verdict, such " +
				"as usual level, scale, band and known points.",
		},
	}},
	{name: "episodes", doc: "Life cycles instead of points: when a deviation of an entity opens and ends, when an entity that was always there stays away, " +
		"and when the input has a hole. A bin is a time_granularity_min of the timestamps of a Kafka partition; nothing depends on the clock.", keys: []schemaKey{
		{
			name: "output_topic", values: topicName, without: "no episodes, and the keys below have no effect", since: "1.1.0",
			doc: "The topic for the episodes, as JSON. Each detector needs one of its own. If it is missing, it is made: compacted, with as many partitions " +
				"as the input topic; if it has fewer, partitions are added. It needs [persistence] enabled, and a time_granularity_min of whole seconds.",
		}, {
			name: "open_after", values: pointCount, standard: "1", since: "1.1.0",
			doc: "How many anomalies in a row open a deviation, among the scored points of an entity.",
		}, {
			name: "clear_after", values: pointCount, standard: "4", since: "1.1.0",
			doc: "A deviation ends after this many scored points in a row that are no anomalies, or as silent after as many whole bins without a point.",
		}, {
			name: "reopen_within", values: reopenTime, standard: "6h", since: "1.1.0",
			doc: "An anomaly this soon after the last one, by their timestamps, reopens the same deviation, with its id, instead of opening another.",
		}, {
			name: "absence_after", values: binCount, standard: "4", since: "1.1.0",
			doc: "An entity is absent once it has no point in this many whole bins. Bins of a gap do not count. The absence ends with the entity's " +
				"next point, or when its window is dropped.",
		}, {
			name: "absence_min_presence", values: "a number from 0 to 1", standard: "0.8", since: "1.1.0",
			doc: "Only an entity with points in at least this part of the bins of its window can be absent. The window must be long enough to be scored, too.",
		}, {
			name: "gap_below", values: gapShare, standard: "0.5", since: "1.1.0",
			doc: "A bin with fewer entities than this part of the usual number in its Kafka partition is a gap, a hole in the input. A bin without any " +
				"is one in any case, unless this is 0.",
		},
	}},
	{name: "cluster", doc: "How processes with the same consumer_group reach each other. With it, any of them answers for all, and a Kafka " +
		"partition that moves takes its windows along.", keys: []schemaKey{
		{
			name: "listen", values: "host:port, such as 10.0.0.1:7100", without: "no cluster, and the keys below have no effect",
			variable: "DETECTOR_CLUSTER_LISTEN",
			doc:      "The address on which this process answers other nodes, and the commands status and entity.",
		}, {
			name: "advertise", values: "host:port, such as 10.0.0.1:7100", without: "the same as listen, which must not be 0.0.0.0 or [::] then",
			variable: "DETECTOR_CLUSTER_ADVERTISE",
			doc:      "The address at which the other nodes reach this process.",
		}, {
			name: "tls_ca", values: filePath, without: "no TLS",
			doc: "A PEM file with the authority that signed the certificates of all nodes, for mutual TLS. It needs tls_cert and tls_key. Without " +
				"them, listen must be on loopback, or insecure must be yes.",
		}, {
			name: "tls_cert", values: filePath, without: "no TLS",
			doc: "A PEM file with the certificate of this node, for the host of advertise as a server and for use as a client. A renewed " +
				"certificate is used without a restart.",
		}, {
			name: "tls_key", values: filePath, without: "no TLS",
			doc: "A PEM file with the key of tls_cert.",
		}, {
			name: "tls_names", values: "names with commas between them, such as node-*.example.org, 10.0.0.0/24, spiffe://example.org/node/*",
			without: "each certificate of tls_ca for use both as a server and as a client is that of a node",
			doc: "The names of certificates that belong to nodes: DNS names, IP addresses, networks or URIs. A certificate needs one of them, and the hosts of advertise must be among them, " +
				"unless all are URIs. A * stands for one character or more, but for no dot in a name and no slash in a URI.",
		}, {
			name: "insecure", values: yesOrNo, standard: "no",
			doc: "Whether listen may be beyond loopback without TLS. With yes, anybody who reaches the port can read windows, and can hand over " +
				"windows in the place of another node.",
		}, {
			name: "standbys", values: "a whole number of nodes from 0 to 10", standard: "0",
			doc: "How many standbys each partition has: other nodes that read its input to keep its windows up to date, so that one of them goes on " +
				"at once if the owner fails. Standbys store the windows, so more than 0 needs [persistence] enabled.",
		},
	}},
	{name: "http", doc: "The page and the API, /metrics for Prometheus, /healthz and /readyz for probes. The commands status and entity ask here, " +
		"too, if there is no [cluster] listen.", keys: []schemaKey{
		{
			name: "listen", values: "host:port, such as 127.0.0.1:8080, or off", standard: DefaultHTTP, variable: "DETECTOR_HTTP",
			doc: "The address of the page. If the key is missing and port 8080 is taken, the next free port is used, and the log says which.",
		}, {
			name: "web_config_file", values: filePath, without: "neither",
			doc: "The web configuration file of Prometheus's exporters: TLS and passwords. Without it, listen must be on loopback, or insecure must " +
				"be yes.",
		}, {
			name: "insecure", values: yesOrNo, standard: "no", variable: "DETECTOR_HTTP_INSECURE",
			doc: "Whether listen may be beyond loopback without web_config_file. With yes, anybody who reaches the port sees everything.",
		}, {
			name: "health_listen", values: "host:port, such as 127.0.0.1:8080, or off", without: "only listen serves them",
			doc: "An address that also serves /healthz and /readyz, without a password.",
		},
	}},
	{name: "notify", doc: "Which Prometheus Alertmanagers are told of open and resolved episodes. They route, group, silence and deliver; " +
		"docs/alerting.md has examples. It needs [episodes] output_topic.", keys: []schemaKey{
		{
			name: "alertmanager", values: alertmanagerURLs, without: "nobody is told, and the keys below have no effect",
			doc: "The URLs of the Alertmanagers, such as http://localhost:9093, without /api/v2/alerts. All of them are told of every episode, as " +
				"the members of an Alertmanager cluster want it.",
		}, {
			name: "kinds", values: episodeKinds, standard: "deviation,absence,gap",
			doc: "The kinds of episodes that are told.",
		}, {
			name: "url", values: pageURL, without: "the address of [http] listen, with the name of the host in the place of a loopback address",
			doc: "Where people reach the page. The links in alerts begin with it.",
		}, {
			name: "resend_interval", values: "a time from 1s to 1h, such as 1m, or a number of seconds", standard: "1m0s",
			doc: "How often an open episode is sent again. An Alertmanager that has not heard of one for four times as long takes it for resolved.",
		}, {
			name: "timeout", values: "a time from 1s to 5m, such as 10s, or a number of seconds", standard: "10s",
			doc: "How long a request may take.",
		}, {
			name: "tls_ca", values: filePath, without: "those of the system",
			doc: "A PEM file with the certificates of the authorities that may have signed those of the Alertmanagers. All files of this section are " +
				"read again when they change.",
		}, {
			name: "tls_cert", values: filePath, without: "the detector shows no certificate",
			doc: "A PEM file with the detector's own certificate, for mutual TLS. It needs tls_key.",
		}, {
			name: "tls_key", values: filePath, without: "none",
			doc: "A PEM file with the key of tls_cert.",
		}, {
			name: "username", without: "none",
			doc: "The user's name, for basic authentication. It needs password_file.",
		}, {
			name: "password_file", values: filePath, without: "none",
			doc: "A file that holds the user's password in one line. It is read at each request.",
		}, {
			name: "token_file", values: filePath, without: "none",
			doc: "A file that holds a bearer token in one line, for a proxy in front of the Alertmanagers. It is read at each request.",
		},
	}},
}

// logging are the sections of Python's logging, as a file has them that writes one log file. The names
// after the underscores are free.
var logging = []schemaSection{
	{name: "loggers", doc: "The log, in the notation of Python's logging. The log goes to the file below, in its format; in a container, or if the file is " +
		"named 'logs', it goes to stdout. The environment variables DETECTOR_LOG=file and DETECTOR_LOG=stdout decide it anywhere.", keys: []schemaKey{
		{name: "keys", standard: "root", doc: "Names of the sections [logger_...]. Only the root logger is used."},
	}},
	{name: "handlers", keys: []schemaKey{
		{name: "keys", standard: "logfile", doc: "Names of the sections [handler_...]."},
	}},
	{name: "formatters", keys: []schemaKey{
		{name: "keys", standard: "plain", doc: "Names of the sections [formatter_...]."},
	}},
	{name: "logger_root", keys: []schemaKey{
		{name: "level", values: "DEBUG, INFO, WARNING, ERROR or CRITICAL", standard: "INFO", variable: "LOG_LEVEL",
			doc: "The least important messages that are logged."},
		{name: "handlers", standard: "logfile", doc: "The handler of the log: a name from [handlers]."},
	}},
	{name: "handler_logfile", keys: []schemaKey{
		{name: "class", standard: "FileHandler", doc: "FileHandler writes a file; after it was renamed, SIGHUP reopens it. WatchedFileHandler reopens it without " +
			"SIGHUP. StreamHandler writes to stdout."},
		{name: "formatter", standard: "plain", doc: "The format of a line: a name from [formatters]."},
		{name: "args", standard: "('detector.log',)", doc: "The file to append to, relative to the directory in which the program starts."},
	}},
	{name: "formatter_plain", keys: []schemaKey{
		{name: "format", standard: "%(asctime)s %(processName)s %(levelname)s %(message)s", doc: "The format of a line, with the names of Python's logging. " +
			"It needs %(message)s."},
		{name: "datefmt", standard: "%Y-%m-%d %H:%M:%S", doc: "The format of asctime, with the letters of strftime. Without this key it is " +
			"2026-01-02 03:04:05,678."},
	}},
}

// variables are the environment variables that override no key.
var variables = []schemaVariable{
	{"DETECTOR_LOG", "file or stdout", "where the log goes, instead of deciding it by terminal and container"},
	{healthVariable, "host:port, such as 127.0.0.1:8079, or off", "an address that serves /healthz and /readyz without a password, besides `[http] health_listen`; " +
		"the command health asks it first; the image sets it"},
	{"DETECTOR_STOP_TIMEOUT", "a duration from 3s to 10m, by default 25s", "how long a stop may take; then the process ends by itself, with 1. What stops the process should " +
		"wait longer before it kills. The image sets 9s, because `docker stop` waits 10 s"},
	{"LOG_FORMAT", "text or json", "the form of the log on stdout; json is one object a line, for collectors"},
	{"NO_COLOR", "anything", "no colours, even on a terminal"},
	{"DETECTOR_NODE_ID", "a name", "the id of the process, instead of the one in the data directory"},
	{"GOMAXPROCS", "a number", "how many processors the process uses at most; by default all, or as many as the container's limit allows"},
	{"GOMEMLIMIT", "a size, such as 900MiB", "above it the process frees memory more often, which takes processor time; by default no limit. 90 % of a container's limit is good"},
	{"GOGC", "a percentage, or off", "how much the memory may grow before the process frees what it does not need; by default 100"},
	{"NOTIFY_SOCKET", "a path", "the socket on which systemd wants to hear when the process reads, reloads and stops; systemd sets it, and WATCHDOG_USEC beside it"},
	{"container", "anything", "the process runs in a container, so the log goes to stdout; the image sets it"},
	{"KUBERNETES_SERVICE_HOST", "anything", "the same; Kubernetes sets it"},
}
