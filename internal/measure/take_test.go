package measure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

const workspace = "https://aps-workspaces.us-west-2.amazonaws.com/workspaces/ws-hidden"

func secretArg(name, secret, key string) api.Argument {
	return api.Argument{Name: name, ValueFrom: &api.ValueFrom{SecretKeyRef: &api.SecretKeyRef{Name: secret, Key: key}}}
}

// vault knows one key of one Secret.
func vault(_ context.Context, namespace, name, key string) (string, bool, error) {
	switch namespace + "/" + name + "/" + key {
	case "shop/workspace-url/secretURL":
		return workspace, true, nil
	case "shop/workspace-url/empty":
		return "", true, nil
	case "shop/forbidden/key":
		return "", false, errors.New("secrets is forbidden: user cannot read " + workspace)
	default:
		return "", false, nil
	}
}

func TestSecretsAreFilledInWhenAMeasurementIsTaken(t *testing.T) {
	s := &server{}
	measuring(t, Config{Secrets: vault}, s, func(t *testing.T, b *bench) {
		run := runNamed("r")
		run.Spec.Args = []api.Argument{
			secretArg("amp-workspace", "workspace-url", "secretURL"),
			secretArg("unused", "missing", "missing"),
			{Name: "limit", Value: new("5")},
		}
		d := due("cpu", 1, time.Now())
		d.Spec.Provider.Prometheus = &api.PrometheusMetric{Address: "{{ args.amp-workspace }}", Query: "up > {{args.limit}}"}
		b.Want(run, []decide.Due{d})
		synctest.Wait()
		if len(s.asked) != 1 {
			t.Fatalf("asked %d times, want once; samples %+v", len(s.asked), b.Samples("r"))
		}
		q := s.asked[0]
		want := metric.Query{
			Spec:      api.MetricProvider{Prometheus: &api.PrometheusMetric{Address: workspace, Query: "up > 5"}},
			Shown:     api.MetricProvider{Prometheus: &api.PrometheusMetric{Address: "*****", Query: "up > 5"}},
			At:        d.At,
			Namespace: "shop", Secret: true, Within: d.Within,
		}
		if diff := cmp.Diff(want, q); diff != "" {
			t.Errorf("question (-want +got):\n%s", diff)
		}
	})
}

func TestWhatCannotBeFilledInIsAFailureThatNamesIt(t *testing.T) {
	cases := []struct {
		name, address string
		arg           api.Argument
		want          string
	}{
		{"a secret that does not exist", "{{args.x}}", secretArg("x", "none", "url"), `secret "none" has no key "url", or does not exist`},
		{"a key that does not exist", "{{args.x}}", secretArg("x", "workspace-url", "secretUrl"), `secret "workspace-url" has no key "secretUrl", or does not exist`},
		{"an empty key", "{{args.x}}", secretArg("x", "workspace-url", "empty"), `key "empty" of secret "workspace-url" is empty`},
		{"a secret that may not be read", "{{args.x}}", secretArg("x", "forbidden", "key"), `secret "forbidden" could not be read from the cluster`},
		{"an argument nobody gave", "{{args.y}}", api.Argument{Name: "x", Value: new("1")}, `argument "y" has no value`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &server{}
			measuring(t, Config{Secrets: vault}, s, func(t *testing.T, b *bench) {
				run := runNamed("r")
				run.Spec.Args = []api.Argument{c.arg}
				d := due("cpu", 1, time.Now())
				d.Spec.Provider.Prometheus.Address = c.address
				b.Want(run, []decide.Due{d})
				synctest.Wait()
				samples := b.Samples("r")
				if len(samples) != 1 || samples[0].Sample.Failure == nil {
					t.Fatalf("got %+v, want one failure", samples)
				}
				want := judge.Failure{Class: judge.BadConfig, Message: c.want}
				if diff := cmp.Diff(want, *samples[0].Sample.Failure); diff != "" {
					t.Errorf("failure (-want +got):\n%s", diff)
				}
				if s.times() != 0 {
					t.Errorf("asked %d times, want never", s.times())
				}
			})
		})
	}
}

func TestAProviderNobodyKnowsIsAFailure(t *testing.T) {
	measuring(t, Config{}, &server{}, func(t *testing.T, b *bench) {
		d := due("cpu", 1, time.Now())
		d.Spec.Provider = api.MetricProvider{Graphite: &api.GraphiteMetric{}}
		b.Want(runNamed("r"), []decide.Due{d})
		synctest.Wait()
		got := b.Samples("r")[0].Sample.Failure
		want := &judge.Failure{Class: judge.BadConfig, Message: `metric provider "graphite" is not supported yet`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("failure (-want +got):\n%s", diff)
		}
	})
}

// chatty repeats what it was sent in every text a sample has.
type chatty struct{ err error }

// Query implements metric.Reader.
func (c chatty) Query(_ context.Context, q metric.Query) (judge.Sample, error) {
	if c.err != nil {
		return judge.Sample{}, c.err
	}
	said := "you asked " + q.Spec.Prometheus.Address
	return judge.Sample{
		Result: map[string]any{said: []any{said, 1.0, nil, true, map[string]any{"a": said}}},
		Text:   said, Message: said, Series: []string{"{}", said}, Metadata: map[string]string{"warnings": said},
	}, nil
}

func TestNoSampleHoldsASecret(t *testing.T) {
	cases := []struct {
		name   string
		reader metric.Reader
	}{
		{"a server that repeats what it was sent", chatty{}},
		{"a failure with the address in it", chatty{err: &judge.Failure{Class: judge.BadQuery, Message: "at " + workspace}}},
		{"an error that is no failure", chatty{err: fmt.Errorf("asking %s: no", workspace)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				taker := New(Config{Readers: map[string]metric.Reader{"prometheus": c.reader}, Secrets: vault})
				run := runNamed("r")
				run.Spec.Args = []api.Argument{secretArg("x", "workspace-url", "secretURL")}
				d := due("cpu", 1, time.Now())
				d.Spec.Provider.Prometheus.Address = "{{args.x}}"
				taker.Want(run, []decide.Due{d})
				synctest.Wait()
				sample := taker.Samples("r")[0].Sample
				text := fmt.Sprintf("%+v %v", sample, sample.Failure)
				for _, part := range []string{"ws-hidden", "aps-workspaces"} {
					if strings.Contains(text, part) {
						t.Errorf("%q is in %s", part, text)
					}
				}
				if err := taker.Stop(t.Context()); err != nil {
					t.Errorf("stopping: %v", err)
				}
			})
		})
	}
}

func TestRedactionKeepsEverythingElse(t *testing.T) {
	sample := judge.Sample{
		Result: []any{map[string]any{"b": "x hushhush y", "a": 1.5}, "z"},
		Text:   "no secret", Series: []string{"{}"}, Metadata: map[string]string{"k": "hushhush", "l": "v"},
		Report: map[string]any{"why": []any{"at hushhush"}, "p99": 12.5},
	}
	got := Redact(sample, []string{"hushhush"})
	want := judge.Sample{
		Result: []any{map[string]any{"b": "x ***** y", "a": 1.5}, "z"},
		Text:   "no secret", Series: []string{"{}"}, Metadata: map[string]string{"k": "*****", "l": "v"},
		Report: map[string]any{"why": []any{"at *****"}, "p99": 12.5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("redacted (-want +got):\n%s", diff)
	}
	if sample.Metadata["k"] != "hushhush" {
		t.Error("the sample that was given has changed")
	}
}

func TestATextThatIsAJSONObjectStaysOne(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a text", "dial hush\"hush: refused", "dial *****: refused"},
		{"an object", `{"why":"dial hush\"hush","n":12345678901234567890,"deep":[{"hush\"hush":true}]}`, `{"deep":[{"*****":true}],"n":12345678901234567890,"why":"dial *****"}`},
		{"an object whose secret is written in other escapes", `{"why":"\u0068ush\u0022hush"}`, `{"why":"*****"}`},
		{"an object and more", `{"a":1} hush"hush`, `{"a":1} *****`},
		{"an object that was cut off", `{"why":"hush\"hush`, `{"why":"*****`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := RedactText(c.text, []string{`hush"hush`}); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
