package command

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"syscall"
	"time"

	"sluice.dev/sluice/internal/load/cgroup"
	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/vu"
)

// How often a run is looked at.
const (
	// width is a period's, as Artillery reports them.
	width = 10 * time.Second
	// beat is how often the running totals are judged.
	beat = 250 * time.Millisecond
	// draft is how often the result is written before the end.
	draft = 2 * time.Second
)

// session is one run of a script.
type session struct {
	// name is the script's, for people.
	name   string
	plan   plan
	flags  flags
	out    *outputs
	env    Env
	seed   uint64
	hidden secrets
	// log takes what the script prints.
	log   io.Writer
	sides []*side
	early early
	// artillery, one for each side, keep the periods of the JSON report.
	artillery [2]report.Artillery
	console   report.Console
	progress  *report.Progress // nil where nobody would see it
	// silent is why the console's reports did not reach anybody.
	silent error
	// started is when the plan began, cpu how much processor time had been used by then.
	started time.Time
	cpu     time.Duration
	// periodFrom, secondFrom, beatFrom and draftedAt are when the current ones began.
	periodFrom, secondFrom, beatFrom, draftedAt time.Time
}

func newSession(p plan, f flags, out *outputs, env Env) *session {
	console := report.Console{W: out.console}
	if s := p.scripts[0]; s.HideEndpoints {
		console.Hidden = s.Namespace + "."
	}
	s := &session{plan: p, flags: f, out: out, env: env, console: console, sides: sides(p.scripts), progress: newProgress(p.scripts[0], f, env)}
	s.early, s.log = newEarly(p, f), out.console
	return s
}

func (s *session) run() error {
	if err := s.out.writeMessage(s.out.inconclusive("the load generator was killed before it sent anything", stoppedKilled)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if stopped, why := s.begin(ctx); why != "" {
		return s.never(why, stopped)
	}
	watching, stopWatching := context.WithCancel(context.Background())
	defer stopWatching()
	watch := cgroup.NewWatch(watching, cgroup.Root, time.Second)
	stopped := s.follow(cancel)
	stopWatching()
	share, known := watch.Share()
	if !known {
		share = math.NaN()
	}
	if stopped.word == "" || stopped.word == stoppedUsers {
		stopped.why = s.early.atEnd(s.sides[0])
	}
	r := s.report(stopped)
	r.Facts.Throttled = share
	if r.Stable != nil {
		r.Stable.Facts.Throttled = share
	}
	return s.finish(r, stopped)
}

// stop is what ended a run early; a word only when something did.
type stop struct {
	word string
	// code is the exit code of a run that a signal stopped.
	code int
	// why is set when the run was ended for the target's sake, or should have been.
	why string
	// users is how many users had to be ended; idle says that all had ended before.
	users int64
	idle  bool
}

// Words for what ends a run.
const (
	stoppedKilled   = "killed"
	stoppedAbort    = "abort"
	stoppedHopeless = "hopeless"
	stoppedUsers    = "users"
)

func stopOf(sig os.Signal) stop {
	if sig == syscall.SIGTERM {
		return stop{word: "SIGTERM", code: exitTerminate}
	}
	return stop{word: "SIGINT", code: exitInterrupt}
}

// follow watches and reports until the run is over.
func (s *session) follow(cancel context.CancelCauseFunc) stop {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var stopped stop
	end := func(why stop) {
		stopped = why
		stopped.idle = s.idle()
		if why.word == stoppedUsers {
			cancel(vu.ErrUnfinished)
			return
		}
		cancel(exit(stopped.code))
	}
	for {
		select {
		case sig := <-s.env.Signals:
			if stopped.code != 0 {
				s.absorb(time.Now(), true)
				return stopped // asked twice: at once, without waiting for anybody
			}
			end(stopOf(sig))
		case now := <-ticker.C:
			s.absorb(now, false)
			if stopped.word != "" {
				continue
			}
			if why := s.reasonToStop(now); why.word != "" {
				end(why)
			}
		case pace := <-s.sides[0].done:
			s.sides[0].finish(pace)
		case pace := <-s.second():
			s.sides[1].finish(pace)
		}
		if s.ended() {
			s.absorb(time.Now(), true)
			return stopped
		}
	}
}

// reasonToStop is what ends the run early: enough was seen, or users do not finish; no word when nothing does.
func (s *session) reasonToStop(now time.Time) stop {
	if why := s.early.look(s.sides[0], now.Sub(s.started)); why.word != "" {
		return why
	}
	if !s.idle() && now.After(s.started.Add(s.plan.scripts[0].Plan.Length()+s.flags.waitForUsers)) {
		return stop{word: stoppedUsers, users: s.active()}
	}
	return stop{}
}

// second brings the end of the stable side, never when there is none.
func (s *session) second() <-chan vu.Pace {
	if len(s.sides) < 2 {
		return nil
	}
	return s.sides[1].done
}

func (s *session) ended() bool {
	for _, side := range s.sides {
		if !side.ended {
			return false
		}
	}
	return true
}

// idle says whether the users of all sides have ended.
func (s *session) idle() bool {
	return !slices.ContainsFunc(s.sides, func(side *side) bool { return !side.idle() })
}

// active is how many users of all sides are under way.
func (s *session) active() (n int64) {
	for _, side := range s.sides {
		n += side.active()
	}
	return n
}

// absorb takes what was recorded into the totals and shows what is due.
func (s *session) absorb(now time.Time, last bool) {
	for i, side := range s.sides {
		if set := side.absorb(); i == 0 && s.progress != nil {
			s.progress.Add(set, now.Sub(s.beatFrom))
		}
	}
	s.beatFrom = now
	if now.Sub(s.secondFrom) >= time.Second || last {
		s.line(now)
	}
	if now.Sub(s.periodFrom) >= width || last {
		s.clear()
		s.period(now)
	}
	if !last {
		s.draw(now.Sub(s.started))
	}
	if now.Sub(s.draftedAt) >= draft && !last {
		s.draft(now)
	}
}

// line shows what was recorded since the last one.
func (s *session) line(now time.Time) {
	for i, side := range s.sides {
		side.timeline.Add(side.second, now.Sub(s.started))
		if s.flags.jsonLines {
			s.note(report.Line(s.out.lines, report.Second{
				At: now, Elapsed: now.Sub(s.started), Stable: i == 1, Active: side.active(), Set: side.second,
			}))
		}
		side.second.Reset()
	}
	s.secondFrom = now
}

// period shows what was recorded since the last one.
func (s *session) period(now time.Time) {
	for i, side := range s.sides {
		if first, _ := side.period.Span(); !first.IsZero() {
			if s.out.report != nil {
				s.artillery[i].Add(side.period, s.periodFrom)
			}
			if i == 0 {
				s.note(s.console.Period(side.period, now))
			}
		}
		side.period.Reset()
	}
	s.periodFrom = now
}

// draft writes what is known so far: a generator that is killed, for its
// memory for example, never comes to write its end.
func (s *session) draft(now time.Time) {
	s.draftedAt = now
	res, err := report.Result(s.report(stop{word: stoppedKilled}))
	if err != nil {
		return // the end reports it
	}
	res.Verdict, res.Why = result.Inconclusive, fmt.Sprintf("the load generator was killed: this is what it knew after %.1f s", res.Duration)
	s.note(s.out.writeMessage(res))
}

// note keeps the first error of the console: a reader who went away must not
// keep the test from ending with its result.
func (s *session) note(err error) {
	if s.silent == nil {
		s.silent = err
	}
}

// report is the run as far as it came.
func (s *session) report(stopped stop) report.Run {
	var elapsed time.Duration
	for _, side := range s.sides {
		elapsed = max(elapsed, side.lasted(s.started))
	}
	of := func(side *side) report.Run {
		f := side.facts(elapsed)
		f.Throttled = math.NaN()
		if stopped.word != stoppedUsers && stopped.why == "" {
			f.Stopped = stopped.word
		}
		f.Idle = s.plan.part().Total(side.script.Plan) == 0 && side.script.Plan.Total() > 0
		achieved := side.pace.Achieved
		if !side.ended {
			achieved = side.total.Counter(series.VUsersCreated)
		}
		return report.Run{Script: side.script, Facts: f, Achieved: achieved, StartedAt: s.started, Duration: elapsed, Share: s.plan.share}
	}
	r := of(s.sides[0])
	r.Stopped, r.CPU, r.Facts.Aborted = stopped.word, processorTime()-s.cpu, stopped.why
	if stopped.word == stoppedUsers {
		r.Stopped = ""
	}
	if len(s.sides) > 1 {
		stable := of(s.sides[1])
		r.Stable = &stable
	}
	return r
}

// never ends a run that did not start.
func (s *session) never(why string, stopped stop) error {
	res := s.out.inconclusive(s.hidden.hide(why), stopped.word)
	res.Script = s.plan.scripts[0].Digest
	s.started = time.Now()
	if err := s.out.write(s, report.Run{}, res); err != nil {
		fmt.Fprintf(s.env.Err, "error: %s\n", err)
	}
	s.conclude(res)
	if stopped.code != 0 {
		return exit(stopped.code)
	}
	return exitOf(result.Inconclusive)
}
