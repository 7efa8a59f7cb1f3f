package cli

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// offered is what a shell is told when somebody presses Tab after the words.
func offered(t *testing.T, name, kubeconfig string, words ...string) []string {
	t.Helper()
	var out, errOut bytes.Buffer
	args := append([]string{"--kubeconfig", kubeconfig}, words...)
	if name == "sluice" {
		args = append([]string{"__complete"}, args...)
	}
	if code := Run(t.Context(), name, args, Streams{Out: &out, Err: &errOut}, "v1"); code != ExitOK {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, ":") })
	if last < 0 {
		t.Fatalf("no directive in %q", out.String())
	}
	return lines[:last]
}

func TestCompletionOffersWhatThereIs(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "shop", "", paused)
	p.rollout(t, "basket", "", paused)
	p.set(t, ro, "aaa", "1", "shop:1")
	p.set(t, ro, "bbb", "2", "shop:2")
	p.analysisRun(t, "trial", "{}")
	template := &api.AnalysisTemplate{}
	template.Name, template.Namespace = "errors", p.namespace
	if err := p.Create(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		words string // the last may be empty
		want  []string
	}{
		{"get rollout ", []string{"basket", "shop"}},
		{"get rollout shop ", nil},
		{"abort shop ", []string{"basket"}},
		{"status ", []string{"basket", "shop"}},
		{"why ", []string{"basket", "shop"}},
		{"why ar ", []string{"trial"}},
		{"get analysisrun ", []string{"trial"}},
		{"terminate analysisrun ", []string{"trial"}},
		{"set image shop ", []string{"c=", "*="}},
		{"set image shop c=a ", []string{"*="}},
		{"undo shop --to-revision ", []string{"2\tshop:2", "1\tshop:1"}},
		{"create analysisrun --from ", []string{"errors"}},
		{"get rollout -o ", []string{"json", "yaml", "name", "wide"}},
		{"list rollouts --name ", []string{"basket", "shop"}},
		{"--context ", []string{"x"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, offered(t, "sluice", p.kubeconfig, strings.Split(test.words, " ")...)); diff != "" && len(test.want) > 0 {
			t.Errorf("%q (-want +got):\n%s", test.words, diff)
		}
	}
	if got := offered(t, "sluice", p.kubeconfig, "get", "rollout", "-n", ""); !slices.Contains(got, p.namespace) {
		t.Errorf("namespaces: %q", got)
	}
	if diff := cmp.Diff([]string{"basket", "shop"}, offered(t, filepath.Join("bin", kubectlCompleter), p.kubeconfig, "get", "rollout", "")); diff != "" {
		t.Errorf("as kubectl asks (-want +got):\n%s", diff)
	}
	if err := p.Get(t.Context(), client.ObjectKeyFromObject(ro), ro); err != nil {
		t.Error(err)
	}
}

func TestCompletionIsQuietWithoutACluster(t *testing.T) {
	nowhere := write(t, "kubeconfig", "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n")
	start := time.Now()
	for _, kubeconfig := range []string{nowhere, filepath.Join(t.TempDir(), "missing")} {
		if got := offered(t, "sluice", kubeconfig, "get", "rollout", ""); len(got) > 0 {
			t.Errorf("offered %q", got)
		}
	}
	if took := time.Since(start); took > 2*prompt {
		t.Errorf("it took %v to offer nothing", took)
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, out, errOut := run(t, "", "completion", shell)
		if code != ExitOK || !strings.Contains(out, "sluice") {
			t.Errorf("%s: exit code %d, %d bytes, %s", shell, code, len(out), errOut)
		}
	}
}
