// Package decide says what a rollout, a run, an experiment should do next.
package decide

import (
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// Plan is everything one turn decided: the whole next status, facts to make true, and why.
type Plan[S any] struct {
	Status  S
	Actions []Action
	Again   time.Time // when to look again; zero = only when something changes
	Reason  Reason
	Events  []Event // sent after the save that decided them
}

// Reason is why things stand as they do: a constant for machines, a sentence for people. It is the
// same from pass to pass while nothing changes.
type Reason struct {
	Code    string
	Message string
}

// Event is what Kubernetes events tell people.
type Event struct {
	Warning bool
	Reason  string
	Message string
}

// SampleKey is the identity of a measurement: which metric, the n-th (from 1), scheduled when.
type SampleKey struct {
	Metric string
	N      int32
	At     time.Time
}

// Due is a measurement that should be taken now or at At.
type Due struct {
	SampleKey
	// About is the time that is asked about: At, or one in the window of a load test that is over.
	About time.Time
	Spec  api.Metric // value arguments resolved, secret ones still as placeholders
	// Within bounds it: min(timeout, interval).
	Within time.Duration
}

// Asked is the time that is asked about.
func (d Due) Asked() time.Time {
	if d.About.IsZero() {
		return d.At
	}
	return d.About
}

// AnalysisInput is what decide.Analysis looks at.
type AnalysisInput struct {
	Run     *api.AnalysisRun
	Samples []Taken
	Jobs    map[string]Job // by name; an absent Job does not exist
	Invalid []string       // mistakes in the spec, in words
	Now     time.Time
}

// Taken is a sample with the identity it was taken for.
type Taken struct {
	Key    SampleKey
	Sample judge.Sample
}

// Job is a Job of one measurement, as its runner reads it. A Job that does not exist is absent, unless
// there is something to say about why.
type Job struct {
	Ours    bool         // its label names this run's UID
	Done    bool         // its measurement has come to something
	Ended   bool         // the Job itself is over: nothing of it runs, or will ever run
	Missing bool         // it is not there; unless Done it is still to be created, and Waiting says why not yet
	Sample  judge.Sample // when Done
	Again   time.Time    // when to look again although nothing changes; zero = never
	Waiting string       // what is awaited while not Done
	// LoadFrom and LoadTo are when a load test began and ended; zero while not known, and for what is none.
	LoadFrom, LoadTo time.Time
	// Queued says that the Job may not be created yet, because as many load tests run as may. It is Missing too.
	Queued bool
	// Assembled says that all pods of a load test that several share are there; Untold names those that were not
	// told yet when to begin. Those that were told begin at LoadFrom.
	Assembled bool
	Untold    []string
}
