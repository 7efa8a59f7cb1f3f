package command

import (
	"errors"
	"fmt"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/script"
)

// run reads the script and, when it is good, sends its load.
func run(from source, f flags, env Env) error {
	notes, err := f.check(env)
	if err != nil {
		return err
	}
	if env, err = withDotenv(env, f.dotenv); err != nil {
		return err
	}
	out := newOutputs(f, env)
	r, err := prepare(from, f, env)
	if err != nil {
		return err
	}
	hidden := newSecrets(f.variables, texts(r), env)
	out.hidden = hidden
	out.read = append([]string{from.file, f.config, f.payload, f.dotenv}, f.inputs...)
	p, err := newPlan(r, f, env)
	if err != nil {
		text := hidden.hide(err.Error())
		fmt.Fprintln(env.Err, text)
		return out.refuse(text)
	}
	hidden = hidden.beside(*r.processors, env)
	out.hidden, out.console = hidden, hidden.writer(out.console)
	if warning, _ := p.moved(f); warning != "" {
		fmt.Fprintf(env.Err, "warning: %s\n", hidden.hide(warning))
	}
	for _, note := range notes {
		fmt.Fprintf(env.Err, "note: %s\n", note)
	}
	for _, w := range p.scripts[0].Warnings {
		fmt.Fprintf(env.Err, "warning: %s\n", hidden.hide(w.Error()))
	}
	if f.plan {
		return hidden.whole(env.Out, p.print)
	}
	if err := out.open(time.Now()); err != nil {
		return err
	}
	// Who reads the console may go away, as in "| head"; what is measured is not for the console alone.
	signal.Ignore(syscall.SIGPIPE)
	s := newSession(p, f, out, env)
	s.name, s.hidden, s.seed = filepath.Base(from.file), hidden, r.options.Seed
	s.env.Err, s.artillery[0].Hide, s.artillery[1].Hide = hidden.writer(env.Err), hidden.hide, hidden.hide
	for _, side := range s.sides {
		side.hide = hidden.hide
	}
	if s.progress != nil {
		report.HideBands(s.progress.Bands, hidden.hide)
	}
	return s.run()
}

// texts are all files that may name environment variables.
func texts(r reading) []string {
	out := []string{string(r.data), r.options.Overrides}
	for _, input := range r.options.Inputs {
		out = append(out, string(input.Data))
	}
	return out
}

// newPlan reads the script, once for each target, and what the command line adds.
func newPlan(r reading, f flags, env Env) (plan, error) {
	gates, err := f.defaultGates(env)
	if err != nil {
		return plan{}, err
	}
	tags, err := newTags(f.tags)
	if err != nil {
		return plan{}, err
	}
	p := plan{share: f.part(), tags: tags}
	targets := []string{""}
	if f.compareTarget != "" {
		targets = append(targets, f.compareTarget)
	}
	for _, target := range targets {
		s, err := r.script(target, gates)
		if err != nil {
			return plan{}, of(target, err)
		}
		p.scripts = append(p.scripts, s)
	}
	if _, err := p.moved(f); err != nil {
		return plan{}, err
	}
	p.abortOn, err = conditions(f.abortOn, p.scripts[0])
	return p, err
}

// of puts a problem with the address to compare with where it was given: the script is read with it as its target.
func of(compared string, err error) error {
	var problems script.Problems
	if compared == "" || !errors.As(err, &problems) {
		return err
	}
	out := slices.Clone(problems)
	for i := range out {
		if out[i].At.File == "--target" {
			out[i].At.File, out[i].Path = "--compare-target", ""
		}
	}
	return out
}

// refuse leaves a result behind that says why nothing was sent.
func (o *outputs) refuse(reason string) error {
	res := o.inconclusive("nothing was sent: "+reason, "")
	return errors.Join(o.writeMessage(res), exit(exitUsage))
}

// inconclusive is a result without numbers.
func (o *outputs) inconclusive(why, stopped string) result.Result {
	const most = 1024
	if len(why) > most {
		why = result.Clip(why, most) + "…"
	}
	res := result.Result{Version: result.Version, Verdict: result.Inconclusive, Why: why, Stopped: stopped}
	if o.share != nil {
		res.Share = &[2]int64{o.share.Index, o.share.Of}
	}
	return res
}

// sides are a script's versions: of what is tested, and of what it is compared with.
func sides(scripts []*script.Script) []*side {
	var out []*side
	for _, s := range scripts {
		out = append(out, newSide(s))
	}
	return out
}
