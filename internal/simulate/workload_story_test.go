package simulate

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// migrating is the seed's Rollout with the template of a Deployment that serves with five pods. New pods of
// the Rollout come up one after another, a second apart.
func migrating(mode api.ScaleDownMode) func(testing.TB) *World {
	return func(t testing.TB) *World {
		t.Helper()
		w := seed(t)
		template := w.Rollout().Spec.Template
		w.Apply(func(ro *api.Rollout) {
			ro.Spec.Template, ro.Spec.Selector = corev1.PodTemplateSpec{}, nil
			ro.Spec.WorkloadRef = &api.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop", ScaleDown: mode}
		})
		w.Deploy("shop", 5, template)
		n := 0
		w.Boot = func(string) time.Duration { n++; return time.Duration((n-1)%5+1) * time.Second }
		return w
	}
}

// leastServing follows how few pods served, of the Rollout and of the Deployment, at every moment and after
// every change of the Deployment's size from now on.
func leastServing(w *World, tr *Transcript) (least *int32, note func()) {
	n := w.everything()
	w.Rescaled = func(r Rescale) { n = min(n, r.ServingAfter) }
	return &n, func() { n = min(n, w.everything()); tr.Note() }
}

// shipThere applies a new version to the Deployment.
func shipThere(w *World, tr *Transcript, version string) {
	tr.Say("kubectl set image deployment: version %s", version)
	w.EditDeployment(func(_ *int32, template *corev1.PodTemplateSpec) { template.Spec.Containers[0].Env[0].Value = version })
}

// rescale gives the Deployment another size.
func rescale(w *World, tr *Transcript, who string, n int32) {
	tr.Say("%s scales the Deployment to %d", who, n)
	w.EditDeployment(func(replicas *int32, _ *corev1.PodTemplateSpec) { *replicas = n })
}

func passNoting(t *testing.T, w *World, tr *Transcript, d time.Duration, note func()) {
	t.Helper()
	if !w.Until(w.Now.Add(d), note) {
		t.Fatalf("the world never came to rest:\n%s", tr)
	}
}

// deploymentHas checks how many pods of its own the Deployment wants, and whether the Rollout is held for it.
func deploymentHas(t *testing.T, w *World, wanted int32, held bool) {
	t.Helper()
	if got, _ := w.DeploymentPods(); got != wanted {
		t.Errorf("the Deployment wants %d pods of its own, want %d", got, wanted)
	}
	if got := slices.Contains(w.Rollout().Finalizers, api.FinalizerRestoreWorkload); got != held {
		t.Errorf("the finalizer is there: %v, want %v", got, held)
	}
}

// TestMigrationStories tells how a Rollout takes over from the Deployment that has its template.
func TestMigrationStories(t *testing.T) {
	progressively, onSuccess, never := migrating(api.ScaleDownProgressively), migrating(api.ScaleDownOnSuccess), migrating(api.ScaleDownNever)
	tell(t, []story{
		{name: "a migration progressively never has fewer than R pods available", in: progressively, tell: func(t *testing.T, w *World, tr *Transcript) {
			least, note := leastServing(w, tr)
			passNoting(t, w, tr, 10*time.Second, note)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
			deploymentHas(t, w, 0, true)
			if *least < 5 {
				t.Errorf("%d pods served at one moment, want 5 at least", *least)
			}
			shipThere(w, tr, "2")
			passNoting(t, w, tr, 3*time.Minute, note)
			is(t, w, api.RolloutPhaseHealthy, "")
			deploymentHas(t, w, 0, true)
			if *least < 4 {
				t.Errorf("%d pods served at one moment of the update, want 4 at least", *least)
			}
		}},
		{name: "a migration gives pods back while the first revision loses its own", in: progressively, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 3*time.Second)
			deploymentHas(t, w, 2, true)
			tr.Say("two pods of the Rollout fail, and no more come up")
			w.Break(w.Rollout().Status.StableRS, 2)
			w.Boot = func(string) time.Duration { return -1 }
			pass(t, w, tr, 500*time.Millisecond)
			deploymentHas(t, w, 4, true)
			w.Mend()
			pass(t, w, tr, 10*time.Second)
			deploymentHas(t, w, 0, true)
		}},
		{name: "onsuccess scales the Deployment down once the Rollout is healthy", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 4500*time.Millisecond)
			deploymentHas(t, w, 5, false)
			pass(t, w, tr, time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			deploymentHas(t, w, 0, true)
		}},
		{name: "never leaves the Deployment alone", in: never, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			deploymentHas(t, w, 5, false)
			shipThere(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			deploymentHas(t, w, 5, false)
			if got := w.Rollout().Annotations[api.AnnotationWorkloadGeneration]; got != "2" || w.Rollout().Status.WorkloadObservedGeneration != got {
				t.Errorf("generation %q was seen and %q is known, want 2", got, w.Rollout().Status.WorkloadObservedGeneration)
			}
		}},
		{name: "a failed first revision leaves the Deployment running", in: progressively, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(string) time.Duration { return -1 }
			pass(t, w, tr, 11*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "ProgressDeadlineExceeded")
			deploymentHas(t, w, 5, false)
			w.Boot = func(string) time.Duration { return time.Second }
			least, note := leastServing(w, tr)
			shipThere(w, tr, "2 with the fault corrected")
			passNoting(t, w, tr, 3*time.Minute, note)
			is(t, w, api.RolloutPhaseHealthy, "")
			deploymentHas(t, w, 0, true)
			if *least < 5 {
				t.Errorf("%d pods served at one moment, want 5 at least", *least)
			}
		}},
		{name: "E6 an autoscaler's later change brings no pods of the Deployment back", in: progressively, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 10*time.Second)
			deploymentHas(t, w, 0, true)
			does(t, w, tr, "the autoscaler sets 10", scale(10))
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 10)
			deploymentHas(t, w, 0, true)
		}},
		{name: "E7 a Deployment that GitOps scales again gives its pods up again", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 10*time.Second)
			shipThere(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			deploymentHas(t, w, 0, true)
			rescale(w, tr, "a sync", 5)
			pass(t, w, tr, time.Second)
			deploymentHas(t, w, 0, true)
			rescale(w, tr, "the next sync", 5)
			pass(t, w, tr, 5*time.Second)
			deploymentHas(t, w, 5, true) // not one after another without end
			pass(t, w, tr, 10*time.Second)
			deploymentHas(t, w, 0, true)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "E7 in the middle of an update", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil })
			pass(t, w, tr, 10*time.Second)
			shipThere(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			rescale(w, tr, "a sync", 5) // with version 2, which has passed no gate
			pass(t, w, tr, time.Second)
			deploymentHas(t, w, 0, true)
		}},
		{name: "E8 a Rollout that is deleted gives the pods back first", in: progressively, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 10*time.Second)
			least, note := leastServing(w, tr)
			w.DeploymentBoot = func() time.Duration { return 20 * time.Second }
			tr.Say("kubectl delete rollout")
			w.Delete()
			passNoting(t, w, tr, 19*time.Second, note)
			serves(t, w, 0, 5)
			passNoting(t, w, tr, 2*time.Second, note)
			if !w.Gone() || *least < 5 || w.deployment.Before != 0 {
				t.Errorf("gone %v, %d pods served at one moment, note of %d pods; want true, 5 at least, none", w.Gone(), *least, w.deployment.Before)
			}
			if wanted, available := w.DeploymentPods(); wanted != 5 || available != 5 {
				t.Errorf("the Deployment has %d of %d pods, want 5", available, wanted)
			}
		}},
		{name: "E8 a deletion ends although the pods never come", in: progressively, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 10*time.Second)
			w.DeploymentBoot = func() time.Duration { return -1 }
			tr.Say("kubectl delete rollout")
			w.Delete()
			pass(t, w, tr, 9*time.Minute)
			serves(t, w, 0, 5)
			pass(t, w, tr, 2*time.Minute)
			if wanted, _ := w.DeploymentPods(); !w.Gone() || wanted != 5 {
				t.Errorf("gone %v, the Deployment wants %d, want true and 5", w.Gone(), wanted)
			}
		}},
		{name: "E8 the Deployment is deleted together with the Rollout", in: progressively, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 10*time.Second)
			tr.Say("kubectl delete of both")
			w.DeleteDeployment()
			w.Delete()
			pass(t, w, tr, time.Second)
			if !w.Gone() {
				t.Errorf("the Rollout is still there: %s", w.Reason().Message)
			}
		}},
		{name: "E9 the referenced Deployment is missing", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 10*time.Second)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			shipThere(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			at(t, w, 2)
			serves(t, w, 1, 4)
			tr.Say("kubectl delete deployment")
			gone := w.deployment
			w.DeleteDeployment()
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "spec.workloadRef: Deployment shop does not exist")
			at(t, w, 2)
			serves(t, w, 1, 4)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "")
			serves(t, w, 0, 5)
			tr.Say("the Deployment is applied again")
			w.deployment = gone
			w.touch()
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
		}},
		{name: "E9 the Deployment was never there", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			template := w.deployment.template
			w.DeleteDeployment()
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "Deployment shop does not exist")
			w.Deploy("shop", 5, template)
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "E10 onsuccess needs no run for the first revision", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, false)
			pass(t, w, tr, 10*time.Second)
			deploymentHas(t, w, 0, true)
			if n := len(w.Runs()); n != 0 {
				t.Errorf("%d runs were begun for the first revision", n)
			}
		}},
		{name: "E10 onsuccess in a blue-green Rollout, which gives its Services back when it is deleted", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.CreateService("shop")
			w.Apply(func(ro *api.Rollout) {
				ro.Spec.Strategy = api.RolloutStrategy{BlueGreen: &api.BlueGreenStrategy{ActiveService: "shop"}}
			})
			least, note := leastServing(w, tr)
			passNoting(t, w, tr, 10*time.Second, note)
			is(t, w, api.RolloutPhaseHealthy, "")
			deploymentHas(t, w, 0, true)
			shipThere(w, tr, "2")
			passNoting(t, w, tr, time.Minute, note)
			is(t, w, api.RolloutPhaseHealthy, "")
			deploymentHas(t, w, 0, true)
			w.DeploymentBoot = func() time.Duration { return 5 * time.Second }
			tr.Say("kubectl delete rollout")
			w.Delete()
			passNoting(t, w, tr, 4*time.Second, note)
			if s, _ := w.Service("shop"); s.Hash == "" {
				t.Error("the Service selects all pods before the Deployment has its own back")
			}
			passNoting(t, w, tr, 10*time.Second, note)
			if s, _ := w.Service("shop"); s.Hash != "" || !w.Gone() || *least < 5 {
				t.Errorf("the Service names %q, gone %v, %d pods served at one moment", s.Hash, w.Gone(), *least)
			}
		}},
		{name: "a Rollout with a template of its own lets go of the Deployment", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			pass(t, w, tr, 10*time.Second)
			deploymentHas(t, w, 0, true)
			stable := w.Rollout().Status.StableRS
			tr.Say("kubectl apply: the template instead of workloadRef")
			template := w.deployment.template
			w.Apply(func(ro *api.Rollout) {
				ro.Spec.WorkloadRef, ro.Spec.Template = nil, template
				ro.Spec.Selector = &metav1.LabelSelector{MatchLabels: template.Labels}
			})
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			deploymentHas(t, w, 0, false)
			s := w.Rollout().Status
			if s.StableRS != stable || s.WorkloadObservedGeneration != "" || w.Rollout().Annotations[api.AnnotationWorkloadGeneration] != "" {
				t.Errorf("stable %s, was %s; generation %q is still noted", s.StableRS, stable, s.WorkloadObservedGeneration)
			}
		}},
		{name: "a Rollout without pods takes none", in: onSuccess, tell: func(t *testing.T, w *World, tr *Transcript) {
			none := int32(0)
			w.Apply(func(ro *api.Rollout) { ro.Spec.Replicas = &none })
			pass(t, w, tr, 10*time.Second)
			deploymentHas(t, w, 5, false)
		}},
	})
}
