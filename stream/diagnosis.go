package stream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// This file is the one place that says what an error of a Kafka client means for a person: what to change, and
// whether waiting can cure it.

// Explained is an error with what a person can do about it.
type Explained struct {
	Err    error
	Advice string
	// Final says that the error stays until somebody changes the configuration, a file, or the broker's
	// permissions.
	Final bool
}

func (e *Explained) Error() string { return fmt.Sprintf("%v (%s)", e.Err, e.Advice) }
func (e *Explained) Unwrap() error { return e.Err }

// Final says whether an error that was explained stays until somebody changes something.
func Final(err error) bool {
	var explained *Explained
	return errors.As(err, &explained) && explained.Final
}

// diagnosis is a kind of error.
type diagnosis struct {
	name   string           // Kafka's name of the error; ours, in lower case, if Kafka has none
	is     func(error) bool // nil: the error has Kafka's name
	final  bool             // it stays until somebody changes something
	advice func(Names) string
}

// diagnoses are tried in this order. A certificate of the broker that is not accepted, for example, is also a
// failed handshake.
var diagnoses = []diagnosis{
	{"unknown authority", isA[x509.UnknownAuthorityError], true,
		says("[kafka] tls_ca must be a file with the certificate of the authority that signed the broker's; without it the system's authorities count")},
	{"misnamed certificate", isA[x509.HostnameError], true,
		says("[kafka] brokers and the broker's advertised.listeners must use a name or address that the broker's certificate has")},
	{"invalid certificate", isA[x509.CertificateInvalidError], true,
		says("the broker's certificate must be renewed, unless the clock of this machine is wrong; [kafka] tls_ca may have expired, too")},
	{"client certificate refused", refusesCertificate, true,
		says("the broker wants a client certificate that it trusts and that has not expired: [kafka] tls_cert and tls_key")},
	{"tls to a plain listener", func(err error) bool { return errors.Is(err, errPlainListener) || isA[tls.RecordHeaderError](err) }, true,
		says("[kafka] tls is on, and this listener speaks plain text: use the port of a TLS listener in [kafka] brokers, or set tls = no and remove tls_ca, tls_cert and tls_key")},
	{"handshake cut off", func(err error) bool { return isA[*handshakeError](err) && errors.Is(err, io.EOF) }, false,
		says("the broker closed the connection in the TLS handshake: does this port of [kafka] brokers speak TLS?")},
	{"plain text to a tls listener", worded("speaking to a tls endpoint"), true,
		says("this listener speaks TLS: set [kafka] tls = yes, and tls_ca if its authority is a private one, or use another port in [kafka] brokers")},
	{"sasl missing", func(err error) bool { return errors.Is(err, errNoLogin) }, true,
		says("this listener wants a login: set [kafka] sasl_mechanism, or use another port in [kafka] brokers")},
	{"connection closed", func(err error) bool { return isA[*kgo.ErrFirstReadEOF](err) || errors.Is(err, io.EOF) }, false,
		says("the broker closed the connection: look at [kafka] tls and at the password")},
	{"token expired", func(err error) bool { return errors.Is(err, errTokenExpired) }, false,
		says("a newer token must be put into the file [kafka] sasl_token_file, which is read again at each try")},
	{"token refused", func(err error) bool { return errors.Is(err, errTokenRefused) }, true,
		says("[kafka] sasl_token_file must have a token that the broker accepts: look at its issuer, audience and signature")},

	{"SASL_AUTHENTICATION_FAILED", nil, true,
		says("the broker refuses [kafka] sasl_username with the password in sasl_password_file; the file is read again at each try")},
	{"UNSUPPORTED_SASL_MECHANISM", nil, true,
		says("[kafka] sasl_mechanism must be one that this listener has enabled: look at the broker's sasl.enabled.mechanisms")},
	{"ILLEGAL_SASL_STATE", nil, true,
		says("this listener takes no login: remove [kafka] sasl_mechanism, or use the port of a SASL listener in [kafka] brokers")},
	{"GROUP_AUTHORIZATION_FAILED", nil, true, func(n Names) string { return "the user needs the permission Read on the group " + n.Group }},
	{"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", nil, true, func(n Names) string {
		return "the user needs the permissions Write and Describe on transactional ids that begin with " + n.Group +
			".: each node has one, and a second one to search for records that a topic refuses"
	}},
	{"TOPIC_AUTHORIZATION_FAILED", nil, true, func(n Names) string {
		return fmt.Sprintf("the user needs the permissions %s on topic %s, and %s on %s", n.permissions(n.Input), n.Input, n.permissions(n.Output), n.written())
	}},
	{"CLUSTER_AUTHORIZATION_FAILED", nil, true, says("the user needs the permission IdempotentWrite on the cluster")},
	{"INCONSISTENT_GROUP_PROTOCOL", nil, true,
		says("the group has members with another assignment protocol, such as the original program: stop them, or use another consumer_group")},
	{"INVALID_GROUP_ID", nil, true, says("the broker does not accept [io] consumer_group")},
	{"INVALID_SESSION_TIMEOUT", nil, true,
		says("[kafka] session_timeout must lie between the broker's settings " + leastSession + " and " + mostSession + ": change it or them")},
	{"INVALID_TRANSACTION_TIMEOUT", nil, true,
		says("[kafka] transaction_timeout must not exceed the broker's setting " + mostTransaction + ": change one of them")},
	{"GROUP_MAX_SIZE_REACHED", nil, false, says("the group has as many members as the broker's group.max.size allows: stop some, or raise it")},
	{"UNSUPPORTED_VERSION", nil, true, says("the broker is too old for transactions with consumer groups: Kafka 2.5 or newer is needed")},
	{"UNSUPPORTED_FOR_MESSAGE_FORMAT", nil, true, says("the topic keeps an old message format: it must be converted, or made again")},
	{"POLICY_VIOLATION", nil, true, says("the broker's policy refuses it: look at the broker's log, or create the topic by hand")},
	{"NOT_ENOUGH_REPLICAS", nil, false, tooFewReplicas},
	{"NOT_ENOUGH_REPLICAS_AFTER_APPEND", nil, false, tooFewReplicas},
	{"COORDINATOR_NOT_AVAILABLE", nil, false, noCoordinator},
	{"NOT_COORDINATOR", nil, false, noCoordinator},
	{"COORDINATOR_LOAD_IN_PROGRESS", nil, false, noCoordinator},
	{"UNKNOWN_TOPIC_OR_PARTITION", nil, false, noTopic},
	{"UNKNOWN_TOPIC_ID", nil, false, noTopic},
	{"LEADER_NOT_AVAILABLE", nil, false, noLeader},
	{"NOT_LEADER_FOR_PARTITION", nil, false, noLeader},
	{"KAFKA_STORAGE_ERROR", nil, false, noLeader},
}

// diagnose finds the kind of an error; nil: it is of no kind that we know.
func diagnose(err error) *diagnosis {
	var named *kerr.Error
	errors.As(err, &named)
	for i, d := range diagnoses {
		if d.is != nil && d.is(err) || d.is == nil && named != nil && named.Message == d.name {
			return &diagnoses[i]
		}
	}
	return nil
}

func says(text string) func(Names) string { return func(Names) string { return text } }

var (
	tooFewReplicas = func(n Names) string {
		return fmt.Sprintf("fewer replicas are in sync than min.insync.replicas of topic %s: bring brokers back, or lower it", n.written())
	}
	noCoordinator = says("look at the brokers and at the internal topics __consumer_offsets and __transaction_state: do their partitions have leaders?")
	noTopic       = func(n Names) string {
		return fmt.Sprintf("does topic %s still exist, and %s? A topic that was deleted and created again is another topic", n.Input, n.written())
	}
	noLeader = says("a partition has no leader, or its broker's disk fails: look at the brokers")
)

func isA[T error](err error) bool {
	_, is := errors.AsType[T](err)
	return is
}

// worded matches an error for which the client library has no type.
func worded(part string) func(error) bool {
	return func(err error) bool { return strings.Contains(err.Error(), part) }
}

// refusesCertificate says whether the broker has ended a TLS connection because of our certificate.
func refusesCertificate(err error) bool {
	ended, is := errors.AsType[*net.OpError](err)
	return is && ended.Op == "remote error" && strings.Contains(ended.Err.Error(), "certificate")
}

// errPlainListener is in the error of a TLS connection to a listener that answers in plain text.
var errPlainListener = errors.New("the listener answers in plain text")

// errNoLogin is in the error of a connection that the broker closed because we did not log in.
var errNoLogin = errors.New("the listener closes connections that do not log in")
