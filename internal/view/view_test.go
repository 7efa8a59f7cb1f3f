package view

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// scene reads a file of objects as `kubectl get -o yaml` prints them.
func scene(t *testing.T, file, now string) Scene {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	s := Scene{Now: at}
	for _, document := range strings.Split(string(text), "\n---\n") {
		s.take(t, document)
	}
	return s
}

func (s *Scene) take(t *testing.T, document string) {
	var head struct {
		Kind  string
		Items []any
	}
	decode(t, document, &head)
	switch head.Kind {
	case "Rollout":
		s.Rollout = &api.Rollout{}
		decode(t, document, s.Rollout)
	case "ReplicaSet":
		s.ReplicaSets = append(s.ReplicaSets, object[appsv1.ReplicaSet](t, document))
	case "Pod":
		s.Pods = append(s.Pods, object[corev1.Pod](t, document))
	case "AnalysisRun":
		s.Runs = append(s.Runs, object[api.AnalysisRun](t, document))
	case "Job":
		s.Jobs = append(s.Jobs, object[batchv1.Job](t, document))
	case "List":
		for _, item := range head.Items {
			text, err := yaml.Marshal(item)
			if err != nil {
				t.Fatal(err)
			}
			s.take(t, string(text))
		}
	case "AnalysisTemplate":
	default:
		t.Fatalf("the test data hold an object of kind %q", head.Kind)
	}
}

func object[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	decode(t, text, &value)
	return value
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("reading test data: %v", err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// The pictures of a rollout at the moments people look at it.
func TestPictures(t *testing.T) {
	moments := []struct{ file, now string }{
		{"stable", "2026-11-23T05:40:00Z"},
		{"paused", "2026-11-23T05:40:00Z"},
		{"analysing", "2026-11-23T05:34:30Z"},
		{"aborted", "2026-11-23T05:40:00Z"},
		{"measuring", "2026-11-23T10:02:41Z"},
		{"failed", "2026-11-23T10:03:20Z"},
		{"loaded", "2026-11-23T10:03:20Z"},
		{"pulling", "2026-11-23T10:00:40Z"},
	}
	for _, moment := range moments {
		s := scene(t, moment.file+".yaml", moment.now)
		for _, width := range []int{80, 200} {
			t.Run(fmt.Sprintf("%s in %d columns", moment.file, width), func(t *testing.T) {
				text := Rollout(s, width).Text(width, nil)
				golden(t, fmt.Sprintf("%s-%d", moment.file, width), text)
				for _, line := range strings.Split(text, "\n") {
					if columns(line) > width {
						t.Errorf("a line of %d columns: %q", columns(line), line)
					}
				}
			})
		}
		t.Run(moment.file+" in windows of other sizes", func(t *testing.T) {
			for _, width := range []int{1, 10, 20, 40, 100} {
				for _, page := range []Page{Rollout(s, width), Why(s, width)} {
					for _, line := range strings.Split(page.Text(width, nil), "\n") {
						if columns(line) > width {
							t.Errorf("a line of %d columns in %d: %q", columns(line), width, line)
						}
					}
				}
			}
		})
		t.Run("why "+moment.file, func(t *testing.T) {
			golden(t, "why-"+moment.file, Why(s, 80).Text(80, nil))
		})
	}
}
