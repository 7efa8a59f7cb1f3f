package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/config/crd"
	"sluice.dev/sluice/test/apiserver"
)

// place is a namespace of a real API server, with a kubeconfig that leads there.
type place struct {
	client.Client
	namespace  string
	kubeconfig string
}

func real(t *testing.T) place {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an API server")
	}
	config := apiserver.Start(t)
	if err := installed(config); err != nil {
		t.Fatal(err)
	}
	scheme, _, err := kinds()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	p := place{Client: c, namespace: apiserver.Namespace(t, config)}
	p.kubeconfig = kubeconfig(t, config, p.namespace)
	return p
}

var once struct {
	sync.Once
	err error
}

// installed makes the server know our kinds, once for all tests.
func installed(config *rest.Config) error {
	once.Do(func() { once.err = crd.Install(context.Background(), config) })
	return once.err
}

func kubeconfig(t *testing.T, config *rest.Config, namespace string) string {
	t.Helper()
	file := clientcmdapi.NewConfig()
	file.Clusters["c"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData, CertificateAuthority: config.CAFile, InsecureSkipTLSVerify: config.Insecure}
	file.AuthInfos["u"] = &clientcmdapi.AuthInfo{
		Token: config.BearerToken, ClientCertificateData: config.CertData, ClientKeyData: config.KeyData,
		ClientCertificate: config.CertFile, ClientKey: config.KeyFile,
	}
	file.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u", Namespace: namespace}
	file.CurrentContext = "x"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*file, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// sluice carries out a command in the namespace.
func (p place) sluice(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	return run(t, "", append(args, "--kubeconfig", p.kubeconfig)...)
}

// rollout creates a rollout with a status, as the controller would have left it.
func (p place) rollout(t *testing.T, name, spec, status string) *api.Rollout {
	t.Helper()
	var ro api.Rollout
	text := "metadata: {name: " + name + "}\nspec:\n  selector: {matchLabels: {app: " + name + "}}\n  template: {metadata: {labels: {app: " + name + "}}, spec: {containers: [{name: c, image: \"shop:2\"}]}}\n" +
		"  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}, {setWeight: 60}, {pause: {duration: 10}}]}}\n" + spec
	if err := yaml.UnmarshalStrict([]byte(text), &ro); err != nil {
		t.Fatal(err)
	}
	ro.Namespace = p.namespace
	if err := p.Create(t.Context(), &ro); err != nil {
		t.Fatal(err)
	}
	p.setStatus(t, &ro, status)
	return &ro
}

func (p place) setStatus(t *testing.T, ro *api.Rollout, status string) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(status), &ro.Status); err != nil {
		t.Fatal(err)
	}
	if err := p.Status().Update(t.Context(), ro); err != nil {
		t.Fatal(err)
	}
}

const paused = "observedGeneration: '1'\nphase: Paused\nmessage: CanaryPauseStep\ncurrentPodHash: bbb\nstableRS: aaa\ncurrentStepIndex: 1\ncontrollerPause: true\nreplicas: 1\npauseConditions: [{reason: CanaryPauseStep, startTime: 2026-01-01T00:00:00Z}]\n"

func TestCommandsChangeTheRollout(t *testing.T) {
	p := real(t)
	tests := []struct {
		name, status string
		args         []string
		code         int
		out, errOut  string
		spec         string // what is different afterwards, as JSON
		after        string
	}{
		{name: "promoted", status: paused, args: []string{"promote", "promoted"},
			out:   "rollout promoted ends its pause and goes on with step 3 of 4\n",
			after: `{"controllerPause":true,"currentStepIndex":1}`},
		{name: "skipped", status: "observedGeneration: '1'\nphase: Progressing\ncurrentPodHash: bbb\nstableRS: aaa\ncurrentStepIndex: 2\n", args: []string{"promote", "skipped"},
			out:   "rollout skipped skips step 3 of 4 and goes on with step 4 of 4\n",
			after: `{"currentStepIndex":3}`},
		{name: "full", status: paused, args: []string{"promote", "full", "--full"},
			out:   "rollout full skips its remaining steps and analysis, and is promoted as soon as its new pods are available\n",
			after: `{"controllerPause":true,"currentStepIndex":1,"pauses":1,"promoteFull":true}`},
		{name: "aborted", status: paused, args: []string{"abort", "aborted"},
			out:   "rollout aborted goes back to its stable version; its analysis runs are stopped\n",
			after: `{"abort":true,"controllerPause":true,"currentStepIndex":1,"pauses":1}`},
		{name: "retried", status: "observedGeneration: '1'\nphase: Degraded\nabort: true\ncurrentPodHash: bbb\nstableRS: aaa\ncurrentStepIndex: 0\n", args: []string{"retry", "rollout", "retried"},
			out:   "rollout retried starts its update again at the first step, with new analysis runs\n",
			after: `{"currentStepIndex":0}`},
		{name: "stopped", status: paused, args: []string{"pause", "stopped"},
			out:   "rollout stopped stays where it is until it is resumed\n",
			after: `{"controllerPause":true,"currentStepIndex":1,"paused":true,"pauses":1}`},
		{name: "settled", status: "observedGeneration: '1'\nphase: Healthy\ncurrentPodHash: bbb\nstableRS: bbb\ncurrentStepIndex: 4\n", args: []string{"abort", "settled"},
			code: ExitNo, errOut: "error: rollout settled is fully promoted: there is no update to abort; to go back to an earlier version, apply that version\n",
			after: `{"currentStepIndex":4}`},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			ro := p.rollout(t, test.name, "", test.status)
			code, out, errOut := p.sluice(t, test.args...)
			if diff := cmp.Diff([]any{test.code, test.out, test.errOut}, []any{code, out, errOut}); diff != "" {
				t.Errorf("exit code, output, errors (-want +got):\n%s", diff)
			}
			if err := p.Get(t.Context(), client.ObjectKeyFromObject(ro), ro); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, facts(t, ro)); diff != "" {
				t.Errorf("the rollout afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

// facts are the fields that commands change.
func facts(t *testing.T, ro *api.Rollout) string {
	t.Helper()
	text, err := json.Marshal(struct {
		Abort           bool   `json:"abort,omitempty"`
		ControllerPause bool   `json:"controllerPause,omitempty"`
		Index           *int32 `json:"currentStepIndex,omitempty"`
		Paused          bool   `json:"paused,omitempty"`
		Pauses          int    `json:"pauses,omitempty"`
		PromoteFull     bool   `json:"promoteFull,omitempty"`
	}{ro.Status.Abort, ro.Status.ControllerPause, ro.Status.CurrentStepIndex, ro.Spec.Paused, len(ro.Status.PauseConditions), ro.Status.PromoteFull})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAPromotionWaitsForAControllerThatIsBehind(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "behind", "", "observedGeneration: '0'\ncurrentPodHash: aaa\nstableRS: aaa\n")
	go func() {
		time.Sleep(400 * time.Millisecond)
		ro.Status.ObservedGeneration, ro.Status.CurrentPodHash = "1", "bbb"
		if err := p.Status().Update(context.WithoutCancel(t.Context()), ro); err != nil {
			t.Error(err)
		}
	}()
	if code, out, errOut := p.sluice(t, "abort", "behind"); code != ExitOK {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
}

func TestNotFoundHelps(t *testing.T) {
	p, other := real(t), real(t)
	p.rollout(t, "shop-frontend", "", paused)
	other.rollout(t, "basket", "", paused)
	tests := map[string]string{
		"shop-fronted": "error: there is no rollout shop-fronted in namespace " + p.namespace + "; did you mean shop-frontend?\n",
		"basket":       "error: there is no rollout basket in namespace " + p.namespace + "; there is one in namespace " + other.namespace + ": add -n " + other.namespace + "\n",
		"nothing":      "error: there is no rollout nothing in namespace " + p.namespace + "; there are shop-frontend\n",
	}
	for name, want := range tests {
		code, out, errOut := p.sluice(t, "get", "rollout", name)
		if diff := cmp.Diff([]any{ExitFailed, "", want}, []any{code, out, errOut}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestStatus(t *testing.T) {
	p := real(t)
	p.rollout(t, "healthy", "", "observedGeneration: '1'\nphase: Healthy\n")
	p.rollout(t, "degraded", "", "observedGeneration: '1'\nphase: Degraded\nmessage: 'RolloutAborted: it failed'\n")
	p.rollout(t, "waiting", "", paused)
	const doubt = "observedGeneration: '1'\ncurrentPodHash: bbb\nstableRS: aaa\ncurrentStepIndex: 1\nphase: Paused\nmessage: InconclusiveAnalysisRun\ncontrollerPause: true\n" +
		"pauseConditions: [{reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}]\ncanary: {currentStepAnalysisRunStatus: {name: gate, status: Inconclusive, message: users started late}}\n"
	p.rollout(t, "unsure", "", doubt)
	const decide = "AnalysisRun gate was inconclusive: users started late\nwaiting for: somebody to decide, as the analysis was inconclusive: " +
		"`sluice resume unsure` measures again, `sluice promote unsure` goes on without the check, `sluice abort unsure` goes back\n"
	tests := []struct {
		args        []string
		code        int
		out, errOut string
	}{
		{[]string{"healthy"}, ExitOK, "Healthy\n", ""},
		{[]string{"degraded"}, ExitNo, "Degraded - RolloutAborted: it failed\n", ""},
		{[]string{"waiting", "--timeout", "1s"}, ExitTimeout, "Paused - CanaryPauseStep\n", "error: timed out waiting for rollout waiting, which is Paused - CanaryPauseStep\n"},
		{[]string{"waiting", "--watch=false"}, ExitUnfinished, "Paused - CanaryPauseStep\n", ""},
		{[]string{"unsure", "--watch=false"}, ExitUnfinished, "Paused - InconclusiveAnalysisRun\n", decide},
		{[]string{"unsure", "--timeout", "1s"}, ExitTimeout, "Paused - InconclusiveAnalysisRun\n",
			decide + "error: timed out waiting for rollout unsure, which is Paused - InconclusiveAnalysisRun\n"},
		{[]string{"healthy", "-w=false"}, ExitOK, "Healthy\n", ""},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, out, errOut := p.sluice(t, append([]string{"status"}, test.args...)...)
			if diff := cmp.Diff([]any{test.code, test.out, test.errOut}, []any{code, out, errOut}); diff != "" {
				t.Errorf("exit code, output, errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatusFollowsChanges(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "moving", "", paused)
	go func() {
		for _, phase := range []api.RolloutPhase{api.RolloutPhaseProgressing, api.RolloutPhaseHealthy} {
			time.Sleep(600 * time.Millisecond)
			ro.Status.Phase, ro.Status.Message, ro.Status.ControllerPause, ro.Status.PauseConditions = phase, "", false, nil
			if err := p.Status().Update(context.WithoutCancel(t.Context()), ro); err != nil {
				t.Error(err)
			}
		}
	}()
	code, out, errOut := p.sluice(t, "status", "moving", "--timeout", "1m")
	if diff := cmp.Diff([]any{ExitOK, "Paused - CanaryPauseStep\nProgressing\nHealthy\n", ""}, []any{code, out, errOut}); diff != "" {
		t.Errorf("exit code, output, errors (-want +got):\n%s", diff)
	}
}

// set gives a rollout a ReplicaSet of one pod.
func (p place) set(t *testing.T, ro *api.Rollout, hash, revision, image string) *appsv1.ReplicaSet {
	t.Helper()
	labels := map[string]string{"app": ro.Name, api.LabelPodTemplateHash: hash}
	template := *ro.Spec.Template.DeepCopy()
	template.Labels = labels
	template.Spec.Containers[0].Image = image
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: ro.Name + "-" + hash, Namespace: ro.Namespace, Labels: labels, Annotations: map[string]string{api.AnnotationRevision: revision},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(ro, api.Kind(api.KindRollout))},
		},
		Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
	}
	if err := p.Create(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	return rs
}

// surround gives a rollout a canary ReplicaSet with a pod.
func (p place) surround(t *testing.T, ro *api.Rollout) {
	t.Helper()
	rs := p.set(t, ro, "bbb", "2", "shop:2")
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: rs.Name + "-1", Namespace: ro.Namespace, Labels: rs.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
		},
		Spec: rs.Spec.Template.Spec,
	}
	if err := p.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

func TestGetRollout(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "shop", "", paused)
	p.surround(t, ro)
	code, out, errOut := p.sluice(t, "get", "rollout", "shop")
	if code != ExitOK || errOut != "" {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	for _, want := range []string{"Namespace:       " + p.namespace, "Status:          ॥ Paused", "somebody to go on: `sluice promote shop`", "Step:          1/4", "⧉ shop-bbb", "□ shop-bbb-1", "◌ Pending", "shop:2 (canary)"} {
		if !strings.Contains(out, want) {
			t.Errorf("the picture lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b[") {
		t.Errorf("colours on an output that is no terminal:\n%q", out)
	}
}

func TestGetRolloutFollowsChanges(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "live", "", paused)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out := &pictures{until: []string{"॥ Paused", "□ live-bbb-1", "✔ Healthy"}, cancel: cancel}
	done := make(chan int)
	go func() {
		done <- Run(ctx, "sluice", []string{"get", "rollout", "live", "-w", "--kubeconfig", p.kubeconfig}, Streams{Out: out, Err: os.Stderr}, "v1")
	}()
	time.Sleep(300 * time.Millisecond)
	p.surround(t, ro)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"Healthy","controllerPause":false,"pauseConditions":null}}`))
	if err := p.Status().Patch(t.Context(), ro, patch); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != ExitOK || len(out.until) > 0 {
		t.Errorf("exit code %d; never shown: %q in\n%s", code, out.until, out.text.String())
	}
}

// pictures is an output that ends the command once all of some texts were seen, in order.
type pictures struct {
	text   bytes.Buffer
	until  []string
	cancel func()
	// then is what to do when one of the texts was seen.
	then map[string]func()
}

func (p *pictures) Write(text []byte) (int, error) {
	p.text.Write(text)
	for len(p.until) > 0 && strings.Contains(p.text.String(), p.until[0]) {
		if then := p.then[p.until[0]]; then != nil {
			then()
		}
		p.until = p.until[1:]
	}
	if len(p.until) == 0 {
		p.cancel()
	}
	return len(text), nil
}

func TestListRollouts(t *testing.T) {
	p := real(t)
	if _, out, errOut := p.sluice(t, "list", "rollouts"); out != "" || errOut != "there are no rollouts in namespace "+p.namespace+"\n" {
		t.Errorf("in an empty namespace: %q, %q", out, errOut)
	}
	p.rollout(t, "shop", "  replicas: 3\n", paused)
	want := "NAME  STRATEGY  STATUS  STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE\n" +
		"shop  Canary    Paused  1/4   20          0/1    3        0           0\n"
	if _, out, _ := p.sluice(t, "list", "rollouts"); out != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, out))
	}
}

func TestWhy(t *testing.T) {
	p := real(t)
	p.rollout(t, "shop", "", "observedGeneration: '1'\nphase: Degraded\nmessage: it failed\nabort: true\ndecisions: [{at: 2026-01-01T00:00:00Z, reason: Aborted, message: it failed, revision: bbb, step: 2, evidence: [{metric: errors, phase: Failed, threshold: 0.5 > 0.1, condition: 'result[0] <= 0.1'}]}]\n")
	_, out, _ := p.sluice(t, "why", "shop")
	for _, want := range []string{"✖ shop is Degraded", "Aborted  bbb, step 3 of 4", "errors 0.5 > 0.1 (500 %) · step 3 of 4", "✖ errors  0.5 > 0.1 (500 %)  result[0] <= 0.1"} {
		if !strings.Contains(out, want) {
			t.Errorf("the reasons lack %q:\n%s", want, out)
		}
	}
}
