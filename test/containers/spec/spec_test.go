// Package spec reads compose.yaml as Docker Compose does, with the library that Docker Compose uses.
package spec

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

var core = []string{"as-hegemony-detector", "as-hegemony-detector-v6", "atlas-delay-detector", "kafka1"}

// TestProfilesChooseServices and without a profile there are the old program's services and a broker.
func TestProfilesChooseServices(t *testing.T) {
	for profile, more := range map[string][]string{
		"":           nil,
		"demo":       {"demo"},
		"cluster":    {"as-hegemony-node-1", "as-hegemony-node-2", "as-hegemony-node-3", "kafka2", "kafka3"},
		"monitoring": {"alertmanager", "grafana", "prometheus"},
	} {
		want := slices.Sorted(slices.Values(slices.Concat(core, more)))
		if got := load(t, profile).ServiceNames(); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("profile %q: %v, want %v", profile, got, want)
		}
	}
}

// TestServicesAreConfined and stop and restart as documented; each file that they mount is there.
func TestServicesAreConfined(t *testing.T) {
	project := load(t, "*")
	for name, service := range project.Services {
		if service.Image == "internethealthreport/anomalydetector" {
			if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || len(service.SecurityOpt) != 1 || service.User != "" {
				t.Errorf("%s is not confined", name)
			}
			if name != "demo" && (service.StopGracePeriod == nil || time.Duration(*service.StopGracePeriod) < 30*time.Second) {
				t.Errorf("%s may be killed in the middle of a stop: %v", name, service.StopGracePeriod)
			}
			if service.PullPolicy != types.PullPolicyBuild {
				t.Errorf("%s may run what a registry has under this name", name)
			}
			if service.Build == nil || service.Build.Context != root(t) {
				t.Errorf("%s is not built from the repository", name)
			}
		}
		if service.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: restart is %q, and a job ends after a day", name, service.Restart)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes port %s beyond this machine", name, port.Published)
			}
		}
		for _, mount := range service.Volumes {
			if mount.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(mount.Source); err != nil || !strings.HasPrefix(mount.Source, root(t)) {
				t.Errorf("%s mounts %s: %v", name, mount.Source, err)
			}
		}
	}
}

// TestOverrideOfThePage adds what docs/deployment.md shows to compose.yaml.
func TestOverrideOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/deployment.md")
	if err != nil {
		t.Fatal(err)
	}
	const first = "```yaml\n# compose.override.yaml\n"
	_, text, _ := strings.Cut(string(page), first)
	text, _, found := strings.Cut(text, "```\n")
	if !found {
		t.Fatalf("the page has no block that begins with %q", first)
	}
	override := filepath.Join(t.TempDir(), "compose.override.yaml")
	if err := os.WriteFile(override, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	project := load(t, "", override)
	service := project.Services["as-hegemony-detector"]
	if !slices.Equal(service.Command, []string{"customdetector.conf"}) || *service.Environment["KAFKA_HOST"] != "broker.example.org:9093" {
		t.Errorf("it runs %v with the brokers %s", service.Command, *service.Environment["KAFKA_HOST"])
	}
	var targets []string
	for _, mount := range service.Volumes {
		targets = append(targets, mount.Target)
	}
	if want := []string{"/app/customdetector.conf", "/data", "/etc/anomalydetector"}; !slices.Equal(slices.Sorted(slices.Values(targets)), want) {
		t.Errorf("mounted at %v, want %v", targets, want)
	}
	if _, in := service.Networks["kafka"]; !in || len(service.Networks) != 1 || !bool(project.Networks["kafka"].External) {
		t.Errorf("it is in the networks %v", service.Networks)
	}
	if len(service.ExtraHosts["host.docker.internal"]) != 1 {
		t.Errorf("extra_hosts: %v", service.ExtraHosts)
	}
	if !service.ReadOnly || service.Restart != types.RestartPolicyUnlessStopped {
		t.Error("the override takes away what compose.yaml says")
	}
}

// load reads compose.yaml, and the files that change it.
func load(t *testing.T, profile string, more ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions(append([]string{filepath.Join(root(t), "compose.yaml")}, more...), cli.WithProfiles([]string{profile}), cli.WithWorkingDirectory(root(t)), cli.WithName("test"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func root(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}
