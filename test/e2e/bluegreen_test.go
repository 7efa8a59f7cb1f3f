package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// twoColoured is the seed's Rollout with another strategy: three pods, and a Service for each colour.
func (sc *scene) twoColoured(strategy string) string {
	sc.Helper()
	ro := &api.Rollout{}
	sc.must(yaml.UnmarshalStrict([]byte(sc.rollout("[]")), ro))
	ro.Spec.Replicas = new(int32(3))
	container := &ro.Spec.Template.Spec.Containers[0]
	container.Env = append(container.Env, corev1.EnvVar{Name: "SHOP_VERSION", Value: "1"})
	ro.Spec.Strategy = api.RolloutStrategy{BlueGreen: &api.BlueGreenStrategy{}}
	sc.must(yaml.UnmarshalStrict([]byte(strategy), ro.Spec.Strategy.BlueGreen))
	ro.Spec.Strategy.BlueGreen.ActiveService, ro.Spec.Strategy.BlueGreen.PreviewService = "blue-green-active", "blue-green-preview"
	return manifest(sc.T, ro)
}

// entrances are the two Services; they go with the test. Their names do not begin with shop: every pod is told of all
// Services in its environment, and the shop takes no variable of its own that it does not know.
func (sc *scene) entrances() string {
	sc.Helper()
	var both []string
	for _, name := range []string{"blue-green-active", "blue-green-preview"} {
		both = append(both, fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: %s, namespace: argo-rollouts},
  spec: {selector: {app: rollouts-demo}, ports: [{name: http, port: 80, targetPort: http}]}}`, name))
		sc.Cleanup(func() {
			if err := sc.stage.Client.Delete(context.Background(), &corev1.Service{ObjectMeta: named(name)}); err != nil {
				sc.Errorf("removing Service %s: %v", name, err)
			}
		})
	}
	return strings.Join(both, "\n---\n")
}

// answers asks a Service which version of the shop it leads to, until it is the one.
func (sc *scene) answers(service, version string) {
	sc.Helper()
	clients, err := kubernetes.NewForConfig(sc.stage.Config)
	sc.must(err)
	sc.must(stage.Await(sc.Context(), patience, func(ctx context.Context) error {
		raw, err := clients.CoreV1().Services(stage.Namespace).ProxyGet("http", service, "http", "/", nil).DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("asking Service %s: %w", service, err)
		}
		var shop struct{ Version string }
		if err := json.Unmarshal(raw, &shop); err != nil {
			return fmt.Errorf("Service %s answers %q: %w", service, raw, err)
		}
		if shop.Version != version {
			return fmt.Errorf("Service %s leads to version %q, want %q", service, shop.Version, version)
		}
		return nil
	}))
}

// customers send ten requests a second to a Service for so many seconds, each on a connection of its own. Every
// one of them has to be answered with 200.
func (sc *scene) customers(service string, seconds int) (wait func()) {
	sc.Helper()
	background := metav1.DeletePropagationBackground
	remove := func(ctx context.Context) error {
		return client.IgnoreNotFound(sc.stage.Client.Delete(ctx, &batchv1.Job{ObjectMeta: named("customers")}, &client.DeleteOptions{PropagationPolicy: &background}))
	}
	sc.must(remove(sc.Context()))
	sc.Cleanup(func() {
		if err := remove(context.Background()); err != nil {
			sc.Error(err)
		}
	})
	sc.apply(fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: customers, namespace: argo-rollouts}
data:
  load.yaml: |
    config:
      phases: [{duration: %d, arrivalRate: 10, name: Customers}]
      plugins: {ensure: {}}
      ensure:
        maxErrorRate: 0
        conditions: [{expression: "http.codes.200 == http.requests"}]
    scenarios:
      - name: Browse
        flow: [{get: {url: /collection/FRONT_PAGE}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: customers, namespace: argo-rollouts}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      volumes: [{name: script, configMap: {name: customers}}]
      containers:
      - name: load
        image: local/sluice-load:1
        command: [run, run, -t, "http://%s.argo-rollouts.svc.cluster.local", /script/load.yaml]
        volumeMounts: [{name: script, mountPath: /script}]
`, seconds, service))
	job := func(ctx context.Context) (*batchv1.Job, error) {
		j := &batchv1.Job{}
		return j, sc.stage.Client.Get(ctx, client.ObjectKey{Namespace: stage.Namespace, Name: "customers"}, j)
	}
	sc.must(stage.Await(sc.Context(), patience, func(ctx context.Context) error {
		if j, err := job(ctx); err != nil || j.Status.Ready == nil || *j.Status.Ready == 0 {
			return fmt.Errorf("the customers have not come yet (%v)", err)
		}
		return nil
	}))
	came := time.Now()
	return func() {
		sc.Helper()
		if since := time.Since(came); since > time.Duration(seconds)*time.Second {
			sc.Errorf("the story took %s, and the customers went after %d s", since.Round(time.Second), seconds)
		}
		sc.must(stage.Await(sc.Context(), patience, func(ctx context.Context) error {
			if j, err := job(ctx); err != nil || j.Status.Succeeded+j.Status.Failed == 0 {
				return fmt.Errorf("the customers are still there (%v)", err)
			}
			return nil
		}))
		out, err := sc.kubectl("logs", "job/customers")
		sc.must(err)
		// Not by the Job's own end: on a busy machine the load generator says that it could not keep its pace.
		sc.says("the customers' report", out, "ok: maxErrorRate <= 0", "ok: http.codes.200 == http.requests")
	}
}

// A version is looked at through the preview Service, and people switch to it; the next one is measured after its
// switch, is bad, and is taken back. Customers come all the time.
func TestNobodyNoticesABlueGreenSwitchNorItsWayBack(t *testing.T) {
	sc := play(t)
	afterwards := `{autoPromotionEnabled: false, postPromotionAnalysis: {templates: [{templateName: checks}]}}`
	first := sc.first(sc.twoColoured(afterwards), sc.entrances(), template(good)).Status.StableRS
	sc.answers("blue-green-active", "1")
	gone := sc.customers("blue-green-active", 35)

	sc.ship(stage.Version{Name: "2"})
	sc.pausesBeforeTheSwitch()
	sc.answers("blue-green-preview", "2")
	sc.answers("blue-green-active", "1")
	out, err := sc.sluice("get", "rollout", "rollouts-demo")
	sc.must(err)
	sc.says("get rollout", out, "BlueGreen", "sluice promote")
	_, err = sc.sluice("promote", "rollouts-demo")
	sc.must(err)
	second := sc.becomes(api.RolloutPhaseHealthy, patience).Status.StableRS
	sc.answers("blue-green-active", "2")
	if second == first {
		t.Errorf("stable is still %s", first)
	}

	sc.apply(template(query("cpu", "vector(0.0102)", `interval: 1s, count: 1, successCondition: "result[0] <= 0.004"`)))
	sc.ship(stage.Version{Name: "3"})
	sc.pausesBeforeTheSwitch()
	_, err = sc.sluice("promote", "rollouts-demo")
	sc.must(err)
	ro := sc.becomes(api.RolloutPhaseDegraded, patience)
	sc.says("the message", ro.Status.Message, "RolloutAborted", "0.0102", "0.004")
	sc.answers("blue-green-active", "2")
	sc.answers("blue-green-preview", "3")
	if ro.Status.StableRS != second {
		t.Errorf("stable is %s, want %s", ro.Status.StableRS, second)
	}
	gone()
}

// pausesBeforeTheSwitch waits until somebody has to promote.
func (sc *scene) pausesBeforeTheSwitch() {
	sc.Helper()
	sc.until("a pause before the switch", func(ro *api.Rollout) bool {
		return ro.Status.Phase == api.RolloutPhasePaused && ro.Status.Message == string(api.PauseReasonBlueGreenPause)
	})
}

func TestABadPreviewIsNeverSwitchedTo(t *testing.T) {
	sc := play(t)
	first := sc.first(sc.twoColoured(`{abortScaleDownDelaySeconds: 1, previewReplicaCount: 1, prePromotionAnalysis: {templates: [{templateName: checks}]}}`), sc.entrances(),
		template(query("cpu", "vector(0.0102)", `interval: 1s, count: 1, successCondition: "result[0] <= 0.004"`))).Status.StableRS
	seen := sc.record()
	sc.ship(stage.Version{Name: "2"})
	ro := sc.becomes(api.RolloutPhaseDegraded, patience)
	sc.says("the message", ro.Status.Message, "RolloutAborted", "0.0102")
	sc.answers("blue-green-active", "1")
	sc.must(stage.Await(t.Context(), patience, func(ctx context.Context) error {
		pods, err := sc.stage.Pods(ctx, ro.Status.CurrentPodHash)
		if err == nil && len(pods) > 0 {
			err = fmt.Errorf("the preview still has %d pods", len(pods))
		}
		return err
	}))
	if sizes := fmt.Sprint(seen.of(ro.Status.CurrentPodHash)); sizes != "[1 0]" {
		t.Errorf("the sizes of the preview were %s, want 1 and then none", sizes)
	}
	if ro.Status.StableRS != first || ro.Status.BlueGreen.ActiveSelector != first {
		t.Errorf("stable is %s and the active Service leads to %s, want %s", ro.Status.StableRS, ro.Status.BlueGreen.ActiveSelector, first)
	}
	if n := seen.fewest(); n < 3 {
		t.Errorf("only %d pods served at one time", n)
	}

	// The Services are free when the Rollout is gone.
	sc.must(sc.stage.Reset(t.Context()))
	sc.must(stage.Await(t.Context(), patience, func(ctx context.Context) error {
		var service corev1.Service
		if err := sc.stage.Client.Get(ctx, client.ObjectKey{Namespace: stage.Namespace, Name: "blue-green-active"}, &service); err != nil {
			return err
		}
		if len(service.Spec.Selector) != 1 || service.Annotations[api.AnnotationManagedBy] != "" {
			return fmt.Errorf("it still selects %v", service.Spec.Selector)
		}
		return nil
	}))
}
