package validate

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestWhichAppliedFieldsWereDropped(t *testing.T) {
	for _, c := range []struct {
		name, applied string
		want          []string
	}{
		{"nothing is known of an object that was not applied", "", nil},
		{"nothing can be said of what is not JSON", "{", nil},
		{"all fields are known, those of pods included", `{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"a","labels":{"any":"thing"}},
			"spec":{"replicas":2,"selector":{"matchLabels":{"x":"y"}},"strategy":{"canary":{"maxSurge":"25%","steps":[{"pause":{"duration":"1h"}}]}},
			"template":{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}},"ports":[{"containerPort":80}]}]}}}}`, nil},
		{"a typing error is named with what was meant", `{"spec":{"strategy":{"canary":{"steps":[{"setWeight":20},{"setWieght":40}]}}}}`,
			[]string{"spec.strategy.canary.steps[1].setWieght (did you mean setWeight?)"}},
		{"a field of nothing like it is named alone", `{"spec":{"zzz":1}}`, []string{"spec.zzz"}},
		{"so are fields of pods", `{"spec":{"template":{"spec":{"containers":[{"imagPullPolicy":"Always"}]}}}}`,
			[]string{"spec.template.spec.containers[0].imagPullPolicy (did you mean imagePullPolicy?)"}},
		{"a value is never told", `{"spec":{"token":{"hunter2":"s3cret"}}}`, []string{"spec.token"}},
		{"a long key is cut", `{"spec":{"` + strings.Repeat("k", 200) + `":1}}`, []string{"spec." + strings.Repeat("k", maxKey) + "…"}},
		{"ten are enough", `{"spec":{"q0":1,"q1":1,"q2":1,"q3":1,"q4":1,"q5":1,"q6":1,"q7":1,"q8":1,"q9":1,"qa":1,"qb":1}}`,
			[]string{"spec.q0", "spec.q1", "spec.q2", "spec.q3", "spec.q4", "spec.q5", "spec.q6", "spec.q7", "spec.q8", "spec.q9", "2 more"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &api.Rollout{}
			r.Annotations = map[string]string{api.AnnotationLastApplied: c.applied}
			if diff := cmp.Diff(c.want, Dropped(r)); diff != "" {
				t.Errorf("dropped fields (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzDropped(f *testing.F) {
	f.Add(`{"spec":{"strategy":{"canary":{"steps":[{"setWieght":40}]}},"template":{"metadata":[],"spec":{"containers":{}}}}}`)
	f.Add(`[{"spec":null}]`)
	f.Fuzz(func(t *testing.T, applied string) {
		r := &api.Rollout{}
		r.Annotations = map[string]string{api.AnnotationLastApplied: applied}
		if found := Dropped(r); len(found) > maxDropped+1 {
			t.Errorf("%d findings", len(found))
		}
	})
}

func TestNothingIsDroppedFromWhatWasApplied(t *testing.T) {
	for _, name := range []string{"stable", "paused", "analysing", "aborted"} {
		text, err := os.ReadFile("../../api/v1alpha1/testdata/adopt/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		rollout, _, _ := strings.Cut(string(text), "\n---\n")
		r := &api.Rollout{}
		if err := yaml.UnmarshalStrict([]byte(rollout), r); err != nil {
			t.Fatal(err)
		}
		if found := Dropped(r); len(found) > 0 || r.Annotations[api.AnnotationLastApplied] == "" {
			t.Errorf("%s: %v", name, found)
		}
	}
}
