package cli

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sluice.dev/sluice/test/apiserver"
)

func TestCommandsThatAreNoneAreErrors(t *testing.T) {
	for args, want := range map[string]string{
		"get":               "error: sluice get wants to know of what: write rollout or analysisrun or experiment\n",
		"get pods":          "error: sluice get knows no pods: write rollout or analysisrun or experiment\n",
		"set replicas":      "error: sluice set knows no replicas: write image\n",
		"terminate rollout": "error: sluice terminate knows no rollout: write analysisrun or experiment\n",
	} {
		result{ExitFailed, "", want}.of(t, "", strings.Fields(args)...)
	}
}

func TestErrorsOfTheConnectionSayWhatToDo(t *testing.T) {
	nowhere := write(t, "kubeconfig", "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n")
	code, out, errOut := run(t, "", "get", "rollout", "shop", "--kubeconfig", nowhere)
	if code != ExitFailed || out != "" || !strings.Contains(errOut, "cannot reach the API server at http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused; is the cluster up, and --context the right one?") {
		t.Errorf("exit code %d, %q, %q", code, out, errOut)
	}
	code, _, errOut = run(t, "", "abort", "shop", "--kubeconfig", nowhere+".missing")
	if code != ExitFailed || !strings.Contains(errOut, "reading the kubeconfig") {
		t.Errorf("without a kubeconfig: exit code %d, %q", code, errOut)
	}
}

func TestAMissingKubeconfigIsNamed(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nope")
	empty := write(t, "empty", "apiVersion: v1\nkind: Config\n")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for file, want := range map[string]string{
		nowhere:                         "there is no file " + nowhere + "; name another with --kubeconfig or $KUBECONFIG",
		nowhere + ":" + nowhere + "too": "there is no file " + nowhere + ", nor " + nowhere + "too; name another",
		empty:                           empty + " names no cluster: it is empty, or has no current context",
	} {
		t.Setenv("KUBECONFIG", file)
		code, out, errOut := run(t, "", "get", "rollout", "shop")
		if code != ExitFailed || out != "" || !strings.Contains(errOut, want) {
			t.Errorf("KUBECONFIG=%s: exit code %d, %q, %q", file, code, out, errOut)
		}
	}
}

// Somebody who may read rollouts and nothing else sees the rollout, and what is missing.
func TestWhatMayNotBeListedIsNamed(t *testing.T) {
	p := real(t)
	p.surround(t, p.rollout(t, "shop", "", paused))
	config := apiserver.Start(t)
	scheme := runtime.NewScheme()
	if err := rbacv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	admin, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	meta := metav1.ObjectMeta{Name: "reader", Namespace: p.namespace}
	for _, object := range []client.Object{
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{APIGroups: []string{"argoproj.io"}, Resources: []string{"rollouts"}, Verbs: []string{"get"}}}},
		&rbacv1.RoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "jane"}},
		},
	} {
		if err := admin.Create(context.Background(), object); err != nil {
			t.Fatal(err)
		}
	}
	apiserver.Allowed(t, apiserver.As(config, "jane"), authorizationv1.ResourceAttributes{Namespace: p.namespace, Verb: "get", Group: "argoproj.io", Resource: "rollouts"})
	code, out, errOut := p.sluice(t, "get", "rollout", "shop", "--as", "jane")
	if code != ExitOK || !strings.Contains(out, "॥ Paused") || !strings.Contains(out, "analysis runs, jobs, replica sets, pods, experiments: you have no permission to list them") {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	code, _, errOut = p.sluice(t, "abort", "shop", "--as", "jane")
	if code != ExitFailed || !strings.Contains(errOut, "forbidden") || !strings.Contains(errOut, "ask whoever manages the cluster for this permission") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
}
