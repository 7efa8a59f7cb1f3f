package prom

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seedQuery is the user's query; only the values of its labels are ours.
const seedQuery = `sum(
    node_namespace_pod_container:container_cpu_usage_seconds_total:sum_irate{cluster="demo", namespace="argo-rollouts"}
    * on(namespace,pod)
    group_left(workload, workload_type) namespace_workload_pod:kube_pod_owner:relabel{cluster="demo", namespace="argo-rollouts", 
    workload="rollouts-demo", workload_type="canary"}
) by (pod)
`

func TestTheSeedsQuerySelectsOnlyTheCanary(t *testing.T) {
	begun := time.Now()
	node := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics/cadvisor" {
			http.NotFound(w, r)
			return
		}
		seconds := time.Since(begun).Seconds()
		for pod, cores := range map[string]float64{"stable-1": 0.5, "stable-2": 0.5, "canary-1": 0.25} {
			fmt.Fprintf(w, "container_cpu_usage_seconds_total{namespace=\"argo-rollouts\",pod=%q,container=\"shop\",image=\"shop:1\"} %f\n", pod, cores*seconds)
			fmt.Fprintf(w, "container_cpu_usage_seconds_total{namespace=\"argo-rollouts\",pod=%q,container=\"\",image=\"pause:1\"} %f\n", pod, 9*seconds)
		}
	}))
	defer node.Close()
	controller := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for pod, role := range map[string]string{"stable-1": "stable", "stable-2": "stable", "canary-1": "canary"} {
			fmt.Fprintf(w, "sluice_pod_info{namespace=\"argo-rollouts\",pod=%q,workload=\"rollouts-demo\",workload_type=\"rollout\",revision=\"r\",role=%q} 1\n", pod, role)
		}
	}))
	defer controller.Close()
	server := startServer(t, Config{
		Interval: 200 * time.Millisecond,
		Scrapes:  []Scrape{Kubelet(node.Listener.Addr().String(), "node1"), Controllers(controller.Listener.Addr().String())},
	})
	var got map[string]float64
	for deadline := time.Now().Add(30 * time.Second); len(got) == 0 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		got = query(t, server.URL(), seedQuery)
	}
	if cores := got["canary-1"]; len(got) != 1 || cores < 0.2 || cores > 0.3 {
		t.Errorf("the seed's query gives %v, want about 0.25 cores for canary-1 alone", got)
	}
}

// query gives the values of an instant query by the label "pod".
func query(t *testing.T, address, promQL string) map[string]float64 {
	t.Helper()
	response, err := http.PostForm(address+"/api/v1/query", url.Values{"query": {promQL}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil || body.Error != "" {
		t.Fatalf("query: %v %s", err, body.Error)
	}
	values := map[string]float64{}
	for _, series := range body.Data.Result {
		var value float64
		if _, err := fmt.Sscan(series.Value[1].(string), &value); err != nil {
			t.Fatal(err)
		}
		values[series.Metric["pod"]] = value
	}
	return values
}

func startServer(t *testing.T, config Config) *Server {
	t.Helper()
	config.Binary = find(t).Prometheus
	server, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func TestStopEndsItAndCleansUp(t *testing.T) {
	server := startServer(t, Config{})
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := server.Err(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(server.scratch); !os.IsNotExist(err) {
		t.Errorf("its directory is still there (%v)", err)
	}
	if _, err := http.Get(server.URL() + "/-/ready"); err == nil {
		t.Error("it still answers")
	}
}

func TestADirectoryKeepsItsDataOverAStop(t *testing.T) {
	config := Config{Dir: t.TempDir(), Rules: [][]byte{[]byte("groups: [{name: g, rules: [{record: one, expr: vector(1)}]}]")}, Interval: 100 * time.Millisecond}
	first := startServer(t, config)
	for deadline := time.Now().Add(20 * time.Second); len(query(t, first.URL(), "one")) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the rule was never evaluated")
		}
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	config.Rules = [][]byte{}
	second := startServer(t, config)
	if got := query(t, second.URL(), "last_over_time(one[5m])"); len(got) != 1 {
		t.Errorf("after a restart the query gives %v", got)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	binary := find(t).Prometheus
	ctx, cancel := context.WithCancel(t.Context())
	server, err := Start(ctx, Config{Binary: binary})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	cancel()
	select {
	case <-server.Done():
	case <-time.After(15 * time.Second):
		t.Error("prometheus runs on without its context")
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

func TestStartSaysWhyItCannot(t *testing.T) {
	binary := find(t).Prometheus
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cases := map[string]struct {
		config Config
		want   string
	}{
		"no binary":                   {Config{}, "no binary is given"},
		"a binary that is not there":  {Config{Binary: "/nonexistent/prometheus"}, "no such file"},
		"a port that is taken":        {Config{Binary: binary, Listen: taken.Addr().String()}, "address already in use"},
		"rules that do not parse":     {Config{Binary: binary, Rules: [][]byte{[]byte("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]")}}, "unclosed left parenthesis"},
		"an interval of microseconds": {Config{Binary: binary, Interval: time.Microsecond}, "under 10ms"},
		"a scrape without a target":   {Config{Binary: binary, Scrapes: []Scrape{{Job: "x"}}}, "a scrape needs a job and a target"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server, err := Start(t.Context(), c.config)
			if err == nil {
				_ = server.Stop()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Start says %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestRender(t *testing.T) {
	got, err := render(Config{
		Cluster: "demo", Interval: 1500 * time.Millisecond,
		Scrapes: []Scrape{Kubelet("10.0.0.2:10250", "node1"), Controllers("a:8080", "b:8080"), {Job: "x", Targets: []string{"c:1"}, TokenFile: "/token", Labels: map[string]string{"cluster": "own"}}},
	}, []string{"rules-0.yml"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestInstalledFindsUnpackedPackages(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	build := t.TempDir()
	if _, found := Installed(build); found {
		t.Fatal("found in an empty directory")
	}
	bin := filepath.Join(build, "prometheus", "usr", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "prometheus"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	got, found := Installed(build)
	if diff := cmp.Diff(Binaries{Prometheus: filepath.Join(bin, "prometheus")}, got); !found || diff != "" {
		t.Errorf("found %v (-want +got):\n%s", found, diff)
	}
}

func TestFindSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Find(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "neither in PATH nor under") || !strings.Contains(err.Error(), "apt-get") {
		t.Errorf("Find says %v", err)
	}
}
