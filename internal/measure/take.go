package measure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/evidence"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

const (
	// secretsWithin bounds the reading of one Secret.
	secretsWithin = 10 * time.Second
	// takenWithin bounds a measurement whose provider does not keep its own time.
	takenWithin = 2 * time.Hour
)

// question is a copy of what a measurement needs, so that taking it needs no lock.
type question struct {
	run  types.NamespacedName
	args []api.Argument
	due  decide.Due
}

// take asks, once, and always brings a sample back: a measurement that could not be taken is one with a failure.
func (t *Taker) take(ctx context.Context, q question) judge.Sample {
	ctx, cancel := context.WithTimeout(ctx, takenWithin)
	defer cancel()
	started := t.config.Clock.Now()
	sample := t.ask(ctx, q)
	sample.StartedAt, sample.FinishedAt = started, t.config.Clock.Now()
	return sample
}

func (t *Taker) ask(ctx context.Context, q question) judge.Sample {
	kind := metric.Kind(q.due.Spec.Provider)
	reader := t.config.Readers[kind]
	if reader == nil {
		return broken(judge.BadConfig, "metric provider %q is not supported yet", kind)
	}
	filled, failure := t.fill(ctx, q)
	if failure != nil {
		return judge.Sample{Failure: failure}
	}
	sample, err := reader.Query(ctx, metric.Query{
		Spec: filled.spec, Shown: filled.shown, At: q.due.Asked(), Namespace: q.run.Namespace,
		Secret: filled.secret, Within: q.due.Within,
	})
	if err != nil {
		sample = judge.Sample{Failure: failureOf(err)}
	}
	return Redact(sample, filled.secrets)
}

func broken(class judge.FailureClass, format string, args ...any) judge.Sample {
	return judge.Sample{Failure: &judge.Failure{Class: class, Message: fmt.Sprintf(format, args...)}}
}

// failureOf distrusts errors that are no Failure: their text may hold anything.
func failureOf(err error) *judge.Failure {
	var failure *judge.Failure
	if errors.As(err, &failure) {
		return failure
	}
	return &judge.Failure{Class: judge.BadAnswer, Message: "the metric provider failed without saying why"}
}

// filled is a provider's block with all arguments in it.
type filled struct {
	spec, shown api.MetricProvider
	secret      bool     // spec holds secrets, shown has asterisks in their place
	secrets     []string // their values
}

// fill puts in the arguments; those from Secrets are read now, and only those the metric uses.
func (t *Taker) fill(ctx context.Context, q question) (filled, *judge.Failure) {
	var f filled
	values := compose.Values(q.args)
	shown := maps.Clone(values)
	refs := compose.Secrets(q.args)
	for _, name := range compose.Unresolved(q.due.Spec) {
		ref, isSecret := refs[name]
		if _, known := values[name]; known {
			continue
		}
		if !isSecret {
			return filled{}, &judge.Failure{Class: judge.BadConfig, Message: fmt.Sprintf("argument %q has no value", name)}
		}
		value, failure := t.secret(ctx, q.run.Namespace, ref)
		if failure != nil {
			return filled{}, failure
		}
		values[name], shown[name] = value, evidence.Mask
		f.secrets = append(f.secrets, value)
	}
	asked, err := compose.Metric(q.due.Spec, values)
	if err == nil {
		var masked api.Metric
		masked, err = compose.Metric(q.due.Spec, shown)
		f.spec, f.shown, f.secret = asked.Provider, masked.Provider, len(f.secrets) > 0
	}
	if err != nil {
		return filled{}, &judge.Failure{Class: judge.BadConfig, Message: "the metric's arguments cannot be filled in"}
	}
	return f, nil
}

// secret reads one value. Names may be told, values never.
func (t *Taker) secret(ctx context.Context, namespace string, ref api.SecretKeyRef) (string, *judge.Failure) {
	ctx, cancel := context.WithTimeout(ctx, secretsWithin)
	defer cancel()
	value, found, err := t.config.Secrets(ctx, namespace, ref.Name, ref.Key)
	switch {
	case err != nil:
		return "", &judge.Failure{Class: judge.BadConfig, Message: fmt.Sprintf("secret %q could not be read from the cluster", ref.Name)}
	case !found:
		return "", &judge.Failure{Class: judge.BadConfig, Message: fmt.Sprintf("secret %q has no key %q, or does not exist", ref.Name, ref.Key)}
	case value == "":
		return "", &judge.Failure{Class: judge.BadConfig, Message: fmt.Sprintf("key %q of secret %q is empty", ref.Key, ref.Name)}
	default:
		return value, nil
	}
}
