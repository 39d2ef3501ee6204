package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// notifyBase is base with episodes, and with a [notify] section for tests to fill.
const notifyBase = base + "[episodes]\noutput_topic = e\n[notify]\n"

func TestNotifyTellsNobodyByDefault(t *testing.T) {
	for _, content := range []string{base, notifyBase, notifyBase + "alertmanager =\n"} {
		if config := mustRead(t, content, none); !reflect.DeepEqual(config.Notify, Notify{}) {
			t.Errorf("%+v", config.Notify)
		}
	}
}

func TestNotifySettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	standard := Notify{Alertmanagers: []string{"http://a:9093"}, Kinds: kindsOfEpisodes, ResendInterval: time.Minute, Timeout: 10 * time.Second}
	for name, c := range map[string]struct {
		keys string
		want func(*Notify)
	}{
		"one":        {"alertmanager = http://a:9093/", func(*Notify) {}},
		"two":        {"alertmanager = http://a:9093, https://b/am", func(n *Notify) { n.Alertmanagers = append(n.Alertmanagers, "https://b/am") }},
		"some kinds": {"alertmanager = http://a:9093\nkinds = gap, Absence", func(n *Notify) { n.Kinds = []string{"gap", "absence"} }},
		"times": {"alertmanager = http://a:9093\nresend_interval = 30\ntimeout = 2s",
			func(n *Notify) { n.ResendInterval, n.Timeout = 30*time.Second, 2*time.Second }},
		"links":    {"alertmanager = http://a:9093\nurl = https://page/prefix", func(n *Notify) { n.URL = "https://page/prefix/" }},
		"password": {"alertmanager = http://a:9093\nusername = u\npassword_file = " + file, func(n *Notify) { n.Username, n.PasswordFile = "u", file }},
		"token":    {"alertmanager = http://a:9093\ntoken_file = " + file, func(n *Notify) { n.TokenFile = file }},
		"TLS": {"alertmanager = http://a:9093\ntls_ca = " + file + "\ntls_cert = " + file + "\ntls_key = " + file,
			func(n *Notify) { n.TLSCA, n.TLSCert, n.TLSKey = file, file, file }},
	} {
		want := standard
		want.Alertmanagers, want.Kinds = slices.Clone(standard.Alertmanagers), slices.Clone(standard.Kinds)
		c.want(&want)
		if got := mustRead(t, notifyBase+c.keys+"\n", none).Notify; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// A password in a URL is refused without being shown.
func TestWrongNotifySettingsAreRefused(t *testing.T) {
	const good = "alertmanager = http://a:9093\n"
	for name, c := range map[string]struct{ content, key, says string }{
		"no episodes":         {base + "[notify]\n" + good, "alertmanager", "want [episodes] output_topic, too"},
		"no URL":              {notifyBase + "alertmanager = a:9093", "alertmanager", "want http or https URLs"},
		"a query":             {notifyBase + "alertmanager = http://a?b=c", "alertmanager", "want http or https URLs"},
		"a password":          {notifyBase + "alertmanager = http://u:topsecret@a", "alertmanager", "want username and password_file instead"},
		"a broken password":   {notifyBase + "alertmanager = http://u:%topsecret@a", "alertmanager", "want username and password_file instead"},
		"twice":               {notifyBase + "alertmanager = http://a,http://a/", "alertmanager", "is there twice"},
		"a link that is none": {notifyBase + good + "url = page", "url", "want an http or https URL"},
		"an unknown kind":     {notifyBase + good + "kinds = silence", "kinds", "want deviation, absence and gap"},
		"no time":             {notifyBase + good + "resend_interval = 0", "resend_interval", "want a time from 1s"},
		"no password":         {notifyBase + good + "username = u", "username", "want both username and password_file"},
		"user and token": {notifyBase + good + "username = u\npassword_file = notify.go\ntoken_file = notify.go", "token_file",
			"want username and password_file, or token_file"},
		"no key":       {notifyBase + good + "tls_cert = notify.go", "tls_cert", "want both tls_cert and tls_key"},
		"no such file": {notifyBase + good + "password_file = topsecret", "password_file", "there is no such file"},
	} {
		_, err := read("d.conf", "d.conf", []byte(c.content+"\n"), none)
		wrong, ok := err.(*Error)
		if !ok || wrong.Section != "notify" || wrong.Key != c.key || !strings.Contains(wrong.Error(), c.says) || strings.Contains(wrong.Error(), "topsecret") {
			t.Errorf("%s: %v, want one of %s that says %q", name, err, c.key, c.says)
		}
	}
}

func TestSecretWithoutTLSIsWarnedOf(t *testing.T) {
	for url, want := range map[string]bool{"http://a:9093": true, "http://a": true, "https://a": false, "http://localhost:9093": false, "http://127.0.0.1": false} {
		config := mustRead(t, notifyBase+"alertmanager = "+url+"\ntoken_file = notify.go\n", none)
		warned := slices.ContainsFunc(config.Warnings, func(w Warning) bool { return w.Section == "notify" })
		if warned != want {
			t.Errorf("%s: warned: %t", url, warned)
		}
	}
}
