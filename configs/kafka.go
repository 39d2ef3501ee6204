package configs

import (
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultBrokers are those of the original program.
const defaultBrokers = "kafka1:9092,kafka2:9092,kafka3:9092"

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

func (r *reading) kafka() Kafka {
	k := Kafka{
		Brokers:          r.brokers(),
		TLSCA:            r.optional("kafka", "tls_ca", ""),
		TLSCert:          r.optional("kafka", "tls_cert", ""),
		TLSKey:           r.optional("kafka", "tls_key", ""),
		SASLMechanism:    strings.ToUpper(r.optional("kafka", "sasl_mechanism", "")),
		SASLUsername:     r.optional("kafka", "sasl_username", ""),
		SASLPasswordFile: r.optional("kafka", "sasl_password_file", ""),
		SASLTokenFile:    r.optional("kafka", "sasl_token_file", ""),
		LeaveOnStop:      r.boolean("kafka", "leave_on_stop", true),

		SessionTimeout:     r.patience("session_timeout", "15s", sessionTimeouts),
		TransactionTimeout: r.patience("transaction_timeout", "20s", transactionTimeouts),
	}
	files := k.TLSCA != "" || k.TLSCert != "" || k.TLSKey != ""
	k.TLS = r.boolean("kafka", "tls", files)
	if files && !k.TLS {
		r.fail("kafka", "tls", "it is off, but files for TLS are given", "want tls = yes, or none of tls_ca, tls_cert and tls_key")
	}
	if (k.TLSCert == "") != (k.TLSKey == "") {
		r.fail("kafka", "tls_cert", "a certificate and its key belong together", "want both tls_cert and tls_key, or none")
	}
	r.sasl(k)
	for _, file := range []struct{ key, path string }{{"tls_ca", k.TLSCA}, {"tls_cert", k.TLSCert}, {"tls_key", k.TLSKey},
		{"sasl_password_file", k.SASLPasswordFile}, {"sasl_token_file", k.SASLTokenFile}} {
		r.exists("kafka", file.key, file.path)
	}
	r.password("sasl_password_file", k.SASLPasswordFile, "the password")
	r.password("sasl_token_file", k.SASLTokenFile, "the token")
	return k
}

// The broker has bounds of its own, which are checked when the detector connects.
var (
	sessionTimeouts     = span{time.Second, time.Hour, "want a time from 1s to 1h, such as 15s, or a number of seconds"}
	transactionTimeouts = span{2 * time.Second, time.Hour, "want a time from 2s to 1h, such as 20s, or a number of seconds"}
)

// patience reads a timeout. It returns 0 if none is given: package stream has the default, which is only
// shown here.
func (r *reading) patience(key, standard string, span span) time.Duration {
	duration := r.seconds("kafka", key, r.optional("kafka", key, standard), span)
	if _, given := r.doc.sections["kafka"][key]; !given {
		return 0
	}
	return duration
}

// transactionFits checks that a transaction ends well before the broker aborts it.
func (r *reading) transactionFits(kafka Kafka, persistence Persistence) {
	if timeout := kafka.TransactionTimeout; timeout != 0 && timeout < 2*persistence.CommitInterval {
		r.fail("kafka", "transaction_timeout", "it is less than twice [persistence] commit_interval, and the broker would abort transactions under way",
			"want "+(2*persistence.CommitInterval).String()+" or more, or a shorter commit_interval")
	}
}

// password refuses an empty file of a password or a token. It does not read a pipe, which can be read only once.
func (r *reading) password(key, path, content string) {
	if path == "" || r.err != nil {
		return
	}
	if about, err := os.Stat(path); err != nil || !about.Mode().IsRegular() {
		return
	}
	if found, err := os.ReadFile(path); err == nil && Password(found) == "" {
		r.fail("kafka", key, "the file is empty", "want "+content+" in it, in one line")
	}
}

// Password returns the password in the content of a file, without the line end.
func Password(content []byte) string { return strings.TrimRight(string(content), "\r\n") }

const wantMechanism = "want PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"

func (r *reading) sasl(k Kafka) {
	bearer := k.SASLMechanism == "OAUTHBEARER"
	login := k.SASLUsername != "" || k.SASLPasswordFile != ""
	switch {
	case k.SASLMechanism == "" && (login || k.SASLTokenFile != ""):
		r.fail("kafka", "sasl_mechanism", "the key is missing, but a user, a password or a token is given", wantMechanism)
	case k.SASLMechanism == "":
	case !slices.Contains([]string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}, k.SASLMechanism):
		r.refuse("kafka", "sasl_mechanism", k.SASLMechanism, wantMechanism)
	case bearer && k.SASLTokenFile == "":
		r.fail("kafka", "sasl_mechanism", "OAUTHBEARER needs a token", "want sasl_token_file, too")
	case bearer && login:
		r.fail("kafka", "sasl_mechanism", "OAUTHBEARER takes a token and no user", "want sasl_token_file alone, without sasl_username and sasl_password_file")
	case !bearer && k.SASLTokenFile != "":
		r.fail("kafka", "sasl_token_file", k.SASLMechanism+" takes no token", "want sasl_mechanism = OAUTHBEARER, or no sasl_token_file")
	case !bearer && (k.SASLUsername == "" || k.SASLPasswordFile == ""):
		r.fail("kafka", "sasl_mechanism", "it needs a user and a password", "want sasl_username and sasl_password_file, too")
	case k.SASLMechanism == "PLAIN" && !k.TLS:
		r.warn("kafka", "sasl_mechanism", "sasl_mechanism PLAIN without TLS sends the password for all to read; set tls = yes, or use SCRAM-SHA-512")
	case bearer && !k.TLS:
		r.warn("kafka", "sasl_mechanism", "sasl_mechanism OAUTHBEARER without TLS sends the token for all to read; set tls = yes")
	}
}

// exists refuses the path of a missing file. It does not show the path, which may be the password itself,
// written in the place of its file.
func (r *reading) exists(section, key, path string) {
	if path == "" || r.err != nil {
		return
	}
	if about, err := os.Stat(path); err != nil || about.IsDir() {
		r.fail(section, key, "there is no such file", "want the path of a file, from the directory the program starts in")
	}
}

// brokers reads the list of brokers. KAFKA_HOST wins over the file.
func (r *reading) brokers() []string {
	var all []string
	for address := range strings.SplitSeq(r.get("kafka", "brokers", defaultBrokers, "KAFKA_HOST"), ",") {
		broker, ok := hostPort(strings.TrimSpace(address))
		if ok {
			all = append(all, broker)
			continue
		}
		r.failEither("kafka", "brokers", "KAFKA_HOST", wrongAddress("a broker", address), "want host:port, with commas between several")
	}
	return all
}

// wrongAddress describes a wrong address. It does not show one with a user, which may have a password.
func wrongAddress(what, address string) string {
	if strings.Contains(address, "@") {
		return what + " has a user before it"
	}
	return what + " is " + strconv.Quote(address)
}

// hostPort checks an address, and adds Kafka's usual port if it has none. An IPv6 address with a port is
// in brackets.
func hostPort(address string) (string, bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(address, "["), "]"), "9092"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if _, notIP := netip.ParseAddr(host); err != nil || number == 0 || notIP != nil && !hostName.MatchString(host) {
		return "", false
	}
	return net.JoinHostPort(host, port), true
}

// boolean reads the words that configparser's getboolean accepts.
func (r *reading) boolean(section, key string, fallback bool) bool {
	return r.booleanOr(section, key, fallback, "")
}

// booleanOr is boolean with an environment variable that wins over the file.
func (r *reading) booleanOr(section, key string, fallback bool, variable string) bool {
	word := "no"
	if fallback {
		word = "yes"
	}
	switch text := r.get(section, key, word, variable); strings.ToLower(text) {
	case "1", "yes", "true", "on":
		return true
	case "0", "no", "false", "off":
		return false
	default:
		if variable != "" && r.env(variable) != "" {
			r.failVariable(variable, "the value is "+strconv.Quote(text), "want yes or no")
		} else {
			r.refuse(section, key, text, "want yes or no")
		}
		return false
	}
}
