package configs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// clusterBase is base with a [cluster] section for tests to fill.
const clusterBase = base + "[cluster]\n"

// tlsKeys are the three TLS keys, each with an existing file.
func tlsKeys(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return "tls_ca = " + file + "\ntls_cert = " + file + "\ntls_key = " + file + "\n"
}

func refusedCluster(t *testing.T, keys, key string, env func(string) string) *Error {
	t.Helper()
	_, err := read("d.conf", "d.conf", []byte(clusterBase+keys+"\n"), env)
	var wrong *Error
	if !errors.As(err, &wrong) || wrong.Key != key {
		t.Fatalf("%q is accepted, or refused with %v, want %s refused", keys, err, key)
	}
	return wrong
}

// warnedOf are the keys of [cluster] with a warning.
func warnedOf(config *Config) []string {
	var keys []string
	for _, w := range config.Warnings {
		if w.Section == "cluster" {
			keys = append(keys, w.Key)
		}
	}
	return keys
}

func TestClusterIsOffUnlessItListens(t *testing.T) {
	for _, content := range []string{base, clusterBase, clusterBase + "listen =\n"} {
		config := mustRead(t, content, none)
		if config.Cluster != (Cluster{}) || len(config.Warnings) > 0 {
			t.Errorf("%q gives %+v with %v", content, config.Cluster, config.Warnings)
		}
	}
}

func TestClusterAddressNeedsAHostAndAPort(t *testing.T) {
	insecure := clusterBase + "insecure = yes\n"
	for listen, want := range map[string]Cluster{
		"127.0.0.1:7100":     {Listen: "127.0.0.1:7100", Advertise: "127.0.0.1:7100"},
		"127.1.2.3:1":        {Listen: "127.1.2.3:1", Advertise: "127.1.2.3:1"},
		"[::1]:7100":         {Listen: "[::1]:7100", Advertise: "[::1]:7100"},
		"localhost:65535":    {Listen: "localhost:65535", Advertise: "localhost:65535"},
		"node-1.example:710": {Listen: "node-1.example:710", Advertise: "node-1.example:710"},
	} {
		want.Insecure = true
		if got := mustRead(t, insecure+"listen = "+listen+"\n", none).Cluster; got != want {
			t.Errorf("%q gives %+v, want %+v", listen, got, want)
		}
	}
	for _, address := range []string{"a", "a:", ":7100", "a:0", "a:65536", "a:http", "a b:1", "http://a:1", "a/b:1", "::1", "[::1]", "::1:7100",
		"7100", "*:7100", "a:1,b:2", `"a:1"`} {
		if wrong := refusedCluster(t, "listen = "+address, "listen", none); wrong.Section != "cluster" || !strings.Contains(wrong.Expected, "host:port") {
			t.Errorf("%q is refused with %v", address, wrong)
		}
		refusedCluster(t, "listen = 127.0.0.1:1\nadvertise = "+address, "advertise", none)
		for _, variable := range []string{"DETECTOR_CLUSTER_LISTEN", "DETECTOR_CLUSTER_ADVERTISE"} {
			wrong := refusedCluster(t, "listen = 127.0.0.1:1", variable, of(variable, address))
			if !strings.HasPrefix(wrong.Error(), "environment: "+variable+": ") {
				t.Errorf("%q is refused with %v", address, wrong)
			}
		}
	}
}

func TestListenOnAllAddressesNeedsAdvertise(t *testing.T) {
	insecure := "insecure = yes\n"
	for _, all := range []string{"0.0.0.0:7100", "[::]:7100", "[::ffff:0.0.0.0]:7100"} {
		listen := insecure + "listen = " + all + "\n"
		refusedCluster(t, listen, "advertise", none)
		refusedCluster(t, listen+"advertise = 0.0.0.0:1", "advertise", none)
		refusedCluster(t, listen, "DETECTOR_CLUSTER_ADVERTISE", of("DETECTOR_CLUSTER_ADVERTISE", "[::]:1"))
		config := mustRead(t, clusterBase+listen+"advertise = n1:7101\n", none)
		if config.Cluster.Listen != all || config.Cluster.Advertise != "n1:7101" {
			t.Errorf("%s gives %+v", all, config.Cluster)
		}
	}
}

func TestEnvironmentOverridesTheAddresses(t *testing.T) {
	env := of("DETECTOR_CLUSTER_LISTEN", "127.0.0.1:1", "DETECTOR_CLUSTER_ADVERTISE", "n1:2")
	for _, keys := range []string{"", "listen = 10.0.0.1:3\nadvertise = n2:4\n"} {
		config := mustRead(t, clusterBase+keys, env)
		if config.Cluster.Listen != "127.0.0.1:1" || config.Cluster.Advertise != "n1:2" {
			t.Errorf("%q gives %+v", keys, config.Cluster)
		}
		for _, s := range config.Settings() {
			if s.Section == "cluster" && s.Value != "no" && s.Value != "0" && !strings.HasPrefix(s.Origin, "environment DETECTOR_CLUSTER_") {
				t.Errorf("%s comes from %s", s.Key, s.Origin)
			}
		}
	}
	if config := mustRead(t, base, env); config.Cluster.Advertise != "n1:2" {
		t.Errorf("without a section there is %+v", config.Cluster)
	}
}

func TestPortBeyondLoopbackNeedsTLSOrInsecure(t *testing.T) {
	tls := tlsKeys(t)
	for name, c := range map[string]struct {
		keys   string
		warned []string
	}{
		"loopback":                       {"listen = 127.0.0.1:1\n", nil},
		"IPv6 loopback":                  {"listen = [::1]:1\n", nil},
		"mapped loopback":                {"listen = [::ffff:127.0.0.1]:1\n", nil},
		"localhost":                      {"listen = LocalHost:1\n", nil},
		"loopback with TLS":              {"listen = localhost:1\n" + tls, nil},
		"TLS":                            {"listen = 10.0.0.1:1\n" + tls, nil},
		"TLS, insecure off":              {"listen = n1:1\ninsecure = no\n" + tls, nil},
		"insecure":                       {"listen = 10.0.0.1:1\ninsecure = yes\n", []string{"insecure"}},
		"insecure, loopback":             {"listen = 127.0.0.1:1\ninsecure = yes\n", nil},
		"advertise is dialled by nobody": {"listen = 127.0.0.1:1\nadvertise = n1:1\n", []string{"advertise"}},
		"advertise, insecure":            {"listen = 127.0.0.1:1\nadvertise = n1:1\ninsecure = yes\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if config := mustRead(t, clusterBase+c.keys, none); !slices.Equal(warnedOf(config), c.warned) {
				t.Errorf("warned of %v, want %v", config.Warnings, c.warned)
			}
		})
	}
	for name, c := range map[string]struct{ keys, key, says string }{
		"no TLS":              {"listen = 10.0.0.1:1", "listen", "insecure = yes"},
		"no TLS with a name":  {"listen = localhost.example.org:1", "listen", "insecure = yes"},
		"all, no TLS":         {"listen = 0.0.0.0:1\nadvertise = n1:1", "listen", "loopback"},
		"both":                {"listen = 10.0.0.1:1\ninsecure = yes\n" + tls, "insecure", "one or the other"},
		"both on loopback":    {"listen = 127.0.0.1:1\ninsecure = yes\n" + tls, "insecure", "one or the other"},
		"insecure as a word":  {"listen = 127.0.0.1:1\ninsecure = perhaps", "insecure", "yes or no"},
		"certificate missing": {"listen = 127.0.0.1:1\n" + withoutLine(tls, "tls_cert"), "tls_cert", "all of"},
		"key missing":         {"listen = 127.0.0.1:1\n" + withoutLine(tls, "tls_key"), "tls_key", "all of"},
		"authority missing":   {"listen = 127.0.0.1:1\n" + withoutLine(tls, "tls_ca"), "tls_ca", "all of"},
		"no file":             {"listen = 127.0.0.1:1\n" + withoutLine(tls, "tls_ca") + "tls_ca = nothere.pem", "tls_ca", "no such file"},
		"directory":           {"listen = 127.0.0.1:1\n" + withoutLine(tls, "tls_cert") + "tls_cert = testdata", "tls_cert", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := refusedCluster(t, c.keys, c.key, none)
			if said := wrong.Error(); wrong.Section != "cluster" || !strings.Contains(said, c.says) || !strings.HasPrefix(said, "d.conf: [cluster] ") {
				t.Errorf("refused with %q, want %q in it", said, c.says)
			}
		})
	}
	refusedCluster(t, "", "DETECTOR_CLUSTER_LISTEN", of("DETECTOR_CLUSTER_LISTEN", "10.0.0.1:1"))
}

// withoutLine removes the line of a key.
func withoutLine(keys, key string) string {
	var rest strings.Builder
	for line := range strings.Lines(keys) {
		if !strings.HasPrefix(line, key+" ") {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

func TestStandbysNeedListenAndPersistence(t *testing.T) {
	const listen = "listen = 127.0.0.1:1\n"
	for text, want := range map[string]int{"0": 0, "1": 1, "10": 10} {
		if got := mustRead(t, clusterBase+listen+"standbys = "+text+"\n", none).Cluster.Standbys; got != want {
			t.Errorf("%s is %d", text, got)
		}
	}
	for _, text := range []string{"-1", "11", "1.5", "many", "nan", ""} {
		refusedCluster(t, listen+"standbys = "+text, "standbys", none)
	}
	const off = "\n[persistence]\nenabled = no"
	for keys, says := range map[string]string{
		"standbys = 1":                "listen = host:port",
		listen + "standbys = 1" + off: "enabled = yes",
	} {
		if said := refusedCluster(t, keys, "standbys", none).Error(); !strings.Contains(said, says) {
			t.Errorf("%q is refused with %q, want %q in it", keys, said, says)
		}
	}
	mustRead(t, clusterBase+"standbys = 1\n", of("DETECTOR_CLUSTER_LISTEN", "127.0.0.1:1"))
	mustRead(t, clusterBase+listen+"standbys = 0"+off+"\n", none)
}

func TestClusterKeysWithoutListenAreWarnedOf(t *testing.T) {
	keys := "advertise = n1:1\ntls_ca = nothere.pem\ninsecure = yes\nstandbys = 0\ntls_key =\n"
	config := mustRead(t, clusterBase+"listen =\n"+keys, none)
	if want := []string{"advertise", "tls_ca", "insecure", "standbys"}; !slices.Equal(warnedOf(config), want) {
		t.Errorf("warned of %v, want %v", config.Warnings, want)
	}
	if config.Cluster != (Cluster{}) || slices.ContainsFunc(config.Settings(), func(s Setting) bool { return s.Section == "cluster" }) {
		t.Errorf("in force are %+v, %v", config.Cluster, config.Settings())
	}
	config = mustRead(t, base, of("DETECTOR_CLUSTER_ADVERTISE", "n1:1"))
	if len(config.Warnings) != 1 || !strings.Contains(config.Warnings[0].Text, "DETECTOR_CLUSTER_ADVERTISE") {
		t.Errorf("warned of %v, want the variable", config.Warnings)
	}
}

func TestSecretsOfNodesAreNeverShown(t *testing.T) {
	const listen = "listen = 127.0.0.1:1\n"
	tls := tlsKeys(t)
	for keys, key := range map[string]string{
		"listen = me:hunter2@a:1":                                      "listen",
		listen + "advertise = me:hunter2@a:1":                          "advertise",
		listen + "tls_key = hunter2":                                   "tls_ca",
		listen + withoutLine(tls, "tls_key") + "tls_key = hunter2":     "tls_key",
		listen + withoutLine(tls, "tls_key") + "tls_key = a\n hunter2": "tls_key",
		listen + "tls_password = hunter2":                              "tls_password",
	} {
		if said := refusedCluster(t, keys, key, none).Error(); strings.Contains(said, "hunter2") {
			t.Errorf("%q is refused with %q", keys, said)
		}
	}
	wrong := refusedCluster(t, "", "DETECTOR_CLUSTER_LISTEN", of("DETECTOR_CLUSTER_LISTEN", "me:hunter2@a:1"))
	if strings.Contains(wrong.Error(), "hunter2") {
		t.Errorf("refused with %q", wrong)
	}
}

func TestSettingsShowTheClusterInForce(t *testing.T) {
	config := mustRead(t, clusterBase+"listen = n1:1\nstandbys = 2\ntls_names = n*\n"+tlsKeys(t), none)
	origins := make(map[string]string)
	for _, s := range config.Settings() {
		if s.Section == "cluster" {
			origins[s.Key] = s.Origin
		}
	}
	for _, key := range keysOf("cluster") {
		want := "detector.conf"
		if key == "advertise" || key == "insecure" {
			want = "default"
		}
		if origins[key] != want {
			t.Errorf("%s comes from %q, want %q", key, origins[key], want)
		}
	}
}

// TestBuiltInConfigurationsExplainEachKeyOfCluster, with the defaults, as for [persistence].
func TestBuiltInConfigurationsExplainEachKeyOfCluster(t *testing.T) {
	for _, name := range BuiltIn() {
		text := uncommented(t, name, "cluster")
		if given := mustRead(t, text, none); given.Cluster != (Cluster{}) {
			t.Errorf("%s shows other defaults: %+v", name, given.Cluster)
		}
		for _, word := range []string{"DETECTOR_CLUSTER_LISTEN", "DETECTOR_CLUSTER_ADVERTISE"} {
			if !strings.Contains(text, word) {
				t.Errorf("%s does not tell of %s", name, word)
			}
		}
	}
}

func TestNamesOfNodesAreNamesOrNetworks(t *testing.T) {
	tls := "listen = n1:1\n" + tlsKeys(t)
	for text, want := range map[string]string{
		"":                                  "",
		"node-*.example.org":                "node-*.example.org",
		"n1,n2 ,  10.0.0.1":                 "n1, n2, 10.0.0.1",
		"10.0.0.0/8, fd00::/8, ::1":         "10.0.0.0/8, fd00::/8, ::1",
		"spiffe://example.org/node/*":       "spiffe://example.org/node/*",
		"*":                                 "*",
		"n1,\n  n2":                         "n1, n2",
		"node_1.example.org,Node-2.EXAMPLE": "node_1.example.org, Node-2.EXAMPLE",
	} {
		if got := mustRead(t, clusterBase+tls+"tls_names = "+text+"\n", none).Cluster.TLSNames; got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"n1,", ",", "n 1", "n1:7100", "10.0.0.0/33", "fe80::1%eth0", "n..1", "https:", "://x", "n1;n2", `"n1"`, "a/b", "~n.*"} {
		if wrong := refusedCluster(t, tls+"tls_names = "+text, "tls_names", none); !strings.Contains(wrong.Expected, "commas") {
			t.Errorf("%q is refused with %v", text, wrong)
		}
	}
	if wrong := refusedCluster(t, "listen = 127.0.0.1:1\ntls_names = n1", "tls_names", none); !strings.Contains(wrong.Problem, "without TLS") {
		t.Errorf("names without TLS are refused with %v", wrong)
	}
}
