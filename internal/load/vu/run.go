// Package vu runs virtual users: each arrival of the plan walks through a scenario.
package vu

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// DefaultBound is how many users may be in flight when nobody says otherwise.
const DefaultBound = 10_000

// Config is what a run needs besides the script.
type Config struct {
	Recorder *stats.Recorder
	Share    schedule.Share
	// Bound limits the users in flight; arrivals beyond it are skipped and counted. 0 is DefaultBound.
	Bound int
	// Seed makes what users draw by chance repeatable: user k always draws the same.
	Seed uint64
}

// Pace says how sending went.
type Pace struct {
	StartedAt time.Time
	// Offered is how many arrivals were due, Achieved how many users started.
	Offered, Achieved int64
	// Took is from the start to the last arrival's turn, and at least the plan's length.
	Took time.Duration
	// Stopped says that the context ended the run early.
	Stopped bool
}

// runner holds one run.
type runner struct {
	script   *script.Script
	config   Config
	factory  *httpx.Factory
	weights  []int64
	inFlight atomic.Int64
	users    sync.WaitGroup
	started  time.Time
	keys     *keys
}

// Run sends the script's load and returns when the last user has finished or
// the context has ended.
func Run(ctx context.Context, s *script.Script, c Config) Pace {
	if c.Bound <= 0 {
		c.Bound = DefaultBound
	}
	r := &runner{
		script: s, config: c, factory: httpx.NewFactory(httpx.Options{Timeout: s.Timeout, Insecure: s.Insecure}),
	}
	var sum int64
	for _, scenario := range s.Scenarios {
		sum += scenario.Weight
		r.weights = append(r.weights, sum)
	}
	r.keys = newKeys(s, c.Recorder)
	pace := r.pace(ctx)
	r.users.Wait()
	pace.Stopped = ctx.Err() != nil
	return pace
}

// pace starts users when they are due, from one thread of its own.
func (r *runner) pace(ctx context.Context) Pace {
	p := pacer{exact: runtime.GOMAXPROCS(0) > 1}
	if p.exact {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	plan, share := r.script.Plan, r.config.Share
	r.started = time.Now()
	out := Pace{StartedAt: r.started, Took: plan.Length()}
	for k := share.Index; k < plan.Total(); k += share.Of {
		arrival := plan.Due(k)
		due := r.started.Add(arrival.At)
		if !p.until(ctx, due) {
			out.Took = time.Since(r.started)
			return out
		}
		out.Offered++
		if r.admit(k, arrival) {
			out.Achieved++
			r.users.Add(1)
			go r.user(ctx, k, arrival.Phase, due)
		}
	}
	out.Took = max(out.Took, time.Since(r.started))
	p.until(ctx, r.started.Add(plan.Length()))
	return out
}

// admit says whether a user may start, and counts one that may not.
func (r *runner) admit(k int64, a schedule.Arrival) bool {
	flying := r.inFlight.Load()
	own := flying >= int64(r.config.Bound)
	limit := r.script.Plan.Windows()[a.Phase].MaxVUsers
	if !own && (limit == 0 || flying < int64(limit)) {
		r.inFlight.Add(1)
		return true
	}
	r.config.Recorder.Record(k, func(s *stats.Set) {
		s.At(time.Now())
		s.Count(series.VUsersSkipped, 1)
		if own {
			s.Count(series.Overflow, 1)
		}
	})
	return false
}

// pick chooses user k's scenario by weight.
func (r *runner) pick(random *rand.Rand) int {
	n := random.Int64N(r.weights[len(r.weights)-1])
	for i, sum := range r.weights {
		if n < sum {
			return i
		}
	}
	return len(r.weights) - 1
}
