package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// inRoles is the seed with metadata for the canary and for stable pods, and with a rule that keeps them apart.
func inRoles(t testing.TB) *World {
	w := seed(t)
	w.Apply(func(ro *api.Rollout) { wearRoles(ro) })
	return w
}

func wearRoles(ro *api.Rollout) {
	canary := ro.Spec.Strategy.Canary
	canary.CanaryMetadata = &api.PodTemplateMetadata{
		Labels: map[string]string{"role": "canary", "track": "new"}, Annotations: map[string]string{"example.com/watch": "closely"},
	}
	canary.StableMetadata = &api.PodTemplateMetadata{Labels: map[string]string{"role": "stable"}}
	canary.AntiAffinity = &api.AntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &api.RequiredDuringSchedulingIgnoredDuringExecution{}}
}

// looks is what all pods of a revision wear and how its new pods are placed, for a transcript.
func (w *World) looks(hash string) string {
	found := map[string]int{}
	for _, worn := range w.Wears(hash) {
		found[worn.Labels["role"]+" "+worn.Labels["track"]+" "+worn.Annotations["example.com/watch"]]++
	}
	var all []string
	for _, look := range slices.Sorted(maps.Keys(found)) {
		all = append(all, fmt.Sprintf("%d %s", found[look], strings.Join(strings.Fields(look), "+")))
	}
	for _, s := range w.sets {
		if _, rule := api.WithoutInjectedAntiAffinity(s.Template.Spec.Affinity); s.Hash == hash && rule != nil {
			all = append(all, "kept off "+rule.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].LabelSelector.MatchExpressions[0].Values[0])
		}
	}
	return strings.Join(all, ", ")
}

// look writes what pods wear into the transcript, and checks it.
func look(t *testing.T, w *World, tr *Transcript, want ...string) {
	t.Helper()
	for i, hash := range w.born {
		got := w.looks(hash)
		tr.Say("pods of %s: %s", hash, got)
		if i < len(want) && strings.NewReplacer(bornAs(w)...).Replace(got) != want[i] {
			t.Errorf("the pods of revision %d wear %q, want %q", i+1, got, want[i])
		}
	}
}

func bornAs(w *World) (all []string) {
	for i, hash := range w.born {
		all = append(all, hash, string(rune('A'+i)))
	}
	return all
}

func TestRoleStories(t *testing.T) {
	tell(t, []story{
		{name: "pods wear what belongs to their role, and change it without being replaced", in: inRoles, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			look(t, w, tr, "5 stable")
			before := slices.Sorted(maps.Keys(w.Wears(w.born[0])))
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			look(t, w, tr, "4 stable", "1 canary+new+closely, kept off A")
			canaries := w.Wears(w.born[1])
			for name := range w.Wears(w.born[0]) {
				if !slices.Contains(before, name) {
					t.Errorf("pod %s is new", name)
				}
			}
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			look(t, w, tr, "", "5 stable")
			for name := range canaries {
				if _, still := w.Wears(w.born[1])[name]; !still {
					t.Errorf("pod %s was replaced", name)
				}
			}
		}},
		{name: "an aborted canary and its way back", in: inRoles, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			look(t, w, tr, "5 stable", "kept off A")
			ship(w, tr, "triggering-rollout-test-1")
			pass(t, w, tr, time.Minute)
			look(t, w, tr, "5 stable", "")
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			look(t, w, tr, "4 stable", "1 canary+new+closely, kept off A")
		}},
		{name: "metadata that is taken out of the spec is taken off all pods", in: inRoles, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			tr.Say("kubectl apply: without metadata and antiAffinity")
			w.Apply(func(ro *api.Rollout) {
				canary := ro.Spec.Strategy.Canary
				canary.CanaryMetadata, canary.StableMetadata, canary.AntiAffinity = nil, nil, nil
			})
			w.Settle()
			look(t, w, tr, "4 ", "1 ")
			for _, hash := range w.born {
				for name, worn := range w.Wears(hash) {
					if _, marked := worn.Annotations[api.AnnotationEphemeralMetadata]; marked {
						t.Errorf("pod %s still says that it wears something", name)
					}
				}
			}
			for name, s := range w.sets {
				if s.Worn+s.Covered != "" {
					t.Errorf("ReplicaSet %s still notes %q and %q", name, s.Worn, s.Covered)
				}
			}
		}},
		{name: "labels of the template itself come back when the role is over", in: inRoles, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) {
				ro.Spec.Template.Labels["track"], ro.Spec.Template.Annotations = "of-the-template", map[string]string{"example.com/watch": "loosely"}
			})
			deploy(t, w, tr)
			look(t, w, tr, "5 stable+of-the-template+loosely")
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			look(t, w, tr, "4 stable+of-the-template+loosely", "1 canary+new+closely, kept off A")
			pass(t, w, tr, 3*time.Minute)
			look(t, w, tr, "", "5 stable+of-the-template+loosely")
		}},
		{name: "pods of a blue-green wear what belongs to their role", in: blueGreen(3, byHand, func(b *api.BlueGreenStrategy) {
			b.PreviewMetadata = &api.PodTemplateMetadata{Labels: map[string]string{"role": "preview"}}
			b.ActiveMetadata = &api.PodTemplateMetadata{Labels: map[string]string{"role": "active"}, Annotations: map[string]string{"example.com/watch": "loosely"}}
			b.AntiAffinity = &api.AntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &api.RequiredDuringSchedulingIgnoredDuringExecution{}}
		}), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			look(t, w, tr, "3 active+loosely")
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			look(t, w, tr, "3 active+loosely", "3 preview, kept off A")
			does(t, w, tr, "promote", promote(w.Rollout())...)
			pass(t, w, tr, 20*time.Second)
			look(t, w, tr, "3 ", "3 active+loosely") // the old pods stay for their delay
			pass(t, w, tr, time.Minute)
			look(t, w, tr, "", "3 active+loosely")
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "E2 a release that supersedes another while pods change their roles", in: inRoles, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			w.Fate = &trouble{}
			ship(w, tr, "3")
			for range 60 { // who crashed is started again
				w.Turn()
				tr.Note()
				w.Now = w.Now.Add(time.Second)
			}
			w.Fate = nil
			w.Settle()
			if made := len(w.born); made != 3 {
				t.Errorf("%d revisions, want 3", made)
			}
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			look(t, w, tr, "", "", "5 stable")
		}},
	})
}

// Roles asks for metadata and a rule, or for none.
func (h *history) Roles(t *rapid.T) {
	worn := rapid.Bool().Draw(t, "worn")
	h.w.Apply(func(ro *api.Rollout) {
		canary := ro.Spec.Strategy.Canary
		canary.CanaryMetadata, canary.StableMetadata, canary.AntiAffinity = nil, nil, nil
		if worn {
			wearRoles(ro)
		}
	})
	h.turn(1)
}

// roles holds at rest: everybody wears what belongs to the role, and nothing else has begun because of it.
func (h *history) roles() {
	ro := h.w.Rollout()
	s := ro.Status
	for name, set := range h.w.sets {
		want := ""
		switch {
		case ro.Spec.Strategy.Canary.StableMetadata == nil:
		case set.Hash == s.StableRS:
			want = "stable"
		case set.Hash == s.CurrentPodHash:
			want = "canary+new+closely"
		}
		got := h.w.looks(set.Hash)
		if n := len(set.pods); n > 0 {
			rule := ""
			if want != "" && set.Hash == s.CurrentPodHash && set.Hash != s.StableRS {
				rule = ", kept off " + s.StableRS
			}
			h.law(got == fmt.Sprintf("%d %s%s", n, want, rule), "the pods of %s wear %q, want %q", name, got, want)
		}
		h.law(want != "" || set.Worn+set.Covered+set.Template.Annotations[api.AnnotationEphemeralMetadata] == "", "%s notes %q although nothing is asked for", name, set.Worn)
		bare := api.BareTemplate(&set.Template, map[string]string{api.AnnotationEphemeralMetadata: set.Worn, api.AnnotationCoveredMetadata: set.Covered})
		h.law(decide.PodHash(bare, nil) == set.Hash, "what %s wears has become part of its template", name)
	}
}
