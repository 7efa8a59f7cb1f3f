package decide

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

var (
	canaryWears = api.PodTemplateMetadata{Labels: map[string]string{"role": "canary"}, Annotations: map[string]string{"watch": "closely"}}
	stableWears = api.PodTemplateMetadata{Labels: map[string]string{"role": "stable"}}
)

// dressedScene is a scene whose strategy asks for metadata.
func dressedScene() *scene {
	s := newScene()
	s.canary().CanaryMetadata, s.canary().StableMetadata = canaryWears.DeepCopy(), stableWears.DeepCopy()
	s.Observed.Pods = []Pod{}
	return s
}

// putOn makes a ReplicaSet wear this already.
func putOn(rs *ReplicaSet, in api.PodTemplateMetadata) {
	t, notes := dressed(&rs.Template, rs.Hash, in)
	rs.Template, rs.Worn, rs.Covered = *t, notes[api.AnnotationEphemeralMetadata], notes[api.AnnotationCoveredMetadata]
}

// wears lists what a plan puts on and takes off, by ReplicaSet and pod.
func wears(plan Plan[api.RolloutStatus]) map[string]string {
	all := map[string]string{}
	for _, action := range plan.Actions {
		switch a := action.(type) {
		case ReplicaSetWears:
			all[a.Name] = fmt.Sprintf("role=%s watch=%s note=%s", a.Labels["role"], a.Annotations["watch"], a.Notes[api.AnnotationEphemeralMetadata])
		case PodWears:
			var changes []string
			for key, to := range a.Labels {
				changes = append(changes, key+deref(to))
			}
			for key, to := range a.Annotations {
				if key != api.AnnotationEphemeralMetadata {
					changes = append(changes, key+deref(to))
				} else if to == nil {
					changes = append(changes, "unmarked")
				}
			}
			slices.Sort(changes)
			all[a.Name] = strings.Join(changes, " ")
		}
	}
	return all
}

func deref(to *string) string {
	if to == nil {
		return "-"
	}
	return "=" + *to
}

func TestWhatTheRolesWear(t *testing.T) {
	const canaryNote = `{"labels":{"role":"canary"},"annotations":{"watch":"closely"}}`
	const stableNote = `{"labels":{"role":"stable"}}`
	for _, c := range []struct {
		name            string
		change          func(*scene)
		fresh, stable   string // of the ReplicaSets; "" = nothing to change
		freshP, stableP string // of their pods
	}{
		{"nothing is asked for, nothing happens", func(s *scene) { s.canary().CanaryMetadata, s.canary().StableMetadata = nil, nil }, "", "", "", ""},
		{"an update under way", func(*scene) {}, "role=canary watch=closely note=" + canaryNote, "role=stable watch= note=" + stableNote, "role=canary watch=closely", "role=stable"},
		{"promoted", func(s *scene) { s.promoted() }, "role=stable watch= note=" + stableNote, "", "role=stable", ""},
		{"promoted, and it wore what the canary wears", func(s *scene) {
			s.promoted()
			putOn(s.fresh(), canaryWears)
		}, "role=stable watch= note=" + stableNote, "", "role=stable", ""},
		{"somebody else has dressed the canary, its pods have no mark", func(s *scene) {
			s.fresh().Template.Labels = map[string]string{"app": "web", "role": "canary", api.LabelPodTemplateHash: s.fresh().Hash}
			s.fresh().Template.Annotations = map[string]string{"watch": "closely"}
			s.fresh().Worn = canaryNote
			putOn(s.stable(), stableWears)
		}, "role=canary watch=closely note=" + canaryNote, "", "role=canary watch=closely", "role=stable"},
		{"it is aborted: the roles stay", func(s *scene) {
			s.Rollout.Status.Abort = true
			putOn(s.fresh(), canaryWears)
		}, "", "role=stable watch= note=" + stableNote, "role=canary watch=closely", "role=stable"},
		{"the spec is invalid", func(s *scene) { s.Observed.Invalid = []string{"wrong"} }, "", "", "", ""},
		{"taken out of the spec: the note stays while pods have something on", func(s *scene) {
			putOn(s.fresh(), canaryWears)
			s.canary().CanaryMetadata, s.canary().StableMetadata = nil, nil
			s.Observed.Pods = []Pod{{Name: "dressed", Hash: s.fresh().Hash, Labels: s.fresh().Template.Labels, Annotations: s.fresh().Template.Annotations}}
		}, "role= watch= note=" + canaryNote, "", "", ""},
		{"taken off all pods: the note goes", func(s *scene) {
			s.canary().CanaryMetadata, s.canary().StableMetadata = nil, nil
			s.fresh().Worn = canaryNote
		}, "role= watch= note=", "", "", ""},
		{"a pod that was not seen dressed when the note went", func(s *scene) {
			was := *s.fresh()
			putOn(&was, canaryWears)
			s.canary().CanaryMetadata, s.canary().StableMetadata = nil, nil
			s.Observed.Pods = []Pod{{Name: "dressed", Hash: was.Hash, Labels: was.Template.Labels, Annotations: was.Template.Annotations}}
		}, "", "", "", ""},
		{"not all pods are seen: the note stays", func(s *scene) {
			s.canary().CanaryMetadata, s.canary().StableMetadata = nil, nil
			s.fresh().Worn, s.fresh().Replicas = canaryNote, 2
		}, "", "", "", ""},
		{"pods are not looked at: the note stays", func(s *scene) {
			s.canary().CanaryMetadata, s.canary().StableMetadata = nil, nil
			s.fresh().Worn, s.Observed.Pods = canaryNote, nil
			s.Observed.ReplicaSets[1].Worn = ""
		}, "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := dressedScene()
			for i := range s.Observed.ReplicaSets {
				rs := &s.Observed.ReplicaSets[i]
				rs.Template = *rs.Template.DeepCopy()
				rs.Template.Labels[api.LabelPodTemplateHash] = rs.Hash
				s.Observed.Pods = append(s.Observed.Pods, Pod{Name: "pod of " + rs.Name, Hash: rs.Hash, Labels: rs.Template.Labels})
			}
			c.change(s)
			want := map[string]string{}
			for _, w := range []struct{ name, text string }{
				{s.fresh().Name, c.fresh}, {s.stable().Name, c.stable}, {"pod of " + s.fresh().Name, c.freshP}, {"pod of " + s.stable().Name, c.stableP},
			} {
				if w.text != "" {
					want[w.name] = w.text
				}
			}
			if slices.ContainsFunc(s.Observed.Pods, func(p Pod) bool { return p.Name == "dressed" }) {
				want["dressed"] = "role- unmarked watch-"
			}
			got := wears(Rollout(s.RolloutInput))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPodOnlyLosesWhatWasAddedToIt(t *testing.T) {
	s := dressedScene()
	s.canary().StableMetadata = nil
	s.promoted()
	rs := s.fresh()
	rs.Template.Labels["role"] = "of the template"
	s.Rollout.Spec.Template = *rs.Template.DeepCopy()
	hash := PodHash(&s.Rollout.Spec.Template, nil)
	rs.Hash, s.Rollout.Status.CurrentPodHash, s.Rollout.Status.StableRS = hash, hash, hash
	putOn(rs, canaryWears)
	s.Observed.Pods = []Pod{
		{Name: "ours", Hash: hash, Labels: rs.Template.Labels, Annotations: atop(rs.Template.Annotations, map[string]string{"webhook": "added this"})},
		{Name: "theirs", Hash: hash, Labels: map[string]string{"app": "web", "role": "canary", "owner": "me"}, Annotations: map[string]string{"watch": "", "webhook": ""}},
		{Name: "going", Hash: hash, Deleting: true, Labels: rs.Template.Labels},
	}
	got := wears(Rollout(s.RolloutInput))
	delete(got, rs.Name)
	want := map[string]string{"ours": "role=of the template unmarked watch-", "theirs": "role=of the template watch-"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLabelsThatPodsAreFoundByAreNeverChanged(t *testing.T) {
	s := dressedScene()
	s.canary().CanaryMetadata.Labels["app"], s.canary().CanaryMetadata.Labels[api.LabelPodTemplateHash] = "other", "forged"
	for _, action := range Rollout(s.RolloutInput).Actions {
		if a, ok := action.(ReplicaSetWears); ok && (a.Labels["app"] != "web" || a.Labels[api.LabelPodTemplateHash] == "forged") {
			t.Errorf("%s gets labels %v", a.Name, a.Labels)
		}
	}
}

func TestANewRevisionIsMadeWithWhatItsPodsWear(t *testing.T) {
	s := dressedScene()
	s.canary().AntiAffinity = &api.AntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: &api.PreferredDuringSchedulingIgnoredDuringExecution{Weight: 7}}
	s.Rollout.Spec.Template = podTemplate("3")
	hash := PodHash(&s.Rollout.Spec.Template, nil)
	for _, action := range Rollout(s.RolloutInput).Actions {
		a, ok := action.(ReplicaSetExists)
		if !ok {
			continue
		}
		want := corev1.WeightedPodAffinityTerm{Weight: 7, PodAffinityTerm: api.InjectedAntiAffinity(s.stable().Hash)}
		if diff := cmp.Diff([]corev1.WeightedPodAffinityTerm{want}, a.Template.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution); diff != "" {
			t.Errorf("rule (-want +got):\n%s", diff)
		}
		if a.Hash != hash || a.Template.Labels["role"] != "canary" || a.Annotations[api.AnnotationEphemeralMetadata] == "" {
			t.Errorf("it is made as %+v", a)
		}
		return
	}
	t.Error("no ReplicaSet is made")
}

func TestARuleIsChangedInPlaceAndTheRestIsKept(t *testing.T) {
	own := &corev1.Affinity{
		NodeAffinity:    &corev1.NodeAffinity{},
		PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "zone"}}},
	}
	with := func(hash string) *corev1.Affinity {
		a := own.DeepCopy()
		a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = append(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, api.InjectedAntiAffinity(hash))
		return a
	}
	required := &api.AntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &api.RequiredDuringSchedulingIgnoredDuringExecution{}}
	for _, c := range []struct {
		name   string
		asked  *api.AntiAffinity
		change func(*scene)
		have   *corev1.Affinity
		want   func(*scene) *corev1.Affinity // nil = nothing to change
	}{
		{"it is added to what there is", required, func(*scene) {}, own, func(s *scene) *corev1.Affinity { return with(s.stable().Hash) }},
		{"it names the present stable revision", required, func(*scene) {}, with("gone"), func(s *scene) *corev1.Affinity { return with(s.stable().Hash) }},
		{"it is not asked for any more", nil, func(*scene) {}, with("gone"), func(*scene) *corev1.Affinity { return own }},
		{"promoted: it goes", required, func(s *scene) { s.promoted() }, with("gone"), func(*scene) *corev1.Affinity { return own }},
		{"nothing but the rule: no affinity is left", nil, func(*scene) {},
			&corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{api.InjectedAntiAffinity("gone")}}},
			func(*scene) *corev1.Affinity { return nil }},
		{"an empty affinity of the user stays as it is", nil, func(*scene) {}, &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			s.canary().AntiAffinity = c.asked
			c.change(s)
			s.fresh().Template = *s.fresh().Template.DeepCopy()
			s.fresh().Template.Spec.Affinity = c.have
			before := c.have.DeepCopy()
			found := false
			for _, action := range Rollout(s.RolloutInput).Actions {
				if a, ok := action.(ReplicaSetWears); ok && a.Name == s.fresh().Name {
					found = true
					if c.want == nil {
						t.Errorf("it is changed to %+v", a.Affinity)
					} else if diff := cmp.Diff(c.want(s), a.Affinity); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				}
			}
			if found != (c.want != nil) {
				t.Errorf("it is changed: %v", found)
			}
			if diff := cmp.Diff(before, c.have); diff != "" {
				t.Errorf("the input was edited:\n%s", diff)
			}
		})
	}
}

func TestARevisionThatComesBackGetsItsRuleBeforeItsPods(t *testing.T) {
	s := newScene()
	s.canary().AntiAffinity = &api.AntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &api.RequiredDuringSchedulingIgnoredDuringExecution{}}
	s.pods(0, 4)
	plan := Rollout(s.RolloutInput)
	for _, action := range plan.Actions {
		if a, ok := action.(ReplicaSetWants); ok && a.Name == s.fresh().Name {
			t.Errorf("it gets pods: %+v", a)
		}
	}
	s.fresh().Template.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{api.InjectedAntiAffinity(s.stable().Hash)},
	}}
	s.Rollout.Status = plan.Status
	if !slices.ContainsFunc(Rollout(s.RolloutInput).Actions, func(action Action) bool {
		a, ok := action.(ReplicaSetWants)
		return ok && a.Name == s.fresh().Name && a.To == 1
	}) {
		t.Error("it gets no pods although it has its rule")
	}
}

// A running installation of another controller has dressed its ReplicaSets, and hashed an earlier shape of the type.
func TestWhatATemplateWearsDoesNotMakeItAnotherRevision(t *testing.T) {
	ruled := func(t *corev1.PodTemplateSpec, hash string) {
		t.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 1, PodAffinityTerm: api.InjectedAntiAffinity(hash)}},
		}}
	}
	worn := func(rs *ReplicaSet) {
		rs.Template.Labels["role"], rs.Template.Annotations = "canary", map[string]string{"watch": "closely"}
		rs.Worn = `{"labels":{"role":"canary"},"annotations":{"watch":"closely"}}`
		ruled(&rs.Template, "old")
	}
	for _, c := range []struct {
		name   string
		want   func(*corev1.PodTemplateSpec)
		have   func(*ReplicaSet)
		begins bool
	}{
		{"dressed by somebody else", func(*corev1.PodTemplateSpec) {}, worn, false},
		{"dressed over a label the template has", func(t *corev1.PodTemplateSpec) { t.Labels["role"] = "mine" }, worn, false},
		{"dressed by us over a label the template has", func(t *corev1.PodTemplateSpec) { t.Labels["role"] = "mine" }, func(rs *ReplicaSet) {
			worn(rs)
			rs.Covered = `{"labels":{"role":"mine"}}`
		}, false},
		{"dressed by us, and the template got such a label since", func(t *corev1.PodTemplateSpec) { t.Labels["role"] = "mine" }, func(rs *ReplicaSet) {
			worn(rs)
			rs.Covered = `{}`
		}, true},
		{"an empty affinity that was left behind", func(*corev1.PodTemplateSpec) {}, func(rs *ReplicaSet) {
			rs.Template.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{}}
		}, false},
		{"another image is another template, whatever it wears", func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].Image = "app:3" }, worn, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, asked := range []bool{true, false} {
				tmpl := template("app:2", "A", "B")
				c.want(&tmpl)
				in := adoptee(tmpl)
				if asked {
					in.Observed.ServerTemplate = ptr(server(tmpl))
				} else {
					in.Observed.Unjudged = "no route"
				}
				c.have(&in.Observed.ReplicaSets[1])
				got := Rollout(in).Status.CurrentPodHash
				if begins := got != "new"; begins != c.begins {
					t.Errorf("asked: %v, the current revision is %q", asked, got)
				}
			}
		})
	}
}
