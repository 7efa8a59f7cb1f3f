package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// entrances notes every state of the Services and ReplicaSets of a place. The versions of all objects grow
// together, so that they can be told again in the order in which they became true.
type entrances struct {
	place *place
	mu    sync.Mutex
	seen  []change
}

// change is one state of a Service or a ReplicaSet.
type change struct {
	version   int64
	service   string
	hash      string
	available int32 // of a ReplicaSet
	wanted    int32
}

// entrances watches until the test ends.
func (p *place) entrances() *entrances {
	p.Helper()
	e := &entrances{place: p}
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	for _, list := range []client.ObjectList{&corev1.ServiceList{}, &appsv1.ReplicaSetList{}} {
		events, err := p.client.Watch(ctx, list, client.InNamespace(p.namespace))
		if err != nil {
			p.Fatal(err)
		}
		busy.Go(func() {
			defer events.Stop()
			for {
				select {
				case event, more := <-events.ResultChan():
					if !more {
						return
					}
					e.note(event.Object)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	p.Cleanup(func() { cancel(); busy.Wait() })
	return e
}

func (e *entrances) note(object any) {
	var now change
	var version string
	switch o := object.(type) {
	case *corev1.Service:
		version, now = o.ResourceVersion, change{service: o.Name, hash: o.Spec.Selector[api.LabelPodTemplateHash]}
	case *appsv1.ReplicaSet:
		version = o.ResourceVersion
		now = change{hash: o.Labels[api.LabelPodTemplateHash], wanted: *o.Spec.Replicas, available: min(o.Status.AvailableReplicas, *o.Spec.Replicas)}
	default:
		return
	}
	now.version, _ = strconv.ParseInt(version, 10, 64)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, now)
}

// story are the changes so far, up to what the server has now.
func (e *entrances) story() []change {
	e.place.Helper()
	var list corev1.ServiceList
	if err := e.place.client.List(e.place.Context(), &list, client.InNamespace(e.place.namespace)); err != nil {
		e.place.Fatal(err)
	}
	e.place.eventually("the watch has seen everything", func() string {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, s := range list.Items {
			if !slices.ContainsFunc(e.seen, func(c change) bool { return fmt.Sprint(c.version) == s.ResourceVersion }) {
				return "Service " + s.Name + " is missing"
			}
		}
		return ""
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	story := slices.Clone(e.seen)
	slices.SortStableFunc(story, func(a, b change) int { return int(a.version - b.version) })
	return story
}

// of are the revisions a Service has led to, in order.
func (e *entrances) of(service string) (hashes []string) {
	e.place.Helper()
	for _, c := range e.story() {
		if c.service == service && (len(hashes) == 0 || hashes[len(hashes)-1] != c.hash) {
			hashes = append(hashes, c.hash)
		}
	}
	return hashes
}

// fewest is how many pods answered for a Service, since it was first pointed at a revision, when they were
// fewest.
func (e *entrances) fewest(service string) int32 {
	e.place.Helper()
	available, to, least := map[string]int32{}, "", int32(-1)
	for _, c := range e.story() {
		switch c.service {
		case "":
			available[c.hash] = c.available
		case service:
			to = c.hash
		}
		if now := available[to]; to != "" && (least < 0 || now < least) {
			least = now
		}
	}
	return least
}

// plainService is a Service that nobody has pointed anywhere.
func plainService(name string) string {
	return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {ports: [{port: 80}], selector: {app: shop}}"
}

// runsOf counts the runs of a type that a revision had.
func (p *place) runsOf(kind, hash string) (phases []api.AnalysisPhase) {
	p.Helper()
	var list api.AnalysisRunList
	labels := client.MatchingLabels{api.LabelRolloutType: kind, api.LabelPodTemplateHash: hash}
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace), labels); err != nil {
		p.Fatal(err)
	}
	for _, run := range list.Items {
		phases = append(phases, run.Status.Phase)
	}
	return phases
}

// edit changes an object as somebody else would.
func (p *place) edit(o client.Object, name, document string) {
	p.Helper()
	o.SetNamespace(p.namespace)
	o.SetName(name)
	if err := p.client.Patch(p.Context(), o, client.RawPatch(types.MergePatchType, []byte(document))); err != nil {
		p.Fatal(err)
	}
}
