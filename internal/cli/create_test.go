package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

const (
	goodRollout  = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\nspec:\n  selector: {matchLabels: {app: shop}}\n  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: c, image: 'shop:1'}]}}\n  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}\n"
	goodTemplate = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: errors}\nspec:\n  args: [{name: service}, {name: limit, value: '0.01'}]\n  metrics: [{name: errors, successCondition: 'result[0] <= {{args.limit}}', provider: {prometheus: {address: 'http://p', query: 'errors{service=\"{{args.service}}\"}'}}}]\n"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCreate(t *testing.T) {
	p := real(t)
	file := write(t, "all.yaml", goodRollout+"---\n"+goodTemplate)
	p.carriesOut(t, []session{
		{"create -f " + file, ExitOK, "rollout.argoproj.io/shop created\nanalysistemplate.argoproj.io/errors created\n", ""},
		{"create -f " + file, ExitFailed, "", "error: creating rollout shop in namespace " + p.namespace + ": rollouts.argoproj.io \"shop\" already exists\n" +
			"creating analysis template errors in namespace " + p.namespace + ": analysistemplates.argoproj.io \"errors\" already exists\n"},
		{"create", ExitFailed, "", "error: sluice create wants to know what to create: add -f FILE, or see sluice create analysisrun --help\n"},
	})
	var ro api.Rollout
	if err := p.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "shop"}, &ro); err != nil {
		t.Fatal(err)
	}
	if ro.Spec.Template.Spec.Containers[0].Image != "shop:1" {
		t.Errorf("created %+v", ro.Spec)
	}
}

func TestCreateRefusesWhatLintRefuses(t *testing.T) {
	p := real(t)
	tests := []struct{ name, text, want string }{
		{"an unknown field, with its place", strings.Replace(goodRollout, "setWeight", "setWieght", 1), ":7:32: spec.strategy.canary.steps[0].setWieght: unknown field"},
		{"a kind of somebody else", goodRollout + "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n", "create knows no Service: use kubectl for it"},
		{"nothing at all", "", "there is nothing to create in"},
		{"a namespace that is not meant", strings.Replace(goodRollout, "{name: shop}", "{name: shop, namespace: elsewhere}", 1), "shop belongs to namespace elsewhere by its manifest, and the command says -n " + p.namespace},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errOut := p.sluice(t, "create", "-f", write(t, "r.yaml", test.text), "-n", p.namespace)
			if code == ExitOK || out != "" || !strings.Contains(errOut, test.want) {
				t.Errorf("exit code %d, %q, errors %q; want %q", code, out, errOut, test.want)
			}
		})
	}
	var all api.RolloutList
	if err := p.List(t.Context(), &all, client.InNamespace(p.namespace)); err != nil || len(all.Items) > 0 {
		t.Errorf("%v, %d rollouts were created", err, len(all.Items))
	}
}

func TestCreateAnalysisRun(t *testing.T) {
	p := real(t)
	file := write(t, "template.yaml", goodTemplate)
	p.carriesOut(t, []session{
		{"create -f " + file, ExitOK, "analysistemplate.argoproj.io/errors created\n", ""},
		{"create analysisrun --from errors", ExitNo, "", "error: the run of errors would end in an error: args.service was not resolved: declared without a value by errors; add -a service=…\n"},
		{"create ar --from errors -a servis=shop", ExitFailed, "", "error: the template has no argument servis; there are limit, service\n"},
		{"create ar --from errors -a service", ExitFailed, "", "error: \"service\" is no argument: write NAME=VALUE\n"},
		{"create ar --from errros -a service=shop", ExitFailed, "", "error: there is no analysis template errros in namespace " + p.namespace + "; did you mean errors?\n"},
		{"create ar --from errors --name trial --instance-id mine -a service=shop", ExitOK, "analysisrun.argoproj.io/trial created\n", ""},
		{"create ar --from-file " + file + " --name other -a service=shop -a limit=0.5", ExitOK, "analysisrun.argoproj.io/other created\n", ""},
	})
	type summary struct {
		Labels map[string]string
		Args   map[string]string
		Metric string
	}
	got := map[string]summary{}
	var all api.AnalysisRunList
	if err := p.List(t.Context(), &all, client.InNamespace(p.namespace)); err != nil {
		t.Fatal(err)
	}
	for _, run := range all.Items {
		args := map[string]string{}
		for _, arg := range run.Spec.Args {
			args[arg.Name] = *arg.Value
		}
		got[run.Name] = summary{run.Labels, args, run.Spec.Metrics[0].Name}
	}
	want := map[string]summary{
		"trial": {map[string]string{api.LabelInstanceID: "mine"}, map[string]string{"service": "shop", "limit": "0.01"}, "errors"},
		"other": {nil, map[string]string{"service": "shop", "limit": "0.5"}, "errors"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the runs (-want +got):\n%s", diff)
	}
	code, out, errOut := p.sluice(t, "create", "ar", "--from", "errors", "-a", "service=shop")
	if code != ExitOK || !strings.HasPrefix(out, "analysisrun.argoproj.io/errors-") {
		t.Errorf("without a name: exit code %d, %q, %q", code, out, errOut)
	}
}
