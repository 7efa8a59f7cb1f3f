// Package vu runs virtual users: each arrival of the plan walks through a scenario.
package vu

import (
	"context"
	"errors"
	"io"
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
	// Target replaces the script's when it is not empty, to send the same load elsewhere.
	Target string
	// Tags go with every request, as members of the W3C baggage header and as X-Sluice-Load-Test.
	Tags map[string]string
	// Log takes what log steps, processors and expectations print, a bounded number of lines; nil drops them.
	Log io.Writer
	// Begin is called after the script's before flow and says when the plan begins; nil begins at once.
	Begin func(ctx context.Context) (time.Time, error)
	// Ended is called when the last user has ended, before the script's after flow; nil when nobody asks.
	Ended func()
}

// ErrUnfinished is the cause of a context that ends because users took too
// long: the requests under way then count as not answered, and their users as failed.
var ErrUnfinished = errors.New("virtual users had not finished")

// Pace says how sending went.
type Pace struct {
	StartedAt time.Time
	// Offered is how many arrivals were due, Achieved how many users started.
	Offered, Achieved int64
	// Took is from the start to the last arrival's turn, and at least the plan's length.
	Took time.Duration
	// Stopped says that the context ended the run early.
	Stopped bool
	// Err is why nothing, or not everything, was done: the before or after flow
	// failed, or a certificate or the processor cannot be used.
	Err error
}

// runner holds one run.
type runner struct {
	script  *script.Script
	config  Config
	factory *httpx.Factory
	// target is what urls are appended to, tags what goes with every request.
	target string
	tags   tags
	// shared are the variables that every user begins with: all rows of files, and what the before flow captured.
	shared, captured map[string]any
	extractors       extractors
	functions        *functions
	printer          *printer
	labels, metrics  labels
	explained        atomic.Int64
	weights          []int64
	inFlight         atomic.Int64
	users            sync.WaitGroup
	turns            chan turn
	idle             atomic.Int64
	started          time.Time
	keys             *keys
}

// Run sends the script's load and returns when the last user has finished or
// the context has ended. The script's before flow runs first, its after flow last.
func Run(ctx context.Context, s *script.Script, c Config) Pace {
	r, err := newRunner(s, c)
	if err != nil {
		return Pace{StartedAt: time.Now(), Err: err}
	}
	defer r.factory.Close()
	if err := r.setUp(ctx); err != nil {
		return Pace{StartedAt: time.Now(), Stopped: ctx.Err() != nil, Err: err}
	}
	if err := r.await(ctx); err != nil {
		return Pace{StartedAt: time.Now(), Stopped: ctx.Err() != nil, Err: err}
	}
	pace := r.pace(ctx)
	r.users.Wait()
	close(r.turns)
	if r.config.Ended != nil {
		r.config.Ended()
	}
	pace.Stopped = ctx.Err() != nil
	pace.Err = r.tearDown(ctx)
	r.printer.close()
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
	if r.started.IsZero() {
		r.started = time.Now()
	}
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
			r.begin(ctx, turn{k: k, phase: arrival.Phase, due: due})
		}
	}
	out.Took = max(out.Took, time.Since(r.started))
	p.until(ctx, r.started.Add(plan.Length()))
	return out
}

// turn is one user's arrival.
type turn struct {
	k     int64
	phase int
	due   time.Time
}

// idleWorkers is how many goroutines without a user wait for one. It evens out
// arrivals by chance; those of a burst end, or their stacks would stay.
const idleWorkers = 128

// begin hands a user to a goroutine whose last one has finished, or to a new
// one: a used goroutine has the stack that sending a request needs.
func (r *runner) begin(ctx context.Context, t turn) {
	select {
	case r.turns <- t:
	default:
		go r.work(ctx, t)
	}
}

// work runs one user after the other until there are no more, or others enough wait for them.
func (r *runner) work(ctx context.Context, t turn) {
	for more := true; more; {
		r.user(ctx, t.k, t.phase, t.due)
		if r.idle.Add(1) > idleWorkers {
			r.idle.Add(-1)
			return
		}
		t, more = <-r.turns
		r.idle.Add(-1)
	}
}

// admit says whether a user may start, and counts one that may not.
func (r *runner) admit(k int64, a schedule.Arrival) bool {
	flying := r.inFlight.Load()
	own := flying >= int64(r.config.Bound)
	limit := r.script.Plan.Windows()[a.Phase].MaxVUsers
	if !own && (limit == 0 || flying < r.config.Share.Part(int64(limit))) {
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
