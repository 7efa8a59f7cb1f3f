package compose

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

func metric(name string) api.Metric { return api.Metric{Name: name} }

func arg(name, value string) api.Argument { return api.Argument{Name: name, Value: &value} }

func open(name string) api.Argument { return api.Argument{Name: name} }

func secret(name, of, key string) api.Argument {
	return api.Argument{Name: name, ValueFrom: &api.ValueFrom{SecretKeyRef: &api.SecretKeyRef{Name: of, Key: key}}}
}

func refs(names ...string) []api.AnalysisTemplateRef {
	var out []api.AnalysisTemplateRef
	for _, name := range names {
		out = append(out, ref(name))
	}
	return out
}

// ref reads "cluster/name" as a ClusterAnalysisTemplate.
func ref(name string) api.AnalysisTemplateRef {
	const prefix = "cluster/"
	if len(name) > len(prefix) && name[:len(prefix)] == prefix {
		return api.AnalysisTemplateRef{TemplateName: name[len(prefix):], ClusterScope: true}
	}
	return api.AnalysisTemplateRef{TemplateName: name}
}

func in(templates map[string]api.AnalysisTemplateSpec) Lookup {
	return func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
		if cluster {
			name = "cluster/" + name
		}
		spec, ok := templates[name]
		return spec, ok
	}
}

func messages(problems []Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Message)
	}
	return out
}

func TestSpec(t *testing.T) {
	type templates = map[string]api.AnalysisTemplateSpec
	for _, c := range []struct {
		name      string
		templates templates
		refs      []string
		args      []api.Argument
		want      api.AnalysisRunSpec
	}{
		{
			"arguments of the rollout win, and one the template does not declare is kept",
			templates{"a": {Metrics: []api.Metric{metric("m")}, Args: []api.Argument{arg("limit", "1"), open("service")}}},
			[]string{"a"},
			[]api.Argument{arg("service", "shop"), arg("extra", "x"), arg("limit", "2")},
			api.AnalysisRunSpec{Metrics: []api.Metric{metric("m")}, Args: []api.Argument{arg("limit", "2"), arg("service", "shop"), arg("extra", "x")}},
		},
		{
			"templates of the namespace come before those of the cluster",
			templates{"a": {Metrics: []api.Metric{metric("a")}}, "cluster/c": {Metrics: []api.Metric{metric("c")}}, "b": {Metrics: []api.Metric{metric("b")}}},
			[]string{"cluster/c", "a", "b"}, nil,
			api.AnalysisRunSpec{Metrics: []api.Metric{metric("a"), metric("b"), metric("c")}, Args: []api.Argument{}},
		},
		{
			"a template that is included twice takes part once",
			templates{
				"a":      {Templates: refs("shared"), Metrics: []api.Metric{metric("a")}},
				"b":      {Templates: refs("shared"), Metrics: []api.Metric{metric("b")}},
				"shared": {Metrics: []api.Metric{metric("s")}},
			},
			[]string{"a", "b", "a"}, nil,
			api.AnalysisRunSpec{Metrics: []api.Metric{metric("a"), metric("s"), metric("b")}, Args: []api.Argument{}},
		},
		{
			"a value of one template fills in what another leaves open",
			templates{"a": {Args: []api.Argument{open("x"), open("token")}}, "b": {Args: []api.Argument{arg("x", "1"), secret("token", "s", "k")}}},
			[]string{"a", "b"}, nil,
			api.AnalysisRunSpec{Args: []api.Argument{arg("x", "1"), secret("token", "s", "k")}},
		},
		{
			"equal values are no conflict",
			templates{"a": {Args: []api.Argument{arg("x", "1"), secret("t", "s", "k")}}, "b": {Args: []api.Argument{arg("x", "1"), secret("t", "s", "k")}}},
			[]string{"a", "b"}, nil,
			api.AnalysisRunSpec{Args: []api.Argument{arg("x", "1"), secret("t", "s", "k")}},
		},
		{
			"a value of the rollout takes the place of a secret",
			templates{"a": {Args: []api.Argument{secret("t", "s", "k")}}},
			[]string{"a"},
			[]api.Argument{arg("t", "plain")},
			api.AnalysisRunSpec{Args: []api.Argument{arg("t", "plain")}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, problems := Spec(refs(c.refs...), in(c.templates), c.args, nil, nil)
			if len(problems) > 0 {
				t.Fatalf("problems: %v", messages(problems))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSpecAddsTheRulesOfTheRollout(t *testing.T) {
	templates := map[string]api.AnalysisTemplateSpec{"a": {
		Metrics:              []api.Metric{metric("fast"), metric("slow")},
		DryRun:               []api.DryRun{{MetricName: "fast"}},
		MeasurementRetention: []api.MeasurementRetention{{MetricName: ".*", Limit: 20}},
	}}
	spec, problems := Spec(refs("a"), in(templates), nil,
		[]api.DryRun{{MetricName: "slow"}}, []api.MeasurementRetention{{MetricName: "slow", Limit: 5}})
	if len(problems) > 0 {
		t.Fatalf("problems: %v", messages(problems))
	}
	if diff := cmp.Diff(map[string]bool{"fast": true, "slow": true}, DryRun(spec)); diff != "" {
		t.Errorf("dry runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"fast": 20, "slow": 5}, Retention(spec)); diff != "" {
		t.Errorf("retention (-want +got):\n%s", diff)
	}
}

func TestSpecReportsAllProblems(t *testing.T) {
	bothWays := secret("both", "s", "k")
	bothWays.Value = new(string)
	templates := map[string]api.AnalysisTemplateSpec{
		"a": {
			Metrics:   []api.Metric{metric("m"), metric("m")},
			Args:      []api.Argument{open("service"), arg("limit", "1"), bothWays, arg("kind", "x")},
			Templates: refs("b", "gone"),
			DryRun:    []api.DryRun{{MetricName: "m"}},
		},
		"b": {
			Metrics:   []api.Metric{metric("m")},
			Args:      []api.Argument{open("service"), arg("limit", "2"), secret("kind", "s", "k")},
			Templates: refs("a"),
		},
	}
	_, problems := Spec(refs("a", "cluster/none"), in(templates), []api.Argument{arg("x", "1"), arg("x", "2"), open("y")},
		[]api.DryRun{{MetricName: "m"}}, nil)
	want := []string{
		"templates include each other: a -> b -> a",
		`AnalysisTemplate "gone" not found, included by a`,
		`ClusterAnalysisTemplate "none" not found`,
		`metric "m" is defined twice: in a`,
		`metric "m" is defined twice: in a, b`,
		"args.limit has different values in a, b",
		"args.kind has different values in a, b",
		"args.x is given twice",
		"args.service was not resolved: declared without a value by a, b",
		"args.both has both value and valueFrom",
		"args.y was not resolved",
		`dryRun has two rules for "m": in a`,
	}
	if diff := cmp.Diff(want, messages(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestATemplateThatIncludesItselfIsAProblem(t *testing.T) {
	_, problems := Spec(refs("cluster/a"), in(map[string]api.AnalysisTemplateSpec{"cluster/a": {Templates: refs("cluster/a")}}), nil, nil, nil)
	if diff := cmp.Diff([]string{"templates include each other: cluster/a -> cluster/a"}, messages(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestAMissingTemplateIsNamedWithTheWayThatLeadsToIt(t *testing.T) {
	templates := map[string]api.AnalysisTemplateSpec{
		"a":         {Templates: refs("cluster/b", "c")},
		"cluster/b": {Templates: refs("gone")},
		"cluster/c": {},
	}
	_, problems := Templates(refs("a"), in(templates))
	want := []Problem{
		{Templates: []string{"a", "cluster/b", "gone"}, Missing: true, Message: `AnalysisTemplate "gone" not found, included by a -> cluster/b`},
		{Templates: []string{"a", "c"}, Missing: true, Message: `AnalysisTemplate "c" not found, included by a; there is a ClusterAnalysisTemplate of this name: write clusterScope: true`},
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestTemplatesIncludeEachOtherToADepth(t *testing.T) {
	lookup := func(name string, _ bool) (api.AnalysisTemplateSpec, bool) { // each includes one with a longer name
		return api.AnalysisTemplateSpec{Templates: refs(name + "x")}, true
	}
	found, problems := Templates(refs("x"), lookup)
	if len(found) != MaxDepth || len(problems) != 1 || !strings.Contains(problems[0].Message, "more than 32 deep: x -> xx -> xxx") {
		t.Errorf("%d templates, problems %v", len(found), messages(problems))
	}
}

// TestTemplatesEndsWhateverIncludesWhat draws graphs of templates: each takes part at most once, none
// is lost, and what is found lies in reach.
func TestTemplatesEndsWhateverIncludesWhat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"a", "b", "c", "cluster/a", "cluster/d", "gone"})
		templates := map[string]api.AnalysisTemplateSpec{}
		for _, n := range []string{"a", "b", "c", "cluster/a", "cluster/d"} {
			templates[n] = api.AnalysisTemplateSpec{Templates: refs(rapid.SliceOfN(name, 0, 4).Draw(t, n)...)}
		}
		start := rapid.SliceOfN(name, 0, 3).Draw(t, "named")
		reach := map[string]bool{}
		for next := start; len(next) > 0; next = next[1:] {
			spec, ok := templates[next[0]]
			if ok && !reach[next[0]] {
				reach[next[0]] = true
				next = append(next, names(spec.Templates)...)
			}
		}
		found, problems := Templates(refs(start...), in(templates))
		cluster := false
		for _, f := range found {
			if !reach[f.Name()] {
				t.Errorf("%s is not in reach, or takes part twice", f.Name())
			}
			delete(reach, f.Name())
			if f.Path[len(f.Path)-1] != f.AnalysisTemplateRef || !slices.Contains(start, display(f.Path[0])) {
				t.Errorf("%s came by %v", f.Name(), f.Path)
			}
			if cluster && !f.ClusterScope {
				t.Errorf("%s comes after those of the cluster", f.Name())
			}
			cluster = f.ClusterScope
		}
		if len(reach) > 0 {
			t.Errorf("%v are in reach and do not take part (%v)", reach, messages(problems))
		}
	})
}

func TestRulesThatSayNothing(t *testing.T) {
	spec := api.AnalysisRunSpec{
		Metrics:              []api.Metric{metric("m")},
		DryRun:               []api.DryRun{{MetricName: "other"}, {MetricName: "("}},
		MeasurementRetention: []api.MeasurementRetention{{MetricName: "other", Limit: 3}, {MetricName: "m", Limit: 0}},
	}
	if dry, keep := DryRun(spec), Retention(spec); len(dry) > 0 || len(keep) > 0 {
		t.Errorf("dry runs %v, retention %v", dry, keep)
	}
}

func TestARuleMeansMetricsByAnyPartOfTheirName(t *testing.T) {
	metrics := []api.Metric{metric("error-rate"), metric("http-errors"), metric("error"), metric("latency.p99")}
	for rule, want := range map[string][]string{
		"error":       {"error-rate", "http-errors", "error"},
		"^error$":     {"error"},
		"":            {"error-rate", "http-errors", "error", "latency.p99"},
		"(?i)LATENCY": {"latency.p99"},
		"p99|^http":   {"http-errors", "latency.p99"},
	} {
		got, err := Named(rule, metrics)
		if err != nil {
			t.Errorf("%q: %v", rule, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", rule, diff)
		}
	}
	for rule, want := range map[string]string{
		"other": `"other" matches no metric`,
		"(":     "\"(\" is not a regular expression: error parsing regexp: missing closing ): `(`",
	} {
		if _, err := Named(rule, metrics); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", rule, err, want)
		}
	}
}
