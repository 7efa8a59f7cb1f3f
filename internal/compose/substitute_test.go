package compose

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

func query(text string) api.Metric {
	return api.Metric{Name: "m", Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: text}}}
}

func TestMetricFillsInArguments(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		values           map[string]string
	}{
		{"a value", `up{job="{{args.job}}"}`, `up{job="shop"}`, map[string]string{"job": "shop"}},
		{"spaces inside the braces", "{{ args.job }}{{  args.job}}", "shopshop", map[string]string{"job": "shop"}},
		{"no value stays as it is", "{{args.job}} {{args.token}}", "shop {{args.token}}", map[string]string{"job": "shop"}},
		{"an empty value is a value", "[{{args.job}}]", "[]", map[string]string{"job": ""}},
		{"quotes and backslashes", "{{args.x}}", `a"b\c`, map[string]string{"x": `a"b\c`}},
		{"control characters and emoji", "{{args.x}}", "\x01\x7f\u2028😀\U000e0001", map[string]string{"x": "\x01\x7f\u2028😀\U000e0001"}},
		{"a value that looks like an argument is not filled in again", "{{args.a}}", "{{args.b}}", map[string]string{"a": "{{args.b}}", "b": "no"}},
		{"other templates are left alone", "{{ $labels.pod }} {{inputs.x}} {{args}}", "{{ $labels.pod }} {{inputs.x}} {{args}}", map[string]string{"x": "no"}},
		{"a dollar in a value is a dollar", "{{args.x}}", "$1 ${y}", map[string]string{"x": "$1 ${y}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Metric(query(c.text), c.values)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(query(c.want), got); diff != "" {
				t.Errorf("metric (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetricFillsInEveryPart(t *testing.T) {
	count := intstr.FromString("{{args.n}}")
	m := api.Metric{
		Name: "{{args.name}}", Interval: "{{args.i}}", Count: &count, SuccessCondition: "result < {{args.limit}}",
		Provider: api.MetricProvider{
			Job: &api.JobMetric{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: "run", Args: []string{"-t", "{{args.target}}"}}}}}}},
			Plugin: map[string]json.RawMessage{"{{args.name}}": json.RawMessage(`{"deep":[{"x":"{{args.limit}}","n":12345678901234567890}]}`)},
		},
	}
	got, err := Metric(m, map[string]string{"name": "load", "i": "5s", "n": "3", "limit": "0.5", "target": "http://shop"})
	if err != nil {
		t.Fatal(err)
	}
	filled := intstr.FromString("3")
	want := api.Metric{
		Name: "load", Interval: "5s", Count: &filled, SuccessCondition: "result < 0.5",
		Provider: api.MetricProvider{
			Job: &api.JobMetric{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: "run", Args: []string{"-t", "http://shop"}}}}}}},
			Plugin: map[string]json.RawMessage{"load": json.RawMessage(`{"deep":[{"n":12345678901234567890,"x":"0.5"}]}`)},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metric (-want +got):\n%s", diff)
	}
}

func TestMetricRefusesKeysThatBecomeEqual(t *testing.T) {
	m := api.Metric{Name: "m", Provider: api.MetricProvider{Plugin: map[string]json.RawMessage{"x": nil, "{{args.x}}": nil}}}
	if _, err := Metric(m, map[string]string{"x": "x"}); err == nil || !strings.Contains(err.Error(), "appears twice") {
		t.Errorf("error %v", err)
	}
}

func TestUnresolvedNamesWhatIsMissing(t *testing.T) {
	m := query("{{args.b}} {{ args.a }} {{args.b}}")
	m.SuccessCondition = "result < {{args.c}}"
	if diff := cmp.Diff([]string{"a", "b", "c"}, Unresolved(m)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got := Unresolved(query("up")); len(got) != 0 {
		t.Errorf("%v is missing nothing", got)
	}
}

func TestSecretsAndValuesPartTheArguments(t *testing.T) {
	args := []api.Argument{arg("a", "1"), secret("t", "s", "k"), open("o")}
	if diff := cmp.Diff(map[string]string{"a": "1"}, Values(args)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]api.SecretKeyRef{"t": {Name: "s", Key: "k"}}, Secrets(args)); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

func TestASecretMayNotReachAMessage(t *testing.T) {
	limit := intstr.FromString("{{args.token}}")
	m := query("up{token=\"{{args.token}}\"}")
	m.SuccessCondition = "result < {{ args.token }} + {{args.plain}}"
	m.FailureLimit = &limit
	secrets := map[string]api.SecretKeyRef{"token": {}}
	want := []string{
		`metric "m": successCondition uses args.token, whose value is a secret and would be shown in messages`,
		`metric "m": failureLimit uses args.token, whose value is a secret and would be shown in messages`,
	}
	if diff := cmp.Diff(want, messages(Exposed(m, secrets))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got := Exposed(query("{{args.token}}"), secrets); len(got) > 0 {
		t.Errorf("a query may use a secret: %v", messages(got))
	}
}

func FuzzMetric(f *testing.F) {
	f.Add(`{{args.x}}`, "value")
	f.Add(`"{{ args.x }}\`, `"}],{{args.x}}`)
	f.Add(`{{{{args.x}}}}`, "\x00\u2028\\u0041")
	f.Add(`a{{args.x`, "}}")
	f.Fuzz(func(t *testing.T, text, value string) {
		if !utf8.ValidString(text) || !utf8.ValidString(value) {
			return // the API server stores UTF-8 only
		}
		got, err := Metric(query(text), map[string]string{"x": value})
		if err != nil {
			t.Fatalf("filling %q with %q: %v", text, value, err)
		}
		// A Go program that knows nothing of JSON comes to the same text.
		want := placeholder.ReplaceAllStringFunc(text, func(found string) string {
			if strings.TrimSpace(strings.Trim(found, "{}")) == "args.x" {
				return value
			}
			return found
		})
		if diff := cmp.Diff(query(want), got); diff != "" {
			t.Errorf("metric (-want +got):\n%s", diff)
		}
		same, err := Metric(query(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(query(text), same); diff != "" {
			t.Errorf("nothing to fill in changes the metric:\n%s", diff)
		}
	})
}

func TestStrays(t *testing.T) {
	tests := map[string][]string{
		"":                              nil,
		"{{args.a}} and {{ args.b-c }}": nil,
		"{{arg.a}}/{{args.b}}":          {"{{arg.a}}"},
		"{{ .args.a }}{{}}":             {"{{ .args.a }}", "{{}}"},
		"{{args.}} {{args.a":            {"{{args.}}", "{{args.a"},
		"{a: {b: c}}":                   nil,
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, Strays(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
