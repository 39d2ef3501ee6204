package kubernetes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
)

// TestOverlayOfThePage builds what docs/deployment.md shows as an overlay of one's own.
func TestOverlayOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/deployment.md")
	if err != nil {
		t.Fatal(err)
	}
	const first = "```yaml\n# my/kustomization.yaml\n"
	_, overlay, _ := strings.Cut(string(page), first)
	overlay, _, found := strings.Cut(overlay, "```\n")
	if !found {
		t.Fatalf("the page has no block that begins with %q", first)
	}
	// A copy, so that my/ can stand beside ops/ as on the page.
	home := t.TempDir()
	if err := os.CopyFS(filepath.Join(home, "ops/kubernetes"), os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(home, "my")
	if err := os.Mkdir(mine, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mine, "kustomization.yaml"), []byte(overlay), 0o644); err != nil {
		t.Fatal(err)
	}
	all := buildAt(t, mine)
	set := of[*apps.StatefulSet](t, all, "StatefulSet "+name)
	container := set.Spec.Template.Spec.Containers[0]
	if want := "registry.example.org/anomalydetector:1.0.0"; container.Image != want {
		t.Errorf("the image is %s, want %s", container.Image, want)
	}
	var brokers string
	for _, from := range container.EnvFrom {
		if from.ConfigMapRef != nil {
			data := of[*core.ConfigMap](t, all, "ConfigMap "+from.ConfigMapRef.Name).Data
			brokers = data["KAFKA_HOST"]
			if data["LOG_FORMAT"] != "json" {
				t.Error("the overlay loses the variables of the base")
			}
		}
	}
	if want := "broker.example.org:9093"; brokers != want {
		t.Errorf("the brokers are %q, want %q", brokers, want)
	}
}
