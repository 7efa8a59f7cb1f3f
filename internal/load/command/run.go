package command

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"time"

	"sluice.dev/sluice/internal/load/cgroup"
	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
	"sluice.dev/sluice/internal/load/vu"
)

// width of a period's report.
const width = 10 * time.Second

// run reads the script and, when it is good, sends its load.
func run(file string, f flags, env Env) error {
	out, err := newOutputs(f, env)
	if err != nil {
		return err
	}
	seed := rand.Uint64()
	s, err := load(file, f, env, seed)
	if err != nil {
		fmt.Fprintln(env.Err, err)
		return out.refuse(err)
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(env.Err, "warning: %s\n", w)
	}
	if f.plan {
		return printPlan(env.Out, s)
	}
	if err := out.open(time.Now()); err != nil {
		return err
	}
	return newSession(s, out, env, seed).run()
}

func load(file string, f flags, env Env, seed uint64) (*script.Script, error) {
	data, err := readScript(file)
	if err != nil {
		return nil, err
	}
	id := env.lookup("ARTILLERY_TEST_RUN_ID")
	if id == "" {
		id = fmt.Sprintf("t%016x", seed)
	}
	return script.Load(data, script.Options{
		File: file, Target: f.target, Environment: f.environment, Insecure: f.insecure,
		Variables: f.variables, Overrides: f.overrides, Environ: env.Environ, TestID: id, Seed: seed,
	})
}

// readScript reads no more than a script may have, whatever the file is.
func readScript(file string) ([]byte, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading the script: %w", err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, script.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the script: %w", err)
	}
	return data, nil
}

// session is one run of a script.
type session struct {
	script    *script.Script
	out       *outputs
	env       Env
	seed      uint64
	recorder  *stats.Recorder
	total     *stats.Set
	artillery report.Artillery
	console   report.Console
	// silent is why the console's reports did not reach anybody.
	silent error
}

func newSession(s *script.Script, out *outputs, env Env, seed uint64) *session {
	console := report.Console{W: out.console}
	if s.HideEndpoints {
		console.Hidden = s.Namespace + "."
	}
	return &session{
		script: s, out: out, env: env, seed: seed, console: console,
		recorder: stats.NewRecorder(runtime.GOMAXPROCS(0)), total: stats.NewSet(),
	}
}

func (s *session) run() error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	watching, stopWatching := context.WithCancel(context.Background())
	watch := cgroup.NewWatch(watching, cgroup.Root, time.Second)
	cpu := processorTime()
	started := time.Now()

	done := make(chan vu.Pace, 1)
	go func() {
		done <- vu.Run(ctx, s.script, vu.Config{Recorder: s.recorder, Share: schedule.Whole, Seed: s.seed})
	}()
	pace, stop := s.follow(done, cancel, started)
	stopWatching()
	share, known := watch.Share()
	if !known {
		share = math.NaN()
	}
	return s.finish(report.Run{
		Script: s.script, Achieved: pace.Achieved, StartedAt: started, Duration: time.Since(started), CPU: processorTime() - cpu,
		Facts: verdict.Facts{
			Total: s.total, Outcomes: s.evaluate(), Offered: pace.Offered, Planned: s.script.Plan.Length().Seconds(),
			Took: pace.Took.Seconds(), Tightest: verdict.Tightest(s.script.Checks), Throttled: share, Stopped: stop.name,
		},
	}, stop)
}

// stop is what ended a run early; a name only when something did.
type stop struct {
	name string
	code int
}

func stopOf(sig os.Signal) stop {
	if sig == syscall.SIGTERM {
		return stop{name: "SIGTERM", code: exitTerminate}
	}
	return stop{name: "SIGINT", code: exitInterrupt}
}

// follow reports period by period until the run is over.
func (s *session) follow(done <-chan vu.Pace, cancel context.CancelCauseFunc, started time.Time) (vu.Pace, stop) {
	ticker := time.NewTicker(width)
	defer ticker.Stop()
	var stopped stop
	from := started
	for {
		select {
		case sig := <-s.env.Signals:
			stopped = stopOf(sig)
			cancel(exit(stopped.code))
		case now := <-ticker.C:
			s.period(from, now)
			from = now
		case pace := <-done:
			s.period(from, time.Now())
			return pace, stopped
		}
	}
}

// period moves what was recorded into the total and shows it.
func (s *session) period(from, to time.Time) {
	set := s.recorder.Drain()
	s.total.Merge(set)
	if first, _ := set.Span(); first.IsZero() {
		return
	}
	if s.out.report != nil {
		s.artillery.Add(set, from)
	}
	s.note(s.console.Period(set, to))
}

// note keeps the first error of the console: a reader who went away must not
// keep the test from ending with its result.
func (s *session) note(err error) {
	if s.silent == nil {
		s.silent = err
	}
}

func (s *session) evaluate() []gate.Outcome {
	var out []gate.Outcome
	for _, check := range s.script.Checks {
		out = append(out, check.Evaluate(s.total.Value))
	}
	return out
}

// finish writes all reports and turns the verdict into an exit code.
func (s *session) finish(r report.Run, stopped stop) error {
	res, err := report.Result(r)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out.console, "All VUs finished. Total time: %s\n\n", r.Duration.Round(100*time.Millisecond))
	s.note(s.console.Summary(s.total, time.Now()))
	s.note(s.console.Checks(r.Facts.Outcomes))
	if s.silent != nil {
		fmt.Fprintf(s.env.Err, "warning: writing to the console: %s\n", s.silent)
	}
	s.warn(res)
	if err := s.out.write(res, &s.artillery, s.total, r.StartedAt); err != nil {
		return err
	}
	if res.Why == "" {
		fmt.Fprintf(s.out.console, "Verdict: %s\n", res.Verdict)
	} else {
		fmt.Fprintf(s.env.Err, "Verdict: %s: %s\n", res.Verdict, res.Why)
	}
	if stopped.name != "" {
		return exit(stopped.code)
	}
	return exitOf(res.Verdict)
}

func exitOf(v result.Verdict) error {
	switch v {
	case result.Fail:
		return exit(exitFailed)
	case result.Inconclusive:
		return exit(exitInconclusive)
	case result.Pass:
	}
	return nil
}

// warn says what the exit code does not: answers that are errors, and no gate that looks at them.
func (s *session) warn(res result.Result) {
	serverErrors, unanswered := s.total.Bad()
	if serverErrors+unanswered == 0 {
		return
	}
	fmt.Fprintf(s.env.Err, "warning: %.1f %% of %d requests went wrong: %d answers 5xx, %d without an answer",
		res.ErrorRate*100, res.Requests, serverErrors, unanswered)
	if classes := verdict.Errors(s.total); classes != "" {
		fmt.Fprintf(s.env.Err, " (%s)", classes)
	}
	fmt.Fprintln(s.env.Err)
	if serverErrors > 0 && !verdict.SeesServerErrors(s.script.Checks) {
		fmt.Fprintln(s.env.Err, "warning: NO GATE OF THIS SCRIPT LOOKS AT 5xx ANSWERS, so they do not change the exit code; "+
			`add to config.ensure.conditions: expression: "http.codes.500 + http.codes.502 + http.codes.503 + http.codes.504 == 0"`)
	}
}
