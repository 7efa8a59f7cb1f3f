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
	s.show(r, res, stopped)
	if stopped.word == stoppedUsers {
		fmt.Fprintf(s.env.Err, "warning: %d virtual users had not finished %s after the last arrival and were ended; --wait-for-users gives them longer\n",
			stopped.users, s.flags.waitForUsers)
	}
	if err := s.sides[0].pace.Err; err != nil {
		fmt.Fprintf(s.env.Err, "warning: %s\n", s.hidden.hide(err.Error()))
	}
	s.warn(res)
	// What cannot be written does not change what was measured.
	unwritten := s.out.write(s, r, res)
	if unwritten != nil {
		fmt.Fprintf(s.env.Err, "error: %s\n", unwritten)
	}
	s.conclude(res)
	switch {
	case stopped.code != 0:
		return exit(stopped.code)
	case res.Verdict == result.Fail && verdict.Unexpected(r.Facts):
		return exit(exitExpectation)
	case res.Verdict == result.Pass && unwritten != nil:
		return exit(exitUsage)
	}
	return exitOf(res.Verdict)
}

// show prints the whole run.
func (s *session) show(r report.Run, res result.Result, stopped stop) {
	total := s.sides[0].total
	fmt.Fprintf(s.out.console, "%s Total time: %s\n\n", stopped.headline(), r.Duration.Round(100*time.Millisecond))
	s.note(s.console.Summary(total, time.Now()))
	if res.Stable != nil {
		s.note(s.console.Comparison(res))
	}
	s.note(s.console.Checks(r.Facts.Outcomes))
	if s.silent != nil {
		fmt.Fprintf(s.env.Err, "warning: writing to the console: %s\n", s.silent)
	}
}

// headline says how the users came to their end.
func (s stop) headline() string {
	switch {
	case s.word == "" || s.idle:
		return "All VUs finished."
	case s.word == stoppedUsers:
		return fmt.Sprintf("%d VUs had not finished and were ended.", s.users)
	case s.word == stoppedAbort || s.word == stoppedHopeless:
		return "Stopped early; VUs under way were ended."
	}
	return "Stopped by " + s.word + "; VUs under way were ended."
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
