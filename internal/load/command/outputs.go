package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/schedule"
)

// outputs are the places a run writes to.
type outputs struct {
	// console takes the reports, lines the JSON lines.
	console, lines io.Writer
	// reportPath and pagePath are what -o and --html say; the files are open once the script is known to be good.
	reportPath, pagePath string
	report, page         *os.File
	// message is where the result goes.
	message result.File
	budget  int
	// hidden is what nobody may see.
	hidden secrets
	share  *schedule.Share
}

func newOutputs(f flags, env Env) *outputs {
	budget, err := result.ReadBudget(env.lookup("RESULT_BUDGET"))
	if err != nil {
		budget = result.MaxBudget
		fmt.Fprintf(env.Err, "warning: %s; the result may have %d\n", err, budget)
	}
	out := &shared{w: env.Out}
	o := &outputs{
		console: out, lines: out, reportPath: f.output, pagePath: f.html, share: f.part(),
		message: result.TerminationLog(), budget: budget,
	}
	if f.quiet || f.jsonLines {
		o.console = io.Discard
	}
	if path := env.lookup("SLUICE_TERMINATION_LOG"); path != "" {
		o.message = result.FileAt(path)
	}
	return o
}

// open makes sure that the reports can be written before anything is sent.
func (o *outputs) open(now time.Time) (err error) {
	if o.reportPath != "" {
		path := o.reportPath
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, "artillery_report_"+now.Format("20060102_150405")+".json")
		}
		if o.report, err = os.Create(path); err != nil {
			return fmt.Errorf("opening the report: %w", err)
		}
	}
	if o.pagePath != "" {
		if o.page, err = os.Create(o.pagePath); err != nil {
			return fmt.Errorf("opening the HTML report: %w", err)
		}
	}
	return nil
}

// write leaves the result and the reports behind; trouble with one does not keep the others back.
func (o *outputs) write(s *session, r report.Run, res result.Result) error {
	return errors.Join(o.writeMessage(res), o.writeReport(s), o.writePage(s.page(r, res)))
}

func (o *outputs) writeMessage(res result.Result) error {
	text, err := res.Hide(o.hidden.hide).Fit(o.budget)
	if err != nil {
		return err
	}
	return o.message.Write(text)
}

func (o *outputs) writeReport(s *session) error {
	if o.report == nil {
		return nil
	}
	text, err := s.artillery.Encode(s.sides[0].total, s.started)
	if err != nil {
		return err
	}
	_, err = o.report.Write(text)
	if err = errors.Join(err, o.report.Close()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func (o *outputs) writePage(p report.Page) error {
	if o.page == nil {
		return nil
	}
	err := report.HTML(o.page, p)
	if err = errors.Join(err, o.page.Close()); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	return nil
}
