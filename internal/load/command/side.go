package command

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
	"sluice.dev/sluice/internal/load/vu"
)

// side is what is loaded: the target, or the stable version that it is compared with.
type side struct {
	script   *script.Script
	recorder *stats.Recorder
	// total is what was recorded since the start, period since the last block of the console, second
	// since the last line.
	total, period, second *stats.Set
	timeline              report.Timeline
	// hide takes out of errors' texts what nobody may see.
	hide func(string) string
	done chan vu.Pace
	// idleAt is when the last user had ended; nil before.
	idleAt atomic.Pointer[time.Time]
	pace   vu.Pace
	ended  bool
}

func newSide(s *script.Script) *side {
	return &side{
		script: s, recorder: stats.NewRecorder(runtime.GOMAXPROCS(0)), done: make(chan vu.Pace, 1),
		total: stats.NewSet(), period: stats.NewSet(), second: stats.NewSet(),
	}
}

func (s *side) start(ctx context.Context, c vu.Config) {
	c.Recorder = s.recorder
	c.Ended = func() {
		now := time.Now()
		s.idleAt.Store(&now)
	}
	go func() { s.done <- vu.Run(ctx, s.script, c) }()
}

// absorb takes what was recorded since the last call, and returns it.
func (s *side) absorb() *stats.Set {
	set := s.recorder.Drain()
	if s.hide != nil {
		set.EditCauses(s.hide)
	}
	s.total.Merge(set)
	s.period.Merge(set)
	s.second.Merge(set)
	return set
}

// finish is told how sending went.
func (s *side) finish(p vu.Pace) { s.pace, s.ended = p, true }

func (s *side) evaluate() []gate.Outcome {
	var out []gate.Outcome
	for _, check := range s.script.Checks {
		out = append(out, check.Evaluate(s.total.Value))
	}
	return out
}

// facts are what a verdict on the side is based on, after so much of the plan.
func (s *side) facts(elapsed time.Duration) verdict.Facts {
	pace := s.pace
	if !s.ended {
		pace.Took = elapsed
		pace.Offered = s.total.Counter(series.VUsersCreated) + s.total.Counter(series.VUsersSkipped)
	}
	return verdict.Facts{
		Total: s.total, Outcomes: s.evaluate(), Offered: pace.Offered, Planned: s.script.Plan.Length().Seconds(),
		Took: pace.Took.Seconds(), Tightest: verdict.Tightest(s.script.Checks),
		Checks: s.script.Checks, Expects: s.script.Expect != nil,
	}
}

// idle says whether all users have ended; the after flow may still run.
func (s *side) idle() bool { return s.ended || s.idleAt.Load() != nil }

// lasted is how long users were under way.
func (s *side) lasted(since time.Time) time.Duration {
	if at := s.idleAt.Load(); at != nil {
		return at.Sub(since)
	}
	return time.Since(since)
}

// active is how many users are under way.
func (s *side) active() int64 {
	return max(0, s.total.Counter(series.VUsersCreated)-s.total.Counter(series.VUsersCompleted)-s.total.Counter(series.VUsersFailed))
}
