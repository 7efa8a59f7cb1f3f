package controller_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// rival writes the status of every rollout as it sees it, whenever it is otherwise.
func (p *place) rival(ctx context.Context) (ended func()) {
	p.Helper()
	events, err := p.client.Watch(ctx, &api.RolloutList{}, client.InNamespace(p.namespace))
	if err != nil {
		p.Fatal(err)
	}
	const opinion = "as the rival sees it"
	var busy sync.WaitGroup
	busy.Go(func() {
		for event := range events.ResultChan() {
			if r, ok := event.Object.(*api.Rollout); ok && r.Status.Message != opinion {
				_ = p.client.Status().Patch(ctx, p.named(r.Name),
					client.RawPatch(types.MergePatchType, []byte(`{"status":{"message":"`+opinion+`"}}`)), client.FieldOwner("the-rival"))
			}
		}
	})
	return func() {
		events.Stop()
		busy.Wait()
	}
}

func TestAnotherControllerIsReportedAndNotFought(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.record()
	var saves atomic.Int64
	p.start(over(wire{seen: func(r *http.Request) error {
		if writes(r) && strings.HasSuffix(r.URL.Path, "/status") {
			saves.Add(1)
		}
		return nil
	}}))
	p.create(shop(`[{setWeight: 20}, {pause: {}}]`))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Paused")

	ended := p.rival(t.Context())
	before := saves.Load()
	p.patch("shop", `{"metadata":{"annotations":{"touched":"once"}}}`, false)
	time.Sleep(3 * time.Second)
	if n := saves.Load() - before; n < 2 || n > 7 {
		t.Errorf("the status was saved %d times in 3 s against a rival", n)
	}
	p.eventually("the rival is named, once", func() string {
		var list corev1.EventList
		if err := p.client.List(t.Context(), &list, client.InNamespace(p.namespace)); err != nil {
			return err.Error()
		}
		var told []string
		for _, e := range list.Items {
			if e.Type == corev1.EventTypeWarning && e.Reason == api.EventRolloutReconciliationError {
				told = append(told, e.Message)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0], "Another controller") || !strings.Contains(told[0], "message") || !strings.Contains(told[0], "the-rival") {
			return "it is told: " + strings.Join(told, " | ")
		}
		return ""
	})
	p.patch("shop", `{"status":{"abort":true}}`, true)
	began := time.Now()
	p.eventually("an abort goes through", func() string {
		if p.rollout("shop").Status.AbortedAt == nil {
			return "it does not"
		}
		return ""
	})
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("an abort took %s", took)
	}
	ended()
	p.becomes("Degraded RolloutAborted")
}
