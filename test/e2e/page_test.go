package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var onTheCluster = regexp.MustCompile("(?s)```console cluster\n(.*?)```")

// The commands of docs/load-testing.md that need a cluster, one after another: a first version, and an update that a load test
// of both sides lets pass.
func TestTheCommandsOfLoadTestingOnACluster(t *testing.T) {
	sc := play(t)
	page, err := os.ReadFile(filepath.Join(sc.stage.Root, "docs", "load-testing.md"))
	sc.must(err)
	manifest, err := os.ReadFile(filepath.Join(sc.stage.Root, "examples", "load", "rollout.yaml"))
	sc.must(err)
	// Both versions are the shop of the examples, by its two names.
	here := strings.NewReplacer("registry.example/shop:1.4.2", "local/shop:1", "registry.example/shop:1.5.0", "docker.io/local/shop:1")
	file := filepath.Join(t.TempDir(), "shop.yaml")
	sc.must(os.WriteFile(file, []byte(here.Replace(string(manifest))), 0o600))
	t.Cleanup(func() {
		_ = sc.stage.Client.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	})
	ran := 0
	for _, block := range onTheCluster.FindAllStringSubmatch(string(page), -1) {
		for _, line := range strings.Split(block[1], "\n") {
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			words := strings.Fields(here.Replace(command))
			for i, word := range words {
				if word == "shop.yaml" {
					words[i] = file
				}
			}
			program := map[string]string{"kubectl": ".build/localkube/bin/kubectl", "sluice": "bin/sluice"}[words[0]]
			_, err := sc.command(program, words[1:]...)
			sc.must(err)
			ran++
		}
	}
	if ran < 6 {
		t.Errorf("%d commands were found, want 6 or more", ran)
	}
}
