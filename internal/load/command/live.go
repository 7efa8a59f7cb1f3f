package command

import (
	"os"
	"time"

	"golang.org/x/term"

	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/script"
)

// narrow is the width of a terminal that does not tell its own.
const narrow = 80

// newProgress follows the run on the terminal that errors go to; it is nil where they go elsewhere.
func newProgress(s *script.Script, f flags, env Env) *report.Progress {
	file, ok := env.Err.(*os.File)
	if !ok || f.quiet || f.jsonLines || !term.IsTerminal(int(file.Fd())) || env.lookup("TERM") == "dumb" {
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

// page tells the run as an HTML report.
func (s *session) page(r report.Run, res result.Result) report.Page {
	own := s.plan.scripts[0]
	p := report.NewPage(s.name, res)
	target := report.Fact{Name: "Target", Value: s.hidden.hide(own.Target)}
	if len(s.sides) > 1 {
		target.Value += ", compared with " + s.hidden.hide(s.sides[1].script.Target)
	}
	p.Facts = append([]report.Fact{target}, p.Facts...)
	p.Facts = append(p.Facts, report.Fact{Name: "sluice-load", Value: s.env.Version})
	for _, w := range own.Warnings {
		p.Notes = append(p.Notes, s.hidden.hide(w.Error()))
	}
	p.Checks, p.Bands = report.Checks(r.Facts.Outcomes), report.Until(report.Bands(own.Plan), r.Duration)
	for i, side := range s.sides[:min(len(s.sides), len(p.Sides))] {
		p.Sides[i].Points = side.timeline.Points(own.Plan, s.plan.part())
	}
	p.Hide(s.hidden.hide)
	return p
}
