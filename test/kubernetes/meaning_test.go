package kubernetes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
)

const name = "anomalydetector"

// TestPodsAreRestricted, as the namespace's pod security standard demands.
func TestPodsAreRestricted(t *testing.T) {
	for _, overlay := range []string{"base", "cluster"} {
		all := build(t, overlay)
		if got := of[*core.Namespace](t, all, "Namespace "+name).Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
			t.Errorf("%s: the namespace enforces %q", overlay, got)
		}
		pod := of[*apps.StatefulSet](t, all, "StatefulSet "+name).Spec.Template.Spec
		container := pod.Containers[0]
		security := container.SecurityContext
		switch {
		case !*pod.SecurityContext.RunAsNonRoot || *pod.SecurityContext.RunAsUser != 65532 || *pod.SecurityContext.FSGroup != 65532:
			t.Errorf("%s: the user is not the image's", overlay)
		case pod.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault:
			t.Errorf("%s: no seccomp profile", overlay)
		case *security.AllowPrivilegeEscalation || !*security.ReadOnlyRootFilesystem || !slices.Equal(security.Capabilities.Drop, []core.Capability{"ALL"}):
			t.Errorf("%s: the container may do too much", overlay)
		case *pod.AutomountServiceAccountToken:
			t.Errorf("%s: the pod has a token for the API", overlay)
		}
		if *pod.TerminationGracePeriodSeconds < 30 {
			t.Errorf("%s: a pod is killed after %d s, but a stop takes 25 s", overlay, *pod.TerminationGracePeriodSeconds)
		}
	}
}

// TestProbesAskTheHealthPort, with the path that each needs.
func TestProbesAskTheHealthPort(t *testing.T) {
	container := of[*apps.StatefulSet](t, build(t, "base"), "StatefulSet "+name).Spec.Template.Spec.Containers[0]
	for path, probe := range map[string]*core.Probe{"/healthz": container.LivenessProbe, "/readyz": container.ReadinessProbe} {
		if probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "health" {
			t.Errorf("a probe asks %s at %s, want %s", probe.HTTPGet.Path, probe.HTTPGet.Port.String(), path)
		}
	}
	if container.StartupProbe.HTTPGet.Path != "/healthz" {
		t.Error("the startup probe does not ask /healthz")
	}
	if !slices.ContainsFunc(container.Ports, func(p core.ContainerPort) bool { return p.Name == "health" && p.ContainerPort == 8081 }) {
		t.Error("there is no port health")
	}
	if conf := confOf(t, "base"); !strings.Contains(conf, "health_listen = 0.0.0.0:8081") {
		t.Error("the configuration does not serve health at 8081")
	}
}

// TestSelectorsFindThePods: services, the disruption budget, the network policy and the service monitor.
func TestSelectorsFindThePods(t *testing.T) {
	all := build(t, "cluster")
	set := of[*apps.StatefulSet](t, all, "StatefulSet "+name)
	labels := set.Spec.Template.Labels
	page := of[*core.Service](t, all, "Service "+name)
	budget := of[*policy.PodDisruptionBudget](t, all, "PodDisruptionBudget "+name)
	network := of[*networking.NetworkPolicy](t, all, "NetworkPolicy "+name)
	for what, selector := range map[string]map[string]string{
		"set": set.Spec.Selector.MatchLabels, "page": page.Spec.Selector, "nodes": of[*core.Service](t, all, "Service "+set.Spec.ServiceName).Spec.Selector,
		"disruption budget": budget.Spec.Selector.MatchLabels, "network policy": network.Spec.PodSelector.MatchLabels,
	} {
		if len(selector) == 0 || !within(selector, labels) {
			t.Errorf("%s: the selector %v does not choose the pods %v, and no others", what, selector, labels)
		}
	}
	if of[*core.Service](t, all, "Service "+set.Spec.ServiceName).Spec.ClusterIP != core.ClusterIPNone {
		t.Error("the service of the nodes is not headless")
	}
	monitor := of[*monitoring.ServiceMonitor](t, all, "ServiceMonitor "+name)
	if !within(monitor.Spec.Selector.MatchLabels, page.Labels) || page.Labels[monitor.Spec.JobLabel] != name || monitor.Spec.Endpoints[0].Port != page.Spec.Ports[0].Name {
		t.Errorf("the service monitor does not find the page as job %s", name)
	}
	if *set.Spec.Replicas != 3 || budget.Spec.MaxUnavailable.IntValue() != 1 {
		t.Error("the cluster has not three nodes of which one may leave")
	}
}

func within(some, all map[string]string) bool {
	for key, value := range some {
		if all[key] != value {
			return false
		}
	}
	return true
}

// environment is that of a pod. Like the kubelet, it expands a name only behind the variable itself.
func environment(set *apps.StatefulSet, pod string) map[string]string {
	all := map[string]string{}
	for _, variable := range set.Spec.Template.Spec.Containers[0].Env {
		value := variable.Value
		if variable.ValueFrom != nil && variable.ValueFrom.FieldRef != nil && variable.ValueFrom.FieldRef.FieldPath == "metadata.name" {
			value = pod
		}
		for name, earlier := range all {
			value = strings.ReplaceAll(value, "$("+name+")", earlier)
		}
		all[variable.Name] = value
	}
	return all
}

// TestCertificateNamesEachNode, as the node advertises itself.
func TestCertificateNamesEachNode(t *testing.T) {
	all := build(t, "cluster")
	set := of[*apps.StatefulSet](t, all, "StatefulSet "+name)
	certificate := of[*certmanager.Certificate](t, all, "Certificate anomalydetector-nodes")
	for i := range *set.Spec.Replicas {
		address := environment(set, fmt.Sprintf("%s-%d", name, i))["DETECTOR_CLUSTER_ADVERTISE"]
		host, port, _ := strings.Cut(address, ":")
		if !slices.Contains(certificate.Spec.DNSNames, host) || port != "7100" || !strings.HasSuffix(host, "."+set.Spec.ServiceName) {
			t.Errorf("the certificate has no name for %s: %v", address, certificate.Spec.DNSNames)
		}
	}
	for _, usage := range []certmanager.KeyUsage{certmanager.UsageServerAuth, certmanager.UsageClientAuth} {
		if !slices.Contains(certificate.Spec.Usages, usage) {
			t.Errorf("the certificate is not for %s", usage)
		}
	}
	volumes := set.Spec.Template.Spec.Volumes
	if !slices.ContainsFunc(volumes, func(v core.Volume) bool { return v.Secret != nil && v.Secret.SecretName == certificate.Spec.SecretName }) {
		t.Error("the certificate's secret is not mounted")
	}
}

// confOf is the configuration that a build hands to the pods.
func confOf(t *testing.T, overlay string) string {
	t.Helper()
	all := build(t, overlay)
	for _, volume := range of[*apps.StatefulSet](t, all, "StatefulSet "+name).Spec.Template.Spec.Volumes {
		if volume.Name == "conf" {
			return of[*core.ConfigMap](t, all, "ConfigMap "+volume.ConfigMap.Name).Data["hegemonydetector.conf"]
		}
	}
	t.Fatal("no configuration is mounted")
	return ""
}

// TestConfigurationsAreAccepted by the program, with the environment of the pod.
func TestConfigurationsAreAccepted(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "anomalydetector")
	compile := exec.Command("go", "build", "-o", program, ".")
	compile.Dir = "../.."
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	base, cluster := confOf(t, "base"), confOf(t, "cluster")
	if !strings.HasPrefix(cluster, base) {
		t.Error("cluster/hegemonydetector.conf is not that of base with a section [cluster]")
	}
	for _, file := range []string{"ca.crt", "tls.crt", "tls.key"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("a file that exists"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for overlay, conf := range map[string]string{"base": base, "cluster": strings.ReplaceAll(cluster, "/etc/anomalydetector/node-tls", dir)} {
		file := filepath.Join(dir, "hegemonydetector.conf")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		check := exec.Command(program, "check", file)
		check.Env = append(os.Environ(), "DETECTOR_HTTP=0.0.0.0:8080", "DETECTOR_HTTP_INSECURE=yes")
		for variable, value := range environment(of[*apps.StatefulSet](t, build(t, overlay), "StatefulSet "+name), name+"-0") {
			check.Env = append(check.Env, variable+"="+value)
		}
		out, err := check.CombinedOutput()
		if err != nil {
			t.Errorf("%s: check: %v\n%s", overlay, err, out)
		}
		if overlay == "cluster" && !strings.Contains(string(out), name+"-0.anomalydetector-nodes:7100") {
			t.Errorf("the node does not advertise the pod's name:\n%s", out)
		}
	}
}
