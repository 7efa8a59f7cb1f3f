// Package engine carries out one pass: observe, decide, save, act.
package engine

import (
	"context"
	"errors"
	"time"

	"sluice.dev/sluice/internal/decide"
)

// World is everything a pass needs from outside, for one object and one pass.
type World[O, S any] interface {
	// Observe gathers what decide looks at. It never writes.
	Observe(ctx context.Context) (O, error)
	// Same reports whether the status says what the observed object's status says already.
	Same(status S) bool
	// Save writes the status on the condition that the object is still the version observed.
	Save(ctx context.Context, status S) error
	// Tell sends events; it cannot fail.
	Tell(events []decide.Event)
	// Act makes one fact true, on the versions it was decided on.
	Act(ctx context.Context, action decide.Action) error
}

// Pass observes, decides, saves what was decided on the version that was read, and only then acts.
// With nothing to save and nothing to do it makes no request at all. An error is a reason to pass
// again soon; a failed action ends its own chain only, and safety comes first.
func Pass[O, S any](ctx context.Context, w World[O, S], decision func(O) decide.Plan[S]) (time.Time, error) {
	observed, err := w.Observe(ctx)
	if err != nil {
		return time.Time{}, err
	}
	plan := decision(observed)
	if w.Same(plan.Status) && len(plan.Actions) == 0 {
		return plan.Again, nil
	}
	if err := w.Save(ctx, plan.Status); err != nil {
		return time.Time{}, err
	}
	w.Tell(plan.Events)
	return plan.Again, act(ctx, w, plan.Actions)
}

func act[O, S any](ctx context.Context, w World[O, S], actions []decide.Action) error {
	var errs []error
	for _, chain := range []decide.Chain{decide.Safety, decide.Measure, decide.Housekeeping} {
		for _, action := range actions {
			if action.Chain() != chain {
				continue
			}
			if err := w.Act(ctx, action); err != nil {
				errs = append(errs, err)
				break
			}
		}
	}
	return errors.Join(errs...)
}
