// Package apiserver gives tests a real Kubernetes API server without nodes.
package apiserver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// startTimeout is for a machine that compiles beside it; 4 s is usual.
const startTimeout = 2 * time.Minute

// Start returns an administrator's access to an API server of version 1.37 with
// an empty etcd and RBAC. All tests of a process share one, started by the first
// call, so each test works in a namespace of its own (see Namespace). It ends
// with the process, however that ends.
//
// There is no controller and no node: nothing collects garbage, ends namespaces,
// fills aggregated ClusterRoles such as "view", creates pods for a ReplicaSet or
// runs one. Client-side rate limits are off.
//
// Where it was never built, the first call builds it, which takes minutes:
// `make -C test/localkube plane` does that ahead of time.
func Start(t testing.TB) *rest.Config {
	t.Helper()
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skipf("no API server on %s: etcd and kube-apiserver are run on Linux and macOS only", runtime.GOOS)
	}
	config, err := Config()
	if err != nil {
		t.Fatalf("starting an API server: %v", err)
	}
	return config
}

// Config is Start for programs that are no tests.
func Config() (*rest.Config, error) {
	s, err := shared()
	if err != nil {
		return nil, err
	}
	return rest.CopyConfig(s.config), nil
}

var shared = sync.OnceValues(start)

// server is a running API server. It ends when lifeline is closed, which also
// happens when nothing refers to it any more.
type server struct {
	config   *rest.Config
	lifeline io.Closer
}

// As returns access to the same server as another user, with only the rights
// RBAC gives to it and to the groups.
func As(config *rest.Config, user string, groups ...string) *rest.Config {
	other := rest.CopyConfig(config)
	other.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	return other
}

// Allowed waits until the server lets the user of a configuration do something: it learns of roles a moment after it
// has taken them.
func Allowed(t testing.TB, config *rest.Config, what authorizationv1.ResourceAttributes) {
	t.Helper()
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &what}}
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		answer, err := c.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
		switch {
		case err != nil:
			t.Fatalf("asking whether %s may %s %s: %v", config.Impersonate.UserName, what.Verb, what.Resource, err)
		case answer.Status.Allowed:
			return
		case time.Now().After(until):
			t.Fatalf("%s may not %s %s: %s", config.Impersonate.UserName, what.Verb, what.Resource, answer.Status.Reason)
		}
	}
}

// Namespace makes a namespace that no other test uses. It stays, as nothing
// would end it.
func Namespace(t testing.TB, config *rest.Config) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatalf("making a client: %v", err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	ns, err = client.CoreV1().Namespaces().Create(context.Background(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("making a namespace: %v", err)
	}
	return ns.Name
}

// plane is what the cluster tool says about a running control plane.
type plane struct {
	URL       string `json:"url"`
	CAFile    string `json:"caFile"`
	TokenFile string `json:"tokenFile"`
}

func start() (*server, error) {
	tool, err := build()
	if err != nil {
		return nil, err
	}
	p, lifeline, err := launch(tool)
	if err != nil {
		return nil, err
	}
	// The files are read now: they go away with the server, and an error then
	// should be about the connection.
	token, err := os.ReadFile(p.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("reading the administrator's token: %w", err)
	}
	ca, err := os.ReadFile(p.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the server's certificate: %w", err)
	}
	config := &rest.Config{
		Host:            p.URL,
		BearerToken:     strings.TrimSpace(string(token)),
		TLSClientConfig: rest.TLSClientConfig{CAData: ca},
		QPS:             -1,
	}
	return &server{config: config, lifeline: lifeline}, nil
}

// launch starts the cluster tool, which ends when the pipe that is its standard
// input does: with this process, even if that is killed.
func launch(tool string) (p plane, lifeline io.Closer, err error) {
	cmd := exec.Command(tool, "control-plane", "up", "--with-parent")
	if lifeline, err = cmd.StdinPipe(); err != nil {
		return plane{}, nil, fmt.Errorf("making a pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return plane{}, nil, fmt.Errorf("making a pipe: %w", err)
	}
	// Not this process's own standard error: `go test` would wait for it to close.
	problems, err := os.CreateTemp("", "apiserver-*.log")
	if err != nil {
		return plane{}, nil, fmt.Errorf("making a log: %w", err)
	}
	defer problems.Close()
	defer os.Remove(problems.Name())
	cmd.Stderr = problems
	if err := cmd.Start(); err != nil {
		return plane{}, nil, fmt.Errorf("starting %s: %w", tool, err)
	}
	giveUp := time.AfterFunc(startTimeout, func() { _ = cmd.Process.Kill() })
	defer giveUp.Stop()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		_ = cmd.Wait() // what it said is better than its exit status
		said, _ := os.ReadFile(problems.Name())
		return plane{}, nil, fmt.Errorf("%s control-plane up: %s", tool, strings.TrimSpace(string(said)))
	}
	if err := json.Unmarshal(line, &p); err != nil {
		return plane{}, nil, fmt.Errorf("%s said %q: %w", tool, line, err)
	}
	return p, lifeline, nil
}

// build brings the programs up to date and returns the path of the cluster tool.
// Test processes that run side by side build one after the other.
func build() (tool string, err error) {
	repo, err := repository()
	if err != nil {
		return "", err
	}
	cache := os.Getenv("LOCALKUBE_CACHE")
	if cache == "" {
		cache = filepath.Join(repo, ".build", "localkube")
	}
	unlock, err := lock(filepath.Join(cache, "build.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	tool = filepath.Join(cache, "bin", "localkube")
	if _, err := os.Stat(filepath.Join(cache, "bin", "kube")); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "building the API server for tests: this takes minutes, once (make -C test/localkube plane)")
	}
	make := exec.Command("make", "--silent", "-C", filepath.Join(repo, "test", "localkube"), "plane", "LOCALKUBE_CACHE="+cache)
	if out, err := make.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the API server: %w\n%s", err, out)
	}
	return tool, nil
}

// repository is the directory of this module, above the one tests run in.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("locating the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "test", "localkube", "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the test does not run inside the repository, so there is nothing to build the API server from")
		}
		dir = parent
	}
}
