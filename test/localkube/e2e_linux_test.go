package localkube

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// machine runs the built program on this machine.
type machine struct {
	t     *testing.T
	cache string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: the end-to-end test brings up real clusters")
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: namespaces, mounts and cgroups cannot be made")
	}
	cache := os.Getenv("LOCALKUBE_CACHE")
	if cache == "" {
		var err error
		if cache, err = filepath.Abs("../../.build/localkube"); err != nil {
			t.Fatal(err)
		}
	}
	m := machine{t: t, cache: cache}
	m.must("make", "--silent", "LOCALKUBE_CACHE="+cache)
	return m
}

func (m machine) must(argv ...string) string {
	m.t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

func (m machine) bin(name string) string { return filepath.Join(m.cache, "bin", name) }

// cluster is one cluster of the test; it is brought down when the test ends.
func (m machine) cluster(name string) testCluster {
	m.t.Helper()
	c, err := New(name, m.t.TempDir(), m.cache)
	if err != nil {
		m.t.Fatal(err)
	}
	tc := testCluster{machine: m, Cluster: c}
	m.t.Cleanup(func() { tc.tool("down") })
	return tc
}

type testCluster struct {
	machine
	Cluster
}

func (c testCluster) args(command string, rest ...string) []string {
	return append([]string{c.bin("localkube"), command, "--name", c.Name, "--dir", c.Dir}, rest...)
}

func (c testCluster) tool(command string, rest ...string) string {
	c.t.Helper()
	return c.must(c.args(command, rest...)...)
}

func (c testCluster) kubectl(args ...string) string {
	c.t.Helper()
	return c.must(append([]string{c.kube(), "kubectl", "--kubeconfig", c.Kubeconfig()}, args...)...)
}

func (c testCluster) state() State {
	c.t.Helper()
	var s State
	if err := json.Unmarshal([]byte(c.tool("status", "--json")), &s); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// traces lists what a cluster could leave behind on this machine: links, routes,
// mounts, cgroups, kernel settings, processes.
func traces(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for n := range slots {
		a := addressesOf(n)
		if _, err := os.Stat("/sys/class/net/" + a.Link); err == nil {
			found["link "+a.Link] = "there"
		}
		groups, err := filepath.Glob(cgroupMount + "/*/" + a.Link)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range append(groups, filepath.Join(cgroupMount, a.Link)) {
			if _, err := os.Stat(g); err == nil {
				found["cgroup "+g] = "there"
			}
		}
	}
	for name := range kubeletSysctls {
		value, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			t.Fatal(err)
		}
		found["sysctl "+name] = string(value)
	}
	for _, file := range []string{"/proc/self/mountinfo", "/proc/net/route"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found[file] = string(text)
	}
	for _, dir := range dirs {
		for _, p := range processes(t, dir) {
			found["process "+p] = "runs"
		}
	}
	return found
}

// processes lists processes whose command line names dir; zombies have none.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, l := range lines {
		text, err := os.ReadFile(l) // it may have ended meanwhile
		if err == nil && strings.Contains(string(text), dir) {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

func within(t *testing.T, limit time.Duration, what string, f func() error) {
	t.Helper()
	if err := poll(t.Context(), what, limit, func(context.Context) error { return f() }); err != nil {
		t.Fatal(err)
	}
}

// get fetches a page from this machine, without a proxy and without asking whom
// it talks to.
func get(url string) (string, error) {
	client := http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
	}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s: %s", url, resp.Status, body)
	}
	return string(body), nil
}

func TestClusterRunsPodsAndLeavesNothingBehind(t *testing.T) {
	m := newMachine(t)
	c := m.cluster("e2e")
	before := traces(t, c.Dir)
	c.tool("up")
	c.tool("up") // is fine when it is up already
	s := c.state()

	runProbe(t, c, s)
	t.Run("a pod resolves names and trusts the API server", func(t *testing.T) { checkInside(t, s) })
	t.Run("a pod's CPU use moves within two seconds, under its name", func(t *testing.T) { checkCPU(t, s) })
	t.Run("an image that cannot be pulled is reported at once", func(t *testing.T) {
		within(t, 15*time.Second, "the pull to fail", func() error {
			reason := c.kubectl("get", "pod", "nowhere", "-o", "jsonpath={.status.containerStatuses[0].state.waiting.reason}")
			if reason != "ErrImagePull" && reason != "ImagePullBackOff" {
				return fmt.Errorf("the pod waits because of %q", reason)
			}
			return nil
		})
	})
	t.Run("logs and exec reach a container", func(t *testing.T) {
		if got := c.kubectl("logs", "probe"); !strings.Contains(got, "serving") {
			t.Errorf("logs: %q", got)
		}
		if got := c.tool("exec", "--", "ctr", "--namespace", "k8s.io", "images", "list", "--quiet"); !strings.Contains(got, "local/probe:1") {
			t.Errorf("images: %q", got)
		}
	})

	c.tool("down")
	c.tool("down") // is fine when it is down already
	if diff := cmp.Diff(before, traces(t, c.Dir)); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
	err := exec.Command(c.args("status")[0], c.args("status")[1:]...).Run()
	var exited *exec.ExitError
	if !errors.As(err, &exited) || exited.ExitCode() != 3 {
		t.Errorf("status of a cluster that is down: %v, want exit code 3", err)
	}
}

// probeIP is the address of the probe's Service.
func probeIP(s State) string { return strings.TrimSuffix(s.DNS, "10") + "99" }

func runProbe(t *testing.T, c testCluster, s State) {
	t.Helper()
	dir := t.TempDir()
	binary, archive := filepath.Join(dir, "probe"), filepath.Join(dir, "probe.tar")
	build := exec.Command("go", "build", "-o", binary, "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the probe: %v\n%s", err, out)
	}
	c.must(c.bin("mkimage"), "-o", archive, "-t", "local/probe:1", "-alias", "also-probe=probe", binary)
	c.tool("load", archive)
	manifest, err := os.ReadFile("testdata/probe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "probe.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(manifest), "CLUSTER_IP", probeIP(s))), 0o644); err != nil {
		t.Fatal(err)
	}
	c.kubectl("apply", "-f", file)
	c.kubectl("wait", "--for=condition=Ready", "pod/probe", "--timeout=30s")
}

func checkInside(t *testing.T, s State) {
	want := map[string]string{
		"/api":                       "200 OK",
		"/user":                      "65532",
		"/lookup?name=front":         "[" + probeIP(s) + "] <nil>",
		"/lookup?name=front.default": "[" + probeIP(s) + "] <nil>",
		"/lookup?name=front.default.svc.cluster.local": "[" + probeIP(s) + "] <nil>",
	}
	for path, answer := range want {
		within(t, 5*time.Second, "the Service to answer", func() error {
			got, err := get("http://" + probeIP(s) + path)
			if err == nil && got != answer {
				return fmt.Errorf("%s answered %q, want %q", path, got, answer)
			}
			return err
		})
	}
}

var cpuSeries = regexp.MustCompile(`(?m)^container_cpu_usage_seconds_total\{(.*pod="probe".*)\} (\S+) (\d+)$`)

// checkCPU watches the kubelet's counter of the probe's container.
func checkCPU(t *testing.T, s State) {
	type sample struct{ value, seconds float64 }
	var samples []sample
	look := func() error {
		page, err := get("https://" + s.NodeIP + ":10250/metrics/cadvisor")
		if err != nil {
			return err
		}
		for _, m := range cpuSeries.FindAllStringSubmatch(page, -1) {
			if !strings.Contains(m[1], `container="main"`) {
				continue // the pod itself, and its sandbox
			}
			for _, label := range []string{`namespace="default"`, `image="docker.io/local/probe:1"`, `cpu="total"`} {
				if !strings.Contains(m[1], label) {
					return fmt.Errorf("series without %s: %s", label, m[0])
				}
			}
			value, err1 := strconv.ParseFloat(m[2], 64)
			stamp, err2 := strconv.ParseFloat(m[3], 64)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			if n := len(samples); n == 0 || samples[n-1].seconds != stamp/1000 {
				samples = append(samples, sample{value, stamp / 1000})
			}
		}
		if len(samples) < 6 {
			return fmt.Errorf("%d different samples so far", len(samples))
		}
		return nil
	}
	within(t, 30*time.Second, "six samples of the probe's CPU use", look)
	first, last := samples[1], samples[len(samples)-1] // the first can hold the start alone
	gap := (last.seconds - first.seconds) / float64(len(samples)-2)
	rate := (last.value - first.value) / (last.seconds - first.seconds)
	t.Logf("a sample every %.2f s, %.2f cores", gap, rate)
	if gap > 2.5 {
		t.Errorf("a sample every %.2f s, want every second or two", gap)
	}
	if rate < 0.02 || rate > 0.9 { // a busy machine gives it less than the half it wants
		t.Errorf("%.2f cores, want some, and at most about 0.5", rate)
	}
}

func TestTwoClustersSideBySide(t *testing.T) {
	m := newMachine(t)
	blue, green := m.cluster("blue"), m.cluster("green")
	before := traces(t, blue.Dir, green.Dir)
	blue.tool("up")
	green.tool("up")
	b, g := blue.state(), green.state()
	if b.NodeIP == g.NodeIP || b.PodCIDR == g.PodCIDR || b.Services == g.Services {
		t.Errorf("the clusters share addresses: %+v and %+v", b, g)
	}
	blue.tool("down")
	if s := green.state(); s.Problem != "" {
		t.Errorf("the second cluster after the first has gone: %s", s.Problem)
	}
	green.tool("down")
	if diff := cmp.Diff(before, traces(t, blue.Dir, green.Dir)); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
}

func TestClusterComesBackAfterACrash(t *testing.T) {
	m := newMachine(t)
	c := m.cluster("crash")
	before := traces(t, c.Dir)
	c.tool("up")
	s := c.state()
	if err := syscall.Kill(s.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "the cluster to end", func() error {
		if left := processes(t, c.Dir); len(left) > 0 {
			return fmt.Errorf("%d processes, among them %s", len(left), left[0])
		}
		return nil
	})
	start := time.Now()
	c.tool("up")
	t.Logf("up again in %s", time.Since(start).Round(time.Millisecond))
	if again := c.state(); again.NodeIP != s.NodeIP {
		t.Errorf("the node has moved from %s to %s", s.NodeIP, again.NodeIP)
	}
	c.tool("down")
	if diff := cmp.Diff(before, traces(t, c.Dir)); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
}

func TestClusterEndsWithItsParent(t *testing.T) {
	m := newMachine(t)
	for _, how := range []string{"that closes the pipe", "that is killed"} {
		t.Run("a parent "+how, func(t *testing.T) {
			c := machine{t, m.cache}.cluster("tied")
			before := traces(t, c.Dir)
			argv := c.args("up", "--with-parent")
			parent := exec.Command(argv[0], argv[1:]...)
			stdin, err := parent.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			var s State
			if err := json.NewDecoder(stdout).Decode(&s); err != nil {
				t.Fatalf("the line that says it is ready: %v", err)
			}
			if how == "that is killed" {
				if err := parent.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = parent.Wait() // killed, as intended
			} else if err := errors.Join(stdin.Close(), parent.Wait()); err != nil {
				t.Fatal(err)
			}
			within(t, 10*time.Second, "the cluster to end", func() error {
				if left := processes(t, c.Dir); len(left) > 0 {
					return fmt.Errorf("%d processes, among them %s", len(left), left[0])
				}
				return nil
			})
			if how == "that is killed" {
				c.tool("down") // nobody was left to undo what no namespace hides
			}
			if diff := cmp.Diff(before, traces(t, c.Dir)); diff != "" {
				t.Errorf("left behind (-before +after):\n%s", diff)
			}
		})
	}
}

func TestAFailedStartSaysWhyAndLeavesNothingBehind(t *testing.T) {
	m := newMachine(t)
	c := m.cluster("broken")
	if err := writeFile(c.path("images", "broken.tar"), []byte("this is no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := traces(t, c.Dir)
	argv := c.args("up")
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "importing an image") || !strings.Contains(string(out), "broken.tar") {
		t.Errorf("up said %q (%v), want the image that cannot be imported", out, err)
	}
	if diff := cmp.Diff(before, traces(t, c.Dir)); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
}
