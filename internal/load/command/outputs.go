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
	// read are the files that the run was read from, which no report may replace.
	read []string
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
		if info, err := os.Stat(path); err == nil && info.IsDir() || os.IsPathSeparator(path[len(path)-1]) {
			path = filepath.Join(path, "artillery_report_"+now.Format("20060102_150405")+".json")
		}
		if err := o.spare(path); err != nil {
			return err
		}
		if o.report, err = create(path); err != nil {
			return fmt.Errorf("opening the report: %w", err)
		}
	}
	if o.pagePath != "" {
		if o.report != nil && sameFile(o.report.Name(), o.pagePath) {
			return fmt.Errorf("--output and --html both name %s: give each report a file of its own", o.pagePath)
		}
		if err := o.spare(o.pagePath); err != nil {
			return err
		}
		if o.page, err = create(o.pagePath); err != nil {
			return fmt.Errorf("opening the HTML report: %w", err)
		}
	}
	return nil
}

// spare refuses to write over what was read.
func (o *outputs) spare(path string) error {
	for _, read := range o.read {
		if sameFile(path, read) {
			return fmt.Errorf("the report would replace %s, which the test is read from: name another file", path)
		}
	}
	return nil
}

// create makes a file, and the directories it is to lie in.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a report is for others to read
		return nil, err
	}
	return os.Create(path) //nolint:gosec // the person at the command line named it
}

// write leaves the result and the reports behind; trouble with one does not keep the others back.
func (o *outputs) write(s *session, r report.Run, res result.Result) error {
	return errors.Join(o.writeMessage(res), o.writeReport(s, res), o.writePage(s.page(r, res)))
}

func (o *outputs) writeMessage(res result.Result) error {
	text, err := res.Hide(o.hidden.hide).Fit(o.budget)
	if err != nil {
		return err
	}
	return o.message.Write(text)
}

func (o *outputs) writeReport(s *session, res result.Result) error {
	if o.report == nil {
		return nil
	}
	own := report.Own{Result: res, Target: s.sides[0].script.Target, Version: s.env.Version}
	if len(s.sides) > 1 {
		own.ComparedWith, own.Stable, own.StableTotal = s.sides[1].script.Target, &s.artillery[1], s.sides[1].total
	}
	text, err := s.artillery[0].Encode(s.sides[0].total, s.started, own)
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
