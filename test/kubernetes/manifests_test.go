// Package kubernetes checks the manifests in ops/kubernetes, without a cluster: kustomize builds them, and
// each must fit the types of the API, so that a misspelt field fails.
package kubernetes

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const folder = "../../ops/kubernetes"

// types are those of the objects that may be in a manifest.
var types = map[string]reflect.Type{
	"v1 Namespace":                            reflect.TypeFor[core.Namespace](),
	"v1 ConfigMap":                            reflect.TypeFor[core.ConfigMap](),
	"v1 Secret":                               reflect.TypeFor[core.Secret](),
	"v1 Service":                              reflect.TypeFor[core.Service](),
	"apps/v1 StatefulSet":                     reflect.TypeFor[apps.StatefulSet](),
	"policy/v1 PodDisruptionBudget":           reflect.TypeFor[policy.PodDisruptionBudget](),
	"networking.k8s.io/v1 NetworkPolicy":      reflect.TypeFor[networking.NetworkPolicy](),
	"monitoring.coreos.com/v1 ServiceMonitor": reflect.TypeFor[monitoring.ServiceMonitor](),
	"monitoring.coreos.com/v1 PrometheusRule": reflect.TypeFor[monitoring.PrometheusRule](),
	"cert-manager.io/v1 Issuer":               reflect.TypeFor[certmanager.Issuer](),
	"cert-manager.io/v1 Certificate":          reflect.TypeFor[certmanager.Certificate](),
}

// objects are those of a manifest, by "Kind name".
type objects map[string]any

// decode reads an object strictly: it may have no field that its type does not have.
func decode(text []byte) (key string, object any, err error) {
	var head struct {
		APIVersion, Kind string
		Metadata         struct{ Name string }
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return "", nil, err
	}
	key = head.Kind + " " + head.Metadata.Name
	kind, known := types[head.APIVersion+" "+head.Kind]
	if !known {
		return key, nil, &unknownKind{head.APIVersion + " " + head.Kind}
	}
	object = reflect.New(kind).Interface()
	// The API knows fields by their exact case. Package yaml does not.
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return key, nil, err
	}
	unknown, err := json.UnmarshalStrict(asJSON, object)
	return key, object, errors.Join(append(unknown, err)...)
}

type unknownKind struct{ kind string }

func (u *unknownKind) Error() string { return "unknown kind " + u.kind }

// build runs kustomize, as kubectl apply -k does.
func build(t *testing.T, name string) objects {
	t.Helper()
	return buildAt(t, filepath.Join(folder, name))
}

func buildAt(t *testing.T, path string) objects {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		t.Fatalf("kustomize %s: %v", path, err)
	}
	all := make(objects)
	for _, resource := range resources.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		key, object, err := decode(text)
		if err != nil {
			t.Fatalf("%s: %s: %v", path, key, err)
		}
		all[key] = object
	}
	return all
}

func of[T any](t *testing.T, all objects, key string) T {
	t.Helper()
	object, ok := all[key].(T)
	if !ok {
		t.Fatalf("there is no %s", key)
	}
	return object
}

func TestManifestsFitTheAPI(t *testing.T) {
	for _, name := range []string{"base", "cluster"} {
		if all := build(t, name); len(all) < 6 {
			t.Errorf("%s has only %d objects", name, len(all))
		}
	}
	secret, err := os.ReadFile(folder + "/examples/kafka-secret.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := decode(secret); err != nil {
		t.Error(err)
	}
}

// TestMisspeltFieldIsFound: the check above can fail, in each type.
func TestMisspeltFieldIsFound(t *testing.T) {
	for name, text := range map[string]string{
		"StatefulSet":    "apiVersion: apps/v1\nkind: StatefulSet\nspec:\n  template:\n    spec:\n      terminationGracePeriodSecond: 30",
		"Service":        "apiVersion: v1\nkind: Service\nspec:\n  clusterIp: None",
		"NetworkPolicy":  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec:\n  podSelectors: {}",
		"ServiceMonitor": "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nspec:\n  endpoint: []",
		"PrometheusRule": "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups:\n  - name: a\n    rules:\n    - alrt: b",
		"Certificate":    "apiVersion: cert-manager.io/v1\nkind: Certificate\nspec:\n  dnsName: []",
		"unknown kind":   "apiVersion: apps/v1beta1\nkind: StatefulSet",
	} {
		if _, _, err := decode([]byte(text)); err == nil {
			t.Errorf("%s: a misspelt field is not found", name)
		}
	}
}

// TestRulesEqualThoseOfPrometheus: monitoring/rules.yaml is made from ops/alerts.yml. UPDATE=1 makes it again.
func TestRulesEqualThoseOfPrometheus(t *testing.T) {
	rules, err := os.ReadFile("../../ops/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(rules, []byte("\ngroups:"))
	want := "# Made from ops/alerts.yml: make test-kubernetes UPDATE=1\n" +
		"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: anomalydetector\n  namespace: anomalydetector\n" +
		"  labels:\n    app.kubernetes.io/name: anomalydetector\nspec:\n" + indented(string(rules[at+1:]))
	file := folder + "/monitoring/rules.yaml"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("monitoring/rules.yaml differs from ops/alerts.yml: run make test-kubernetes UPDATE=1")
	}
	var plain struct {
		Groups []monitoring.RuleGroup `json:"groups"`
	}
	if err := yaml.Unmarshal(rules, &plain); err != nil {
		t.Fatal(err)
	}
	rule := of[*monitoring.PrometheusRule](t, build(t, "cluster"), "PrometheusRule anomalydetector")
	if len(plain.Groups) == 0 || !reflect.DeepEqual(plain.Groups, rule.Spec.Groups) {
		t.Error("the rules of the cluster are not those of ops/alerts.yml")
	}
}

func indented(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			lines[i] = "  " + line
		}
	}
	return strings.Join(lines, "")
}
