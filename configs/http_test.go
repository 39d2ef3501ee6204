package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const httpBase = base + "[http]\n"

func warnedOfHTTP(config *Config) (texts []string) {
	for _, w := range config.Warnings {
		if w.Section == "http" {
			texts = append(texts, w.Text)
		}
	}
	return texts
}

func TestHTTPIsOnLoopbackByDefault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content string
		env     func(string) string
		want    HTTP
		warned  bool
	}{
		"no section":        {base, none, HTTP{Listen: DefaultHTTP, Default: true}, false},
		"an empty section":  {httpBase, none, HTTP{Listen: DefaultHTTP, Default: true}, false},
		"the same, said":    {httpBase + "listen = " + DefaultHTTP, none, HTTP{Listen: DefaultHTTP, Given: true}, false},
		"off":               {httpBase + "listen = OFF", none, HTTP{Given: true}, false},
		"off and health":    {httpBase + "listen = off\nhealth_listen = 10.0.0.1:1", none, HTTP{HealthListen: "10.0.0.1:1", Given: true}, false},
		"only health":       {httpBase + "health_listen = 127.0.0.1:1", none, HTTP{Listen: DefaultHTTP, Default: true, HealthListen: "127.0.0.1:1", Given: true}, false},
		"off by variable":   {httpBase + "listen = 127.0.0.1:1", of("DETECTOR_HTTP", "off"), HTTP{Given: true}, false},
		"by variable":       {base, of("DETECTOR_HTTP", "[::1]:1"), HTTP{Listen: "[::1]:1", Given: true}, false},
		"an empty variable": {base, of("DETECTOR_HTTP", ""), HTTP{Listen: DefaultHTTP, Default: true}, false},
		"insecure":          {httpBase + "listen = 10.0.0.1:1\ninsecure = yes", none, HTTP{Listen: "10.0.0.1:1", Insecure: true, Given: true}, true},
		"as in the image": {base, of("DETECTOR_HTTP", "0.0.0.0:8080", "DETECTOR_HTTP_INSECURE", "yes"),
			HTTP{Listen: "0.0.0.0:8080", Insecure: true, Given: true}, true},
		"the image with a file": {httpBase + "web_config_file = " + file, of("DETECTOR_HTTP", "0.0.0.0:8080", "DETECTOR_HTTP_INSECURE", "yes"),
			HTTP{Listen: "0.0.0.0:8080", WebConfigFile: file, Given: true}, false},
		"the image with health in the file": {httpBase + "health_listen = 0.0.0.0:8081", of("DETECTOR_HEALTH", "127.0.0.1:8079"),
			HTTP{Listen: DefaultHTTP, Default: true, HealthListen: "0.0.0.0:8081", Health: "127.0.0.1:8079", Given: true}, false},
		"no health": {base, of("DETECTOR_HEALTH", "off"), HTTP{Listen: DefaultHTTP, Default: true}, false},
		"a file":    {httpBase + "listen = 0.0.0.0:1\nweb_config_file = " + file, none, HTTP{Listen: "0.0.0.0:1", WebConfigFile: file, Given: true}, false},
	} {
		config := mustRead(t, c.content+"\n", c.env)
		if config.HTTP != c.want {
			t.Errorf("%s: %+v, want %+v", name, config.HTTP, c.want)
		}
		if warned := warnedOfHTTP(config); (len(warned) > 0) != c.warned {
			t.Errorf("%s: warned of %v", name, warned)
		}
	}
}

func TestWrongHTTPSettingsAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		keys string
		env  func(string) string
		key  string
		says string
	}{
		"nothing protects it":        {"listen = 0.0.0.0:1", none, "listen", "is not on loopback, and nothing protects it"},
		"nor by a variable":          {"", of("DETECTOR_HTTP", "10.0.0.1:1"), "DETECTOR_HTTP", "is not on loopback, and nothing protects it"},
		"no port":                    {"listen = 127.0.0.1", none, "listen", "want host:port"},
		"no host":                    {"listen = :8080", none, "listen", "want host:port"},
		"a name for a port":          {"listen = 127.0.0.1:http", none, "listen", "want host:port"},
		"no address in a variable":   {"", of("DETECTOR_HTTP", "8080"), "DETECTOR_HTTP", "want host:port"},
		"a file and insecure":        {"web_config_file = " + file + "\ninsecure = yes", none, "insecure", "one or the other"},
		"no such file":               {"web_config_file = " + file + ".no", none, "web_config_file", "no such file"},
		"maybe":                      {"insecure = maybe", none, "insecure", "want yes or no"},
		"maybe, by a variable":       {"", of("DETECTOR_HTTP_INSECURE", "maybe"), "DETECTOR_HTTP_INSECURE", "want yes or no"},
		"health at the same address": {"health_listen = " + DefaultHTTP, none, "health_listen", "address of listen, too"},
		"health at no address":       {"health_listen = 1", none, "health_listen", "want host:port"},
		"the same, by a variable":    {"", of("DETECTOR_HEALTH", DefaultHTTP), "DETECTOR_HEALTH", "an address of [http], too"},
		"twice the same health":      {"health_listen = 127.0.0.1:1", of("DETECTOR_HEALTH", "127.0.0.1:1"), "DETECTOR_HEALTH", "an address of [http], too"},
		"no health in a variable":    {"", of("DETECTOR_HEALTH", "1"), "DETECTOR_HEALTH", "want host:port"},
		"an empty listen":            {"listen =", none, "listen", "the value is empty"},
		"a key that there is not":    {"adress = 127.0.0.1:1", none, "adress", "unknown key"},
	} {
		_, err := read("d.conf", "d.conf", []byte(httpBase+c.keys+"\n"), c.env)
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Key != c.key || !strings.Contains(wrong.Error(), c.says) {
			t.Errorf("%s: %v, want %s refused: %s", name, err, c.key, c.says)
		}
	}
}

func TestEnvironmentAloneGivesTheHTTPAddress(t *testing.T) {
	if h, err := HTTPFromEnvironment(none); err != nil || h.Listen != DefaultHTTP || !h.Default {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err := HTTPFromEnvironment(of("DETECTOR_HTTP", "0.0.0.0:8080", "DETECTOR_HTTP_INSECURE", "yes")); err != nil || h.Listen != "0.0.0.0:8080" {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := HTTPFromEnvironment(of("DETECTOR_HTTP", "nonsense")); err == nil {
		t.Error("nonsense is accepted")
	}
}
