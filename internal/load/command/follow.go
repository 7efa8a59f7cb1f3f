package command

import (
	"context"
	"os"
	"time"

	"golang.org/x/term"

	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/vu"
)

const (
	// width of a period's report.
	width = 10 * time.Second
	// redraw is how often the line of a terminal is drawn.
	redraw = 250 * time.Millisecond
	// chartStep is how far apart the points of the charts are.
	chartStep = time.Second
	// narrow is the width of a terminal that does not tell its own.
	narrow = 80
)

// newProgress follows the run on the terminal that errors go to; it is nil where they go elsewhere.
func newProgress(s *script.Script, out *outputs, env Env) *report.Progress {
	file, ok := env.Err.(*os.File)
	if !ok || out.quiet || !term.IsTerminal(int(file.Fd())) || env.lookup("TERM") == "dumb" {
		return nil
	}
	return &report.Progress{
		W: file, Plain: env.lookup("NO_COLOR") != "", Bands: report.Bands(s.Plan), Length: s.Plan.Length(),
		Width: func() int {
			columns, _, err := term.GetSize(int(file.Fd()))
			if err != nil || columns <= 0 {
				return narrow
			}
			return columns
		},
	}
}

// pulse is how often what was recorded is looked at.
func (s *session) pulse() time.Duration {
	switch {
	case s.progress != nil:
		return redraw
	case s.out.html != nil:
		return chartStep
	}
	return width
}

// follow reports period by period until the run is over.
func (s *session) follow(done <-chan vu.Pace, cancel context.CancelCauseFunc, started time.Time) (vu.Pace, stop) {
	ticker := time.NewTicker(s.pulse())
	defer ticker.Stop()
	var stopped stop
	from, last := started, started
	for {
		select {
		case sig := <-s.env.Signals:
			stopped = stopOf(sig)
			cancel(exit(stopped.code))
		case now := <-ticker.C:
			s.take(started, last, now)
			last = now
			// A tick may come a little early.
			if now.Sub(from) >= width-s.pulse()/2 {
				s.clear()
				s.period(from, now)
				from = now
			}
			s.draw(now.Sub(started))
		case pace := <-done:
			now := time.Now()
			s.take(started, last, now)
			s.clear()
			s.period(from, now)
			return pace, stopped
		}
	}
}

// take moves what was recorded into everything that shows it.
func (s *session) take(started, last, now time.Time) {
	set := s.recorder.Drain()
	s.total.Merge(set)
	s.current.Merge(set)
	if s.out.html != nil {
		s.timeline.Add(set, now.Sub(started))
	}
	if s.progress != nil {
		s.progress.Add(set, now.Sub(last))
	}
}

func (s *session) draw(at time.Duration) {
	if s.progress != nil {
		s.note(s.progress.Draw(at))
	}
}

// clear makes room for what is written to the console.
func (s *session) clear() {
	if s.progress != nil {
		s.note(s.progress.Clear())
	}
}

// period shows what has come in since the one before.
func (s *session) period(from, to time.Time) {
	set := s.current
	s.current = stats.NewSet()
	if first, _ := set.Span(); first.IsZero() {
		return
	}
	if s.out.report != nil {
		s.artillery.Add(set, from)
	}
	s.note(s.console.Period(set, to))
}

// page is what the HTML report tells.
func (s *session) page(r report.Run, res result.Result) report.Page {
	p := report.NewPage(s.out.title, res)
	p.Facts = append([]report.Fact{{Name: "Target", Value: s.script.Target}}, p.Facts...)
	p.Facts = append(p.Facts, report.Fact{Name: "sluice-load", Value: s.env.Version})
	for _, w := range s.script.Warnings {
		p.Notes = append(p.Notes, w.Error())
	}
	p.Checks, p.Bands = report.Checks(r.Facts.Outcomes), report.Bands(s.script.Plan)
	p.Sides[0].Points = s.timeline.Points(s.script.Plan, schedule.Whole)
	return p
}
