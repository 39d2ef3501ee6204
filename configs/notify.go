package configs

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Words for values, which the schema and errors share.
const (
	alertmanagerURLs = "http or https URLs, such as http://localhost:9093, with commas between several"
	pageURL          = "an http or https URL, such as https://detector.example.net/"
	episodeKinds     = "deviation, absence and gap, or some of them, with commas between"
)

var (
	resendIntervals = span{time.Second, time.Hour, "want a time from 1s to 1h, such as 1m, or a number of seconds"}
	notifyTimeouts  = span{time.Second, 5 * time.Minute, "want a time from 1s to 5m, such as 10s, or a number of seconds"}
)

// kindsOfEpisodes are those that can be told.
var kindsOfEpisodes = []string{"deviation", "absence", "gap"}

// notify reads [notify], which needs episodes.
func (r *reading) notify(episodes Episodes) Notify {
	const section = "notify"
	n := Notify{
		Kinds:          r.kinds(section, "kinds"),
		ResendInterval: r.seconds(section, "resend_interval", r.optional(section, "resend_interval", "1m"), resendIntervals),
		Timeout:        r.seconds(section, "timeout", r.optional(section, "timeout", "10s"), notifyTimeouts),
		TLSCA:          r.optional(section, "tls_ca", ""),
		TLSCert:        r.optional(section, "tls_cert", ""),
		TLSKey:         r.optional(section, "tls_key", ""),
		Username:       r.optional(section, "username", ""),
		PasswordFile:   r.optional(section, "password_file", ""),
		TokenFile:      r.optional(section, "token_file", ""),
	}
	text := r.optional(section, "alertmanager", "")
	if text != "" {
		for address := range strings.SplitSeq(text, ",") {
			n.Alertmanagers = append(n.Alertmanagers, r.url(section, "alertmanager", address, alertmanagerURLs))
		}
	}
	for i, address := range n.Alertmanagers {
		if slices.Contains(n.Alertmanagers[:i], address) {
			r.fail(section, "alertmanager", address+" is there twice", "want each Alertmanager once")
		}
	}
	if text := r.optional(section, "url", ""); text != "" {
		n.URL = r.url(section, "url", text, pageURL) + "/"
	}
	for _, file := range []struct{ key, path string }{{"tls_ca", n.TLSCA}, {"tls_cert", n.TLSCert}, {"tls_key", n.TLSKey},
		{"password_file", n.PasswordFile}, {"token_file", n.TokenFile}} {
		r.exists(section, file.key, file.path)
	}
	switch {
	case (n.TLSCert == "") != (n.TLSKey == ""):
		r.fail(section, "tls_cert", "a certificate and its key belong together", "want both tls_cert and tls_key, or none")
	case (n.Username == "") != (n.PasswordFile == ""):
		r.fail(section, "username", "a user and a password belong together", "want both username and password_file, or none")
	case n.Username != "" && n.TokenFile != "":
		r.fail(section, "token_file", "a token takes the place of a user", "want username and password_file, or token_file")
	}
	if len(n.Alertmanagers) == 0 {
		for _, key := range r.doc.own[section] {
			if r.doc.sections[section][key] != "" {
				r.warn(section, key, "["+section+"] "+key+" has no effect without alertmanager")
			}
		}
		r.settings = slices.DeleteFunc(r.settings, func(s Setting) bool { return s.Section == section })
		return Notify{}
	}
	if episodes.OutputTopic == "" {
		r.fail(section, "alertmanager", "there are no episodes to tell", "want [episodes] output_topic, too")
	}
	r.plainSecrets(n)
	return n
}

// plainSecrets warns of passwords and tokens that go without TLS to another machine.
func (r *reading) plainSecrets(n Notify) {
	if n.Username == "" && n.TokenFile == "" {
		return
	}
	for _, address := range n.Alertmanagers {
		if at, err := url.Parse(address); err == nil && at.Scheme == "http" && !loopback(withDefaultPort(at.Host)) {
			r.warn("notify", "alertmanager", "the password or the token goes to "+at.Host+" without TLS, for all to read; use https")
		}
	}
}

func withDefaultPort(host string) string {
	if at, ok := withPort(host); ok {
		return at
	}
	return host + ":80"
}

// url reads an http or https URL without a user, query or fragment, and returns it without a slash at its end.
func (r *reading) url(section, key, text, expected string) string {
	text = strings.TrimSpace(text)
	at, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"): // it is not shown, because it may have a password
		r.fail(section, key, "a URL has a user before its host", "want username and password_file instead")
	case err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Hostname() == "" || at.RawQuery != "" || at.Fragment != "":
		r.refuse(section, key, text, "want "+expected)
	default:
		return strings.TrimRight(at.Scheme+"://"+at.Host+at.EscapedPath(), "/")
	}
	return ""
}

func (r *reading) kinds(section, key string) (kinds []string) {
	for kind := range strings.SplitSeq(r.optional(section, key, strings.Join(kindsOfEpisodes, ",")), ",") {
		kind = strings.ToLower(strings.TrimSpace(kind))
		if !slices.Contains(kindsOfEpisodes, kind) {
			r.refuse(section, key, kind, "want "+episodeKinds)
		}
		kinds = append(kinds, kind)
	}
	return kinds
}
