package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// patience is how long anything may take that has no limit of its own: the machine may be busy.
const patience = 90 * time.Second

var controllerLabels = client.MatchingLabels{"app.kubernetes.io/name": "sluice-controller"}

// scene is one story on the cluster. It begins without a Rollout and without faults.
type scene struct {
	*testing.T
	stage *stage.Stage
	began time.Time
	// lateness is how long after their last responses the verdicts of load tests were seen.
	lateness []time.Duration
}

// play clears the stage. What stood on it is told when the test fails.
func play(t *testing.T) *scene {
	t.Helper()
	sc := &scene{T: t, stage: on, began: time.Now()}
	sc.must(on.Reset(t.Context()))
	sc.fault("")
	sc.workspace("secretURL", stage.Workspace)
	sc.must(on.ApplyFile(t.Context(), "examples/seed/service.yaml"))
	t.Cleanup(func() {
		if t.Failed() {
			sc.dump()
		}
	})
	return sc
}

// of is the same scene for a part of its story.
func (sc *scene) of(t *testing.T) *scene {
	part := *sc
	part.T = t
	t.Cleanup(func() {
		if t.Failed() {
			part.dump()
		}
	})
	return &part
}

func (sc *scene) must(err error) {
	sc.Helper()
	if err != nil {
		sc.Fatal(err)
	}
}

// apply applies manifests.
func (sc *scene) apply(manifests ...string) {
	sc.Helper()
	for _, m := range manifests {
		sc.must(sc.stage.Apply(sc.Context(), []byte(m)))
	}
}

// fault makes the AMP stand-in misbehave; "" ends that.
func (sc *scene) fault(body string) {
	sc.Helper()
	method := "POST"
	if body == "" {
		method = "DELETE"
	}
	_, err := sc.stage.AMP(sc.Context(), method, "/faults", body)
	sc.must(err)
}

// workspace is the Secret with the address of the AMP workspace.
func (sc *scene) workspace(key, address string) {
	sc.Helper()
	sc.secret("workspace-url", map[string]string{key: address})
}

// secret makes a Secret with these keys and no others.
func (sc *scene) secret(name string, data map[string]string) {
	sc.Helper()
	sc.delete(&corev1.Secret{}, name)
	sc.must(sc.stage.Client.Create(sc.Context(), &corev1.Secret{ObjectMeta: named(name), StringData: data}))
}

// named is the name of an object beside the Rollout.
func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: stage.Namespace, Name: name}
}

// rollout is the seed's Rollout with other steps, whose pods start and end quickly.
func (sc *scene) rollout(steps string) string {
	sc.Helper()
	raw, err := os.ReadFile(filepath.Join(sc.stage.Root, "examples/seed/rollout.yaml"))
	sc.must(err)
	ro := &api.Rollout{}
	sc.must(yaml.UnmarshalStrict(raw, ro))
	ro.Spec.Strategy.Canary.Steps = nil
	sc.must(yaml.UnmarshalStrict([]byte(steps), &ro.Spec.Strategy.Canary.Steps))
	pod := &ro.Spec.Template.Spec
	pod.TerminationGracePeriodSeconds = new(int64(1))
	container := &pod.Containers[0]
	container.ReadinessProbe.InitialDelaySeconds, container.ReadinessProbe.PeriodSeconds = 0, 1
	container.Env = append(container.Env, corev1.EnvVar{Name: "SHOP_DRAIN", Value: "0s"})
	return manifest(sc.T, ro)
}

func manifest(t *testing.T, object client.Object) string {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "status")
	raw, err = json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// analysis is the step that waits for the template "checks".
const analysis = `{analysis: {templates: [{templateName: checks}]}}`

// template is the AnalysisTemplate "checks", with the address of the workspace from the seed's
// Secret as the argument amp-workspace.
func template(metrics ...string) string {
	return `{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: checks, namespace: argo-rollouts}, spec: {
  args: [{name: amp-workspace, valueFrom: {secretKeyRef: {name: workspace-url, key: secretURL}}}],
  metrics: [` + strings.Join(metrics, ",\n") + `]}}`
}

// query is a metric that asks AMP something, with what else it says.
func query(name, promql, rest string) string {
	return fmt.Sprintf(`{name: %s, %s, provider: {prometheus: {address: "{{args.amp-workspace}}", query: %q,
    authentication: {sigv4: {region: us-west-2}}}}}`, name, rest, promql)
}

// good is a metric that passes at once.
var good = query("cpu", "vector(0.001)", `interval: 1s, count: 1, successCondition: "result[0] <= 0.004"`)

// load is a metric whose Job runs the script of the ConfigMap "script" against the shop.
func load() string {
	return `{name: load, successCondition: result == 0, provider: {job: {spec: {backoffLimit: 0, template: {spec: {
    restartPolicy: Never,
    volumes: [{name: script, configMap: {name: script}}],
    containers: [{name: load, image: "local/sluice-load:1",
      command: [run, run, -t, "http://rust-app-svc.argo-rollouts.svc.cluster.local", /script/load.yaml],
      volumeMounts: [{name: script, mountPath: /script}]}]}}}}}}`
}

// script is the ConfigMap "script": so many seconds of load, and what it must show.
func script(seconds int, threshold string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: script, namespace: argo-rollouts}
data:
  load.yaml: |
    config:
      phases: [{duration: %d, arrivalRate: 10, name: Load}]
      plugins: {ensure: {}}
      ensure: {thresholds: [%s]}
    scenarios:
      - name: Browse
        flow: [{get: {url: /collection/FRONT_PAGE}}]
`, seconds, threshold)
}

// first applies manifests and the Rollout and waits until its first version serves.
func (sc *scene) first(rollout string, others ...string) *api.Rollout {
	sc.Helper()
	sc.apply(append(others, rollout)...)
	return sc.becomes(api.RolloutPhaseHealthy, patience)
}

// ship updates the Rollout.
func (sc *scene) ship(v stage.Version) {
	sc.Helper()
	sc.must(sc.stage.Ship(sc.Context(), v))
}

// becomes waits for a phase.
func (sc *scene) becomes(phase api.RolloutPhase, limit time.Duration) *api.Rollout {
	sc.Helper()
	ro, err := sc.stage.Phase(sc.Context(), limit, phase)
	sc.must(err)
	return ro
}

// until waits until something holds for the Rollout.
func (sc *scene) until(what string, holds func(*api.Rollout) bool) *api.Rollout {
	sc.Helper()
	ro, err := sc.stage.Until(sc.Context(), patience, what, holds)
	sc.must(err)
	return ro
}

// goesBack waits until an update was taken back and all stable pods serve again.
func (sc *scene) goesBack(limit time.Duration) *api.Rollout {
	sc.Helper()
	ro := sc.becomes(api.RolloutPhaseDegraded, limit)
	if !strings.HasPrefix(ro.Status.Message, "RolloutAborted: ") {
		sc.Fatalf("it was not aborted: %s", ro.Status.Message)
	}
	sc.must(stage.Await(sc.Context(), patience, func(ctx context.Context) error {
		canary, err := sc.stage.Pods(ctx, ro.Status.CurrentPodHash)
		if err != nil {
			return err
		}
		stable, err := sc.stage.Pods(ctx, ro.Status.StableRS)
		if err != nil {
			return err
		}
		if len(canary) > 0 || serving(stable) != 5 {
			return fmt.Errorf("%d canary pods are left, %d stable pods serve, want 5", len(canary), serving(stable))
		}
		return nil
	}))
	return ro
}

func serving(pods []corev1.Pod) (n int) {
	for i := range pods {
		if ready(&pods[i]) {
			n++
		}
	}
	return n
}

// ready reports whether a pod serves: a pod on its way out does not.
func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
		}
	}
	return false
}

// says checks that a text contains all of these.
func (sc *scene) says(what, text string, wants ...string) {
	sc.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			sc.Errorf("%s does not say %q:\n%s", what, want, text)
		}
	}
}

// runs are the AnalysisRuns of the newest version.
func (sc *scene) runs() []api.AnalysisRun {
	sc.Helper()
	ro, err := sc.stage.Rollout(sc.Context())
	sc.must(err)
	runs, err := sc.stage.Runs(sc.Context(), ro.Status.CurrentPodHash)
	sc.must(err)
	return runs
}

// run is the one AnalysisRun of the newest version.
func (sc *scene) run() *api.AnalysisRun {
	sc.Helper()
	runs := sc.runs()
	if len(runs) != 1 {
		sc.Fatalf("there are %d AnalysisRuns, want 1", len(runs))
	}
	return &runs[0]
}

// result is what a run knows of a metric.
func result(run *api.AnalysisRun, metric string) api.MetricResult {
	for _, r := range run.Status.MetricResults {
		if r.Name == metric {
			return r
		}
	}
	return api.MetricResult{}
}

// sluice runs the real command, and kubectl the real one of Kubernetes.
func (sc *scene) sluice(args ...string) (string, error) {
	return sc.command("bin/sluice", append(args, "-n", stage.Namespace)...)
}

func (sc *scene) kubectl(args ...string) (string, error) {
	return sc.command(".build/localkube/bin/kubectl", append(args, "-n", stage.Namespace)...)
}

func (sc *scene) command(program string, args ...string) (string, error) {
	c := exec.CommandContext(sc.Context(), filepath.Join(sc.stage.Root, program), args...)
	c.Env = append(os.Environ(), "KUBECONFIG="+sc.stage.Kubeconfig, "NO_COLOR=1")
	out, err := c.CombinedOutput()
	sc.Logf("$ %s %s\n%s", program, strings.Join(args, " "), out)
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// delete removes an object of the namespace.
func (sc *scene) delete(object client.Object, name string) {
	sc.Helper()
	object.SetNamespace(stage.Namespace)
	object.SetName(name)
	sc.must(client.IgnoreNotFound(sc.stage.Client.Delete(sc.Context(), object)))
}

// condition is the message of a condition that is true, or "".
func condition(ro *api.Rollout, kind api.RolloutConditionType) string {
	for _, c := range ro.Status.Conditions {
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			return c.Message
		}
	}
	return ""
}

// events are what people were told since the scene began.
func (sc *scene) events(ctx context.Context) ([]corev1.Event, error) {
	var list corev1.EventList
	if err := sc.stage.Client.List(ctx, &list, client.InNamespace(stage.Namespace)); err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	var since []corev1.Event
	for _, e := range list.Items {
		if at := latest(e); !at.Before(&metav1.Time{Time: sc.began.Truncate(time.Second)}) {
			since = append(since, e)
		}
	}
	return since, nil
}

func latest(e corev1.Event) *metav1.Time {
	if e.LastTimestamp.IsZero() {
		return &metav1.Time{Time: e.EventTime.Time}
	}
	return &e.LastTimestamp
}
