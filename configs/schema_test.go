package configs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// withCluster is base with the one key without which [cluster] has no effect.
const withCluster = base + "[cluster]\nlisten = 127.0.0.1:7100\n"

// withEpisodes is base with the one key without which [episodes] has no effect.
const withEpisodes = base + "[episodes]\noutput_topic = life\n"

// lacking is base without a key.
func lacking(section, key string) string {
	line := regexp.MustCompile(`(?m)(^\[` + section + `\]\n(?:[^\[].*\n)*?)` + key + ` =.*\n`)
	return line.ReplaceAllString(base, "$1")
}

func TestDefaultsOfTheSchemaAreThoseOfLoading(t *testing.T) {
	content := withCluster + strings.TrimPrefix(withEpisodes, base) + "[notify]\nalertmanager = http://localhost:9093\n"
	for _, line := range []string{"dev_metric = mean\n", "history_min_ratio = 0.6\n", "[job]\nduration = 0\n"} {
		content = strings.Replace(content, line, "", 1)
	}
	loaded := make(map[string]string)
	for _, s := range mustRead(t, content, none).Settings() {
		if s.Origin == "default" {
			loaded[s.Section+" "+s.Key] = s.Value
		}
	}
	if loaded["cluster advertise"] != "127.0.0.1:7100" {
		t.Errorf("without advertise it is %q, want listen", loaded["cluster advertise"])
	}
	delete(loaded, "cluster advertise")
	for _, section := range known {
		for _, key := range section.keys {
			name := section.name + " " + key.name
			if got := loaded[name]; got != key.standard {
				t.Errorf("loading takes %q for [%s] %s, the schema says %q", got, section.name, key.name, key.standard)
			}
			if key.required && key.standard != "" || !key.required && key.standard == "" && key.without == "" {
				t.Errorf("[%s] %s has %+v: want a default, or what an empty value means, or that the key must be there", section.name, key.name, key)
			}
			delete(loaded, name)
		}
	}
	delete(loaded, "log level")
	delete(loaded, "log format")
	if len(loaded) > 0 {
		t.Errorf("loading has defaults that the schema lacks: %v", loaded)
	}
}

// TestRequiredKeysAreThoseWithoutWhichLoadingFails, and no others.
func TestRequiredKeysAreThoseWithoutWhichLoadingFails(t *testing.T) {
	for _, section := range known {
		for _, key := range section.keys {
			_, err := read("d.conf", "d.conf", []byte(lacking(section.name, key.name)), none)
			if (err != nil) != key.required {
				t.Errorf("without [%s] %s: %v; the schema says required: %v", section.name, key.name, err, key.required)
			}
		}
	}
}

func TestErrorMessagesNameTheValuesOfTheSchema(t *testing.T) {
	for _, section := range known {
		for _, key := range section.keys {
			if key.values == "" {
				continue
			}
			if message := refused(section.name, key.name); !strings.Contains(message, key.values) {
				t.Errorf("[%s] %s: a bad value is answered with %q, the schema says %q", section.name, key.name, message, key.values)
			}
		}
	}
}

// refused is the error for a value that is wrong for most keys.
func refused(section, key string) string {
	for _, value := range []string{"\x01,-1", "-1", ""} {
		line := regexp.MustCompile(`(?m)^` + key + ` =.*\n`)
		content := lacking(section, key)
		if value == "" && section == "io" { // such a name can be anything but empty
			content = strings.Replace(base, line.FindString(base), key+" =\n", 1)
		} else if line := key + " = " + value + "\n"; strings.Contains(content, header(section)) {
			content = strings.Replace(content, header(section), header(section)+line, 1)
		} else {
			content += header(section) + line
		}
		content = strings.Replace(content, header(section), header(section)+beside(section, key), 1)
		_, err := read("d.conf", "d.conf", []byte(content), none)
		if bad, ok := err.(*Error); ok && bad.Section == section && bad.Key == key && (value == "" || !strings.Contains(bad.Expected, "in one line")) {
			return bad.Error()
		}
	}
	return ""
}

func header(section string) string { return "[" + section + "]\n" }

// beside are the lines without which loading refuses a key whatever its value.
func beside(section, key string) string {
	lines := ""
	if strings.HasPrefix(key, "tls_") {
		for _, file := range []string{"tls_ca", "tls_cert", "tls_key"} {
			if file != key {
				lines += file + " = schema_test.go\n"
			}
		}
	}
	if section == "cluster" && key != "listen" {
		lines += "listen = 127.0.0.1:7100\n"
	}
	if key == "sasl_password_file" {
		lines += "sasl_mechanism = PLAIN\nsasl_username = me\n"
	}
	if key == "sasl_token_file" {
		lines += "sasl_mechanism = OAUTHBEARER\n"
	}
	return lines
}

// TestVariablesAreListedOnce in docs/configuration.md.
func TestVariablesAreListedOnce(t *testing.T) {
	listed := make(map[string]bool)
	list := func(name string) {
		if name != "" && listed[name] {
			t.Errorf("%s is listed twice", name)
		}
		listed[name] = true
	}
	for _, section := range slices.Concat(known, logging) {
		for _, key := range section.keys {
			list(key.variable)
		}
	}
	for _, v := range variables {
		list(v.name)
	}
}

func TestVariablesOfTheSchemaOverrideTheirKeys(t *testing.T) {
	for name, value := range map[string]string{
		"KAFKA_HOST": "b:1", "DETECTOR_DATA_DIR": "elsewhere", "DETECTOR_CLUSTER_LISTEN": "127.0.0.1:7", "DETECTOR_CLUSTER_ADVERTISE": "127.0.0.1:8",
		"DETECTOR_HTTP": "127.0.0.1:9", "DETECTOR_HTTP_INSECURE": "yes", "LOG_LEVEL": "error",
	} {
		section, key := overridden(name)
		if section == "logger_root" {
			section = "log"
		}
		if !slices.ContainsFunc(mustRead(t, withCluster, of(name, value)).Settings(), func(s Setting) bool {
			return s.Section == section && s.Key == key && s.Origin == "environment "+name
		}) {
			t.Errorf("%s does not override [%s] %s", name, section, key)
		}
	}
}

// overridden returns the key that an environment variable overrides, by the schema.
func overridden(variable string) (section, key string) {
	for _, s := range slices.Concat(known, logging) {
		for _, k := range s.keys {
			if k.variable == variable {
				return s.name, k.name
			}
		}
	}
	return "", ""
}

// TestSchemaHasEveryVariableThatTheProgramReads finds them in the source.
func TestSchemaHasEveryVariableThatTheProgramReads(t *testing.T) {
	listed := make(map[string]bool)
	for _, v := range variables {
		if _, twice := listed[v.name]; twice {
			t.Errorf("the schema lists %s twice", v.name)
		}
		listed[v.name] = v.name == "GOMEMLIMIT" // Go's runtime reads it by itself
	}
	for _, s := range slices.Concat(known, logging) {
		for _, k := range s.keys {
			if k.variable != "" {
				listed[k.variable] = false
			}
		}
	}
	listed["GOMEMLIMIT"], listed["GOGC"] = true, true // the runtime reads them
	read := regexp.MustCompile(`(?:[eE]nv|Getenv)\("(\w+)"\)|"((?:DETECTOR|KUBERNETES|LOG)_[A-Z_]+|KAFKA_HOST)"|"(container)"`)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains([]string{"test", "bench", "testdata"}, entry.Name()) || strings.HasPrefix(entry.Name(), ".") && path != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "keys.go":
			return nil
		}
		content, err := os.ReadFile(path)
		for _, found := range read.FindAllStringSubmatch(string(content), -1) {
			name := found[1] + found[2] + found[3]
			if _, there := listed[name]; !there {
				t.Errorf("%s reads %s, which the schema does not list", path, name)
			}
			listed[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, seen := range listed {
		if !seen {
			t.Errorf("the schema lists %s, which the program does not read", name)
		}
	}
}
