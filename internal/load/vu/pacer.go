package vu

import (
	"context"
	"time"
)

// Pacer waits for moments as exactly as the machine allows.
//
// A runtime timer is up to a millisecond late, which every latency counted from
// the intended start would show. So the last stretch is slept in the kernel, on
// a thread of its own where there is more than one processor to run on.
type pacer struct {
	exact bool
}

// lead is how long before the moment the kernel takes over from the runtime's timer.
const lead = 3 * time.Millisecond

// until waits for a moment; it returns false when the context ended first.
func (p pacer) until(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	early := wait
	if p.exact {
		early = wait - lead
	}
	if early > 0 {
		timer := time.NewTimer(early)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
		}
	}
	if p.exact {
		sleep(time.Until(at))
	}
	return ctx.Err() == nil
}
