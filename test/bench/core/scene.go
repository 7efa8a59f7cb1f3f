package main

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/simulate"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shop is a Rollout with a canary of so many steps: weights and short pauses by turns.
func shop(replicas int32, steps int) *api.Rollout {
	ro := &api.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "web"}}
	ro.Spec.Replicas = &replicas
	ro.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	ro.Spec.Template = template(1)
	canary := &api.CanaryStrategy{}
	for i := range steps {
		weight, second := int32(100*(i+1)/(steps+1)), intstr.FromInt32(1)
		step := api.CanaryStep{SetWeight: &weight}
		if i%2 == 1 {
			step = api.CanaryStep{Pause: &api.RolloutPause{Duration: &second}}
		}
		canary.Steps = append(canary.Steps, step)
	}
	ro.Spec.Strategy.Canary = canary
	return ro
}

func template(version int) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "web", Image: fmt.Sprint("registry.example/web:", version),
			Env:   []corev1.EnvVar{{Name: "PORT", Value: "8080"}, {Name: "MODE", Value: "production"}},
			Ports: []corev1.ContainerPort{{ContainerPort: 8080}},
		}}},
	}
}

// largeCanary is what a pass sees in the middle of the tenth update of a canary with 20 steps.
func largeCanary() decide.RolloutInput {
	w := simulate.New(shop(10, 20), noon)
	for version := range 10 {
		w.Apply(func(ro *api.Rollout) { ro.Spec.Template = template(version + 1) })
		w.Until(w.Now.Add(time.Minute), func() {})
	}
	w.Apply(func(ro *api.Rollout) { ro.Spec.Template = template(100) })
	w.Until(w.Now.Add(5*time.Second), func() {})
	return w.Look()
}

// playUpdates plays a first deployment and an update in one world after the other, and counts the passes.
func playUpdates() (passes int) {
	for range 40 {
		w := simulate.New(shop(5, 8), noon)
		w.Quick = true
		for version := range 2 {
			w.Apply(func(ro *api.Rollout) { ro.Spec.Template = template(version) })
			w.Until(w.Now.Add(time.Minute), func() {})
		}
		passes += w.Passes()
	}
	return passes
}
