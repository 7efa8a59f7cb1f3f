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
	"sluice.dev/sluice/internal/load/stats"
)

// outputs are the places a run writes to.
type outputs struct {
	console io.Writer
	// reportPath is what -o says; report is open once the script is known to be good.
	reportPath string
	report     *os.File
	// message is where the result goes.
	message result.File
	budget  int
}

func newOutputs(f flags, env Env) (*outputs, error) {
	budget, err := result.ReadBudget(env.lookup("RESULT_BUDGET"))
	if err != nil {
		return nil, err
	}
	o := &outputs{console: env.Out, reportPath: f.output, message: result.TerminationLog(), budget: budget}
	if f.quiet {
		o.console = io.Discard
	}
	if path := env.lookup("SLUICE_TERMINATION_LOG"); path != "" {
		o.message = result.FileAt(path)
	}
	return o, nil
}

// open makes sure that the report can be written before anything is sent.
func (o *outputs) open(now time.Time) error {
	if o.reportPath == "" {
		return nil
	}
	path := o.reportPath
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "artillery_report_"+now.Format("20060102_150405")+".json")
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("opening the report: %w", err)
	}
	o.report = file
	return nil
}

// write leaves the result and the report behind; trouble with one does not keep the other back.
func (o *outputs) write(res result.Result, a *report.Artillery, total *stats.Set, started time.Time) error {
	return errors.Join(o.writeMessage(res), o.writeReport(a, total, started))
}

func (o *outputs) writeMessage(res result.Result) error {
	text, err := res.Fit(o.budget)
	if err != nil {
		return err
	}
	return o.message.Write(text)
}

func (o *outputs) writeReport(a *report.Artillery, total *stats.Set, started time.Time) error {
	if o.report == nil {
		return nil
	}
	text, err := a.Encode(total, started)
	if err != nil {
		return err
	}
	if _, err := o.report.Write(text); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := o.report.Close(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// refuse leaves a result behind that says why nothing was sent.
func (o *outputs) refuse(reason error) error {
	const most = 1024
	why := "nothing was sent: " + reason.Error()
	if len(why) > most {
		why = why[:most] + "…"
	}
	res := result.Result{Version: result.Version, Verdict: result.Inconclusive, Why: why}
	if err := o.writeMessage(res); err != nil {
		return err
	}
	return exit(exitUsage)
}
