package controller_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
)

// borrowing is a rollout with the template of another object.
func borrowing(ref, more string) string {
	return `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  replicas: 3
  workloadRef: ` + ref + `
  strategy: {canary: {steps: [{setWeight: 34}, {pause: {}}]}}
` + more
}

const deployed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
`

func deploymentRef(mode string) string {
	return fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, name: web, scaleDown: %s}", mode)
}

// deployments plays the controller of Deployments: their pods are available after a while. It notes every
// size a Deployment was given.
type deployments struct {
	mu    sync.Mutex
	sizes []int32
	after func() time.Duration
}

func (p *place) deployments() *deployments {
	p.Helper()
	d := &deployments{after: func() time.Duration { return 0 }}
	ctx, cancel := context.WithCancel(context.Background())
	events, err := p.client.Watch(ctx, &appsv1.DeploymentList{}, client.InNamespace(p.namespace))
	if err != nil {
		p.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		for event := range events.ResultChan() {
			if o, ok := event.Object.(*appsv1.Deployment); ok && event.Type != "DELETED" {
				d.settle(ctx, p.client, o)
			}
		}
	})
	p.Cleanup(func() { cancel(); events.Stop(); busy.Wait() })
	return d
}

func (d *deployments) settle(ctx context.Context, c client.Client, o *appsv1.Deployment) {
	d.mu.Lock()
	if n := len(d.sizes); n == 0 || d.sizes[n-1] != *o.Spec.Replicas {
		d.sizes = append(d.sizes, *o.Spec.Replicas)
	}
	after := d.after()
	d.mu.Unlock()
	if o.Status.ObservedGeneration == o.Generation {
		return
	}
	time.Sleep(after)
	next := o.DeepCopy()
	n := *o.Spec.Replicas
	next.Status = appsv1.DeploymentStatus{ObservedGeneration: o.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n}
	_ = c.Status().Patch(ctx, next, client.MergeFrom(o))
}

func (d *deployments) seen() []int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.sizes)
}

func (p *place) deployment() *appsv1.Deployment {
	p.Helper()
	d := &appsv1.Deployment{}
	if err := p.client.Get(p.Context(), types.NamespacedName{Namespace: p.namespace, Name: "web"}, d); err != nil {
		p.Fatal(err)
	}
	return d
}

// followed waits until the generation of the workload is known, as Argo CD does.
func (p *place) followed(generation int64) {
	p.Helper()
	p.eventually(fmt.Sprintf("generation %d of the workload is known", generation), func() string {
		r := p.rollout("shop")
		noted, known := r.Annotations[api.AnnotationWorkloadGeneration], r.Status.WorkloadObservedGeneration
		if want := fmt.Sprint(generation); noted != want || known != want {
			return fmt.Sprintf("the annotation says %q, the status %q", noted, known)
		}
		return ""
	})
}

// TestARolloutTakesItsTemplateFromEachKindOfWorkload has each kind give the first version, then another one.
func TestARolloutTakesItsTemplateFromEachKindOfWorkload(t *testing.T) {
	const (
		template = `{metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: "shop:1"}]}}`
		other    = `{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"shop","image":"shop:2"}]}}`
	)
	cases := []struct{ kind, version, object, more, change string }{
		{"Deployment", "apps/v1", deployed, "", `{"spec":{"template":` + other + `}}`},
		{"ReplicaSet", "apps/v1", "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web}\nspec: {replicas: 0, selector: {matchLabels: {app: shop}}, template: " + template + "}\n", "",
			`{"spec":{"template":` + other + `}}`},
		{"PodTemplate", "v1", "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: web}\ntemplate: " + template + "\n", "  selector: {matchLabels: {app: shop}}\n",
			`{"template":` + other + `}`},
	}
	for _, c := range cases {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.kubelet(&kubelet{})
			p.start()
			p.create(c.object, borrowing(fmt.Sprintf("{apiVersion: %s, kind: %s, name: web}", c.version, c.kind), c.more))
			stable := p.becomes("Healthy").Status.StableRS
			p.followed(1)
			p.edit(cluster.Workload(schema.FromAPIVersionAndKind(c.version, c.kind)), "web", c.change)
			p.eventually("the update begins", func() string {
				if r := p.rollout("shop"); !strings.HasPrefix(phase(r), "Paused CanaryPauseStep") || r.Status.CurrentPodHash == stable {
					return phase(r)
				}
				return ""
			})
			p.followed(2)
			var sets appsv1.ReplicaSetList
			if err := p.client.List(t.Context(), &sets, client.InNamespace(p.namespace), client.HasLabels{api.LabelPodTemplateHash}); err != nil {
				t.Fatal(err)
			}
			images := map[string]bool{}
			for _, rs := range sets.Items {
				images[rs.Spec.Template.Spec.Containers[0].Image] = true
			}
			if len(sets.Items) != 2 || !images["shop:1"] || !images["shop:2"] {
				t.Errorf("there are %d revisions with %v, want shop:1 and shop:2", len(sets.Items), images)
			}
			if r := p.rollout("shop"); len(r.Spec.Template.Spec.Containers) != 0 || (c.more == "") != (r.Spec.Selector == nil) {
				t.Errorf("the borrowed template was written: %+v", r.Spec)
			}
			p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
			p.becomes("Healthy")
		})
	}
}

func TestADeploymentGivesUpItsPods(t *testing.T) {
	cases := []struct {
		mode  string
		sizes []int32
	}{
		{"never", []int32{3}},
		{"onsuccess", []int32{3, 0}},
		{"progressively", []int32{3, 2, 1, 0}},
	}
	for _, c := range cases {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			var ready atomic.Int32
			k := &kubelet{available: func(rs *appsv1.ReplicaSet) int32 { return min(*rs.Spec.Replicas, ready.Load()) }}
			p.kubelet(k)
			d := p.deployments()
			p.start()
			p.create(deployed, borrowing(deploymentRef(c.mode), ""))
			p.becomes("Progressing")
			for n := int32(1); n <= 3; n++ {
				ready.Store(n)
				p.nudge(k)
				if c.mode == "progressively" {
					p.eventually("the Deployment follows", func() string {
						if got := *p.deployment().Spec.Replicas; got != 3-n {
							return fmt.Sprintf("it wants %d, want %d", got, 3-n)
						}
						return ""
					})
				}
			}
			p.becomes("Healthy")
			p.eventually("the Deployment has its size", func() string {
				if got := d.seen(); !slices.Equal(got, c.sizes) {
					return fmt.Sprintf("it had the sizes %v, want %v", got, c.sizes)
				}
				return ""
			})
			p.followed(p.deployment().Generation)
			taken := c.mode != "never"
			if held := slices.Contains(p.rollout("shop").Finalizers, api.FinalizerRestoreWorkload); held != taken {
				t.Errorf("the finalizer is there: %v, want %v", held, taken)
			}
			if before := p.deployment().Annotations[api.AnnotationReplicasBefore]; (before == "3") != taken {
				t.Errorf("the Deployment says that it had %q pods", before)
			}
		})
	}
}

// nudge lets the kubelet look at every ReplicaSet again.
func (p *place) nudge(k *kubelet) {
	p.Helper()
	var list appsv1.ReplicaSetList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	for i := range list.Items {
		k.settle(p.Context(), p.client, &list.Items[i])
	}
}

// TestADeletedRolloutGivesThePodsBackFirst is E8: it stays until the Deployment serves again.
func TestADeletedRolloutGivesThePodsBackFirst(t *testing.T) {
	p := newPlace(t)
	p.kubelet(&kubelet{})
	d := p.deployments()
	p.start()
	p.create(deployed, borrowing(deploymentRef("onsuccess"), ""))
	p.becomes("Healthy")
	p.eventually("the Deployment has given up its pods", func() string {
		if got := *p.deployment().Spec.Replicas; got != 0 {
			return fmt.Sprintf("it wants %d", got)
		}
		return ""
	})
	d.mu.Lock()
	d.after = func() time.Duration { return 500 * time.Millisecond }
	d.mu.Unlock()
	if err := p.client.Delete(t.Context(), p.named("shop")); err != nil {
		t.Fatal(err)
	}
	p.eventually("the Rollout goes", func() string {
		there := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "shop"}, &api.Rollout{})
		now := p.deployment()
		if apierrors.IsNotFound(there) {
			if now.Status.AvailableReplicas != 3 || *now.Spec.Replicas != 3 {
				t.Errorf("it went while %d of %d pods of the Deployment served", now.Status.AvailableReplicas, *now.Spec.Replicas)
			}
			return ""
		}
		return fmt.Sprintf("it is still there: %v", there)
	})
	if notes := p.deployment().Annotations; notes[api.AnnotationReplicasBefore] != "" || notes[api.AnnotationReplicasSet] != "" {
		t.Errorf("the Deployment still says %v", notes)
	}
}

// TestAMissingWorkloadIsNamed is E9: nothing moves, and what comes back is seen at once.
func TestAMissingWorkloadIsNamed(t *testing.T) {
	p := newPlace(t)
	p.kubelet(&kubelet{})
	p.start()
	p.create(borrowing(deploymentRef("onsuccess"), ""))
	p.becomes(`Degraded InvalidSpec: The Rollout "shop" is invalid: spec.workloadRef: Deployment web does not exist`)
	p.create(deployed)
	p.becomes("Healthy")
	sizes := p.sizes()
	if err := p.client.Delete(t.Context(), p.deployment()); err != nil {
		t.Fatal(err)
	}
	p.becomes("Degraded InvalidSpec")
	if now := p.sizes(); fmt.Sprint(now) != fmt.Sprint(sizes) {
		t.Errorf("the pods moved from %v to %v", sizes, now)
	}
	p.create(deployed)
	p.becomes("Healthy")
}

func TestARolloutWithAWorkloadAsksNothingAtRest(t *testing.T) {
	p := newPlace(t)
	p.kubelet(&kubelet{})
	p.deployments()
	var asked sync.Map
	var listening atomic.Bool
	p.start(over(wire{seen: func(r *http.Request) error {
		if listening.Load() {
			asked.Store(r.Method+" "+r.URL.String(), true)
		}
		return nil
	}}))
	p.create(deployed, borrowing(deploymentRef("progressively"), ""))
	p.becomes("Healthy")
	time.Sleep(2 * time.Second) // the events are on their way
	listening.Store(true)
	time.Sleep(3 * time.Second)
	asked.Range(func(request, _ any) bool {
		t.Errorf("asked at rest: %v", request)
		return true
	})
}
