package controller_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// applied makes a merge patch of a spec as an old kubectl without strict validation applies it: the server drops
// what it does not know, the annotation still shows it.
func applied(steps string) string {
	return `{"metadata":{"annotations":{"` + api.AnnotationLastApplied + `":"{\"spec\":{\"strategy\":{\"canary\":{\"steps\":` +
		strings.ReplaceAll(steps, `"`, `\"`) + `}}}}"}},"spec":{"strategy":{"canary":{"steps":` + steps + `}}}}`
}

func TestAFieldThatTheServerDroppedIsWarnedOfOncePerGeneration(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.record()
	p.start()
	p.create(shop(`[{setWeight: 20}]`))
	p.becomes("Healthy")
	p.patch("shop", applied(`[{"setWeight":20},{"setWeight":40,"pauze":{"token":"s3cret"}}]`), false)
	p.becomes("Healthy")
	p.patch("shop", `{"metadata":{"labels":{"pass":"another"}}}`, false) // no new generation
	p.patch("shop", `{"spec":{"replicas":4}}`, false)
	p.becomes("Healthy")
	want := "The manifest that was applied has fields this API does not have, which do nothing: spec.strategy.canary.steps[1].pauze (did you mean pause?)."
	p.eventually("it is told for each generation", func() string {
		var list corev1.EventList
		if err := p.client.List(t.Context(), &list, client.InNamespace(p.namespace)); err != nil {
			return err.Error()
		}
		var told []string
		for _, e := range list.Items {
			if e.Type == corev1.EventTypeWarning {
				told = append(told, e.Message)
			}
		}
		if !slices.Equal(told, []string{want, want}) {
			return "warnings are " + strings.Join(told, " | ")
		}
		return ""
	})
}
