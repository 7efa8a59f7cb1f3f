package command

import (
	"fmt"
	"time"

	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/verdict"
)

// finish writes all reports and turns the verdict into an exit code.
func (s *session) finish(r report.Run, stopped stop) error {
	res, err := report.Result(r)
	if err != nil {
		return err
	}
	res = res.Hide(s.hidden.hide)
	s.show(r, res)
	if stopped.word == stoppedUsers {
		fmt.Fprintf(s.env.Err, "warning: %d virtual users had not finished %s after the last arrival and were ended; --wait-for-users gives them longer\n",
			stopped.users, s.flags.waitForUsers)
	}
	if err := s.sides[0].pace.Err; err != nil {
		fmt.Fprintf(s.env.Err, "warning: %s\n", s.hidden.hide(err.Error()))
	}
	s.warn(res)
	if err := s.out.write(s, r, res); err != nil {
		return err
	}
	s.conclude(res)
	switch {
	case stopped.code != 0:
		return exit(stopped.code)
	case res.Verdict == result.Fail && verdict.Unexpected(r.Facts):
		return exit(exitExpectation)
	}
	return exitOf(res.Verdict)
}

// show prints the whole run.
func (s *session) show(r report.Run, res result.Result) {
	total := s.sides[0].total
	fmt.Fprintf(s.out.console, "All VUs finished. Total time: %s\n\n", r.Duration.Round(100*time.Millisecond))
	s.note(s.console.Summary(total, time.Now()))
	if res.Stable != nil {
		s.note(s.console.Comparison(res))
	}
	s.note(s.console.Checks(r.Facts.Outcomes))
	if s.silent != nil {
		fmt.Fprintf(s.env.Err, "warning: writing to the console: %s\n", s.silent)
	}
}

func (s *session) conclude(res result.Result) {
	if s.flags.jsonLines {
		s.note(report.LastLine(s.out.lines, res))
	}
	switch {
	case res.Why != "":
		fmt.Fprintf(s.env.Err, "Verdict: %s: %s\n", res.Verdict, res.Why)
	default:
		fmt.Fprintf(s.out.console, "Verdict: %s\n", res.Verdict)
	}
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
