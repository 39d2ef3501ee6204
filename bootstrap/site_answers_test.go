package bootstrap

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"anomalydetector/messages"
)

// TestSingleDaemonAnswersQuestions: the commands status and entity need no [cluster] section, at any
// [http] listen.
func TestSingleDaemonAnswersQuestions(t *testing.T) {
	const name = "hegemony_mean"
	b := newBroker(t, name)
	for place, set := range map[string]string{"an address": freeAddress(t), "the default": ""} {
		t.Run(place, func(t *testing.T) {
			dir := t.TempDir()
			conf := b.conf(t, dir, name, "")
			env := map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_HTTP": set}
			o := newOutside(t, env)
			exit := o.run(conf)
			b.untilRead(t, name)
			address := strings.Trim(strings.TrimPrefix(o.url(t), "http:"), "/")
			asks := func(into any, arguments ...string) (code int, text string) {
				asked := newOutside(t, map[string]string{"DETECTOR_HTTP": set})
				code = exits(t, asked.run(arguments...), asked)
				if into != nil {
					_ = json.Unmarshal([]byte(asked.output.String()), into)
				}
				return code, asked.output.String()
			}
			var status messages.ClusterStatus
			until(t, "all partitions are live", func() bool {
				status = messages.ClusterStatus{}
				asks(&status, "status", conf, "--json")
				return roles(status, messages.RoleAssigned, messages.Ready) == int(b.cases[name].Partitions)
			})
			if len(status.Nodes) != 1 || status.Partial || status.Nodes[0].Address != address || status.Nodes[0].Node == "" || status.Nodes[0].Detectors[0].Detector != name {
				t.Errorf("the status is %+v", status)
			}
			if code, text := asks(nil, "status", conf); code != exitClean || !strings.Contains(text, address) || !strings.Contains(text, name) {
				t.Errorf("status exits with %d and prints\n%s", code, text)
			}
			key := b.anyEntity(t, name)
			var entity messages.EntityAnswer
			code, text := asks(&entity, "entity", conf, key, "--window", "--json")
			if code != exitClean || len(entity.Found) != 1 || entity.Partial || len(entity.Found[0].Window) != entity.Found[0].Points || entity.Found[0].Median == nil {
				t.Errorf("entity exits with %d and prints\n%s", code, text)
			}
			if _, text := asks(nil, "entity", conf, "no such entity"); !strings.Contains(text, "nothing is known of entity no such entity") {
				t.Errorf("of an entity that does not exist it prints\n%s", text)
			}
			for query, want := range map[string]int{
				"detector=" + name: http.StatusBadRequest, "detector=other&key=a": http.StatusNotFound, "key=a&timeout=1h&detector=" + name: http.StatusBadRequest,
				"detector=" + name + "&key=" + url.QueryEscape(key): http.StatusOK,
			} {
				if status, body := fetch("http://" + address + "/v1/entity?" + query); status != want {
					t.Errorf("%s is answered with %d: %s", query, status, body)
				}
			}
			o.stop(t, exit)
			if code, text := asks(nil, "status", conf); code != exitFailure || !strings.Contains(text, "ask the detector at 127.0.0.1:") {
				t.Errorf("without a process status exits with %d and prints\n%s", code, text)
			}
		})
	}
}

// TestNodeOfAClusterAnswersForAllOverHTTP, at its [http] listen too.
func TestNodeOfAClusterAnswersForAllOverHTTP(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	web := freeAddress(t)
	first := b.member(t, name, "")
	dir := t.TempDir()
	conf := b.conf(t, dir, name, "\n[cluster]\nlisten = "+freeAddress(t)+"\n[http]\nlisten = "+web+"\n")
	second := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_HTTP": ""})
	exit := second.run(conf)
	until(t, "the second one tells of both", func() bool {
		_, body := fetch("http://" + web + "/v1/cluster")
		var status messages.ClusterStatus
		return json.Unmarshal([]byte(body), &status) == nil && len(status.Nodes) == 2 && !status.Partial
	})
	until(t, "it counts both, and no partition without an owner", func() bool {
		_, metrics := fetch("http://" + web + "/metrics")
		return sample(metrics, `anomalydetector_nodes{detector="`+name+`"}`) == 2 && sample(metrics, `anomalydetector_unowned_partitions{detector="`+name+`"}`) == 0
	})
	second.stop(t, exit)
	first.stop(t)
}

func TestProcessThatShowsNothingCannotBeAsked(t *testing.T) {
	for _, command := range [][]string{{"status", "hegemonydetector.conf"}, {"entity", "hegemonydetector.conf", "1"}, {"health", "hegemonydetector.conf"}} {
		o := newOutside(t, map[string]string{"DETECTOR_HTTP": "off"})
		if code := exits(t, o.run(command...), o); code != exitUsage || !strings.Contains(o.output.String(), "want [http] listen") {
			t.Errorf("%v exits with %d and prints %q", command, code, o.output)
		}
	}
}
