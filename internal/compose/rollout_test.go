package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func shop() *api.Rollout {
	replicas := int32(5)
	return &api.Rollout{
		ObjectMeta: metav1.ObjectMeta{
			Name: "shop", Namespace: "store", UID: "7", Labels: map[string]string{"app.kubernetes.io/name": "shop", "b": "2"},
			Annotations: map[string]string{"note": `say "hi"`},
		},
		Spec: api.RolloutSpec{
			Replicas: &replicas,
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"example.com/tier": "front"}},
				Spec:       corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{{Name: "app", Image: "shop:2"}}},
			},
		},
	}
}

func field(path string) api.AnalysisRunArgument {
	return api.AnalysisRunArgument{Name: "x", ValueFrom: &api.ArgumentValueFrom{FieldRef: &api.FieldRef{FieldPath: path}}}
}

func TestRolloutArgsTakeFieldsOfTheRollout(t *testing.T) {
	for path, want := range map[string]string{
		"metadata.name":      "shop",
		"metadata.namespace": "store",
		"metadata.uid":       "7",
		"metadata.labels":    "app.kubernetes.io/name=\"shop\"\nb=\"2\"",
		"metadata.labels['app.kubernetes.io/name']":            "shop",
		"metadata.labels['missing']":                           "",
		"metadata.annotations['note']":                         `say "hi"`,
		"spec.replicas":                                        "5",
		"spec.template.spec.containers[0].image":               "shop:2",
		".spec.template.spec.hostNetwork":                      "true",
		"spec.template.metadata.labels['example.com/tier']":    "front",
		`spec["template"].metadata.labels["example.com/tier"]`: "front",
	} {
		got, problems := RolloutArgs([]api.AnalysisRunArgument{field(path)}, shop(), "", "")
		if len(problems) > 0 {
			t.Errorf("%s: %v", path, messages(problems))
			continue
		}
		if diff := cmp.Diff([]api.Argument{arg("x", want)}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestRolloutArgsRefuseBadPaths(t *testing.T) {
	for path, want := range map[string]string{
		"":                                       "a name is missing",
		"metadata":                               "not one of metadata.name, .namespace, .uid, .labels, .annotations, .labels['key'], .annotations['key']",
		"metadata.generation":                    "not one of metadata.name, .namespace, .uid, .labels, .annotations, .labels['key'], .annotations['key']",
		"spec.template.spec.containers[-1].name": "[-1] is not an index: want a whole number from 0",
		"spec.template.spec.containers[7].name":  "there is no [7] in a list of 1",
		"spec.template.spec.containers[x].name":  "[x] is not an index: want a whole number from 0",
		"spec.template.spec.containers[0":        "a bracket is not closed",
		"spec.template.spec.containers['0":       "a bracket is not closed",
		"spec.template.spec.containers[0]name":   `a dot is missing before "name"`,
		"spec.template.spec.containers":          "does not end in a string, number or boolean",
		"spec..template":                         "a name is missing",
		"spec.":                                  "a name is missing",
		"spec.nothing":                           `there is no field "nothing"`,
		"spec.replicas.more":                     `"more" is asked of something that has no fields`,
		"spec[0]":                                "[0] is asked of something that is not a list",
	} {
		_, problems := RolloutArgs([]api.AnalysisRunArgument{field(path)}, shop(), "", "")
		if diff := cmp.Diff([]string{`args.x: fieldPath "` + path + `": ` + want}, messages(problems)); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	}
}

func TestRolloutArgs(t *testing.T) {
	hash := func(of api.ValueFromPodTemplateHash) *api.ArgumentValueFrom {
		return &api.ArgumentValueFrom{PodTemplateHashValue: &of}
	}
	got, problems := RolloutArgs([]api.AnalysisRunArgument{
		{Name: "plain", Value: "1"},
		{Name: "empty"},
		{Name: "stable", ValueFrom: hash(api.Stable)},
		{Name: "latest", ValueFrom: hash(api.Latest)},
		{Name: "wrong", ValueFrom: hash("Newest")},
		{Name: "nowhere", ValueFrom: &api.ArgumentValueFrom{}},
		{Name: "both", Value: "1", ValueFrom: hash(api.Stable)},
	}, shop(), "aaa", "bbb")
	if diff := cmp.Diff([]api.Argument{arg("plain", "1"), arg("empty", ""), arg("stable", "aaa"), arg("latest", "bbb")}, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	want := []string{
		`args.wrong: podTemplateHashValue is "Newest", not Stable or Latest`,
		"args.nowhere: valueFrom is empty",
		"args.both: has both value and valueFrom",
	}
	if diff := cmp.Diff(want, messages(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestFieldArgsOfTemplates(t *testing.T) {
	from := func(path string) api.Argument {
		return api.Argument{Name: "x", ValueFrom: &api.ValueFrom{FieldRef: &api.FieldRef{FieldPath: path}}}
	}
	got, problems := FieldArgs([]api.Argument{arg("a", "1"), secret("t", "s", "k"), from("metadata.name"), from("spec.no")}, shop())
	if diff := cmp.Diff([]api.Argument{arg("a", "1"), secret("t", "s", "k"), arg("x", "shop")}, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`args.x: fieldPath "spec.no": there is no field "no"`}, messages(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func FuzzFieldPath(f *testing.F) {
	for _, path := range []string{"spec.replicas", "metadata.labels['a']", "spec.template.spec.containers[0].image", "a[-1]", "[", "['", ".", "a['b']c"} {
		f.Add(path)
	}
	ro := shop()
	f.Fuzz(func(t *testing.T, path string) {
		args, problems := RolloutArgs([]api.AnalysisRunArgument{field(path)}, ro, "", "")
		if len(args)+len(problems) != 1 {
			t.Errorf("%q gives %d arguments and %d problems", path, len(args), len(problems))
		}
	})
}
