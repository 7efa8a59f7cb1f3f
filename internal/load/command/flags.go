package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"sluice.dev/sluice/internal/load/schedule"
)

// How long a run waits when nobody says otherwise.
const (
	defaultStartWithin  = 2 * time.Minute
	defaultWaitForUsers = 10 * time.Minute
)

// flags are those of run.
type flags struct {
	target, compareTarget, environment     string
	config, payload, scenario, dotenv      string
	inputs                                 []string
	variables, overrides                   string
	output, html                           string
	quiet, insecure, solo, plan, jsonLines bool
	abortOn, tags                          []string
	noDefaultGates, noEarlyAbort, enforce  bool
	shares, share                          int64
	startFile, readyFile                   string
	startWithin, waitForUsers              time.Duration
	cloud                                  cloud
}

// cloud are flags of Artillery's own service.
type cloud struct {
	record                    bool
	name, tags, note, key     string
	platform, region, options string
	count                     int
}

func newRun(env Env) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "run SCRIPT",
		Short: "Run a script",
		Long: `Run a script in Artillery's format; "-" reads it from standard input.

Exit codes: 0 all gates are met, 1 one is not, 2 the script or the command line is wrong and nothing was sent, or the test
passed and a report could not be written, 3 inconclusive (the generator was the bottleneck, or the target was never reached),
21 an expectation was not met and all gates were, 130 and 143 stopped by a signal. A second Ctrl-C ends at once.

A script gets "errors.rate <= 0.01" where no gate of its own limits errors, "users.failed <= 0.01" where none limits the
virtual users that fail, and "arrivals.achieved >= 0.99" where none is about arrivals;
--no-default-gates or SLUICE_LOAD_DEFAULT_GATES=off leave them out. ARTILLERY_DISABLE_ENSURE makes the script's own gates optional.

What --abort-on names is looked at four times a second over all that was measured so far, from the first second and 50 requests
on, and once more at the end, however short the test was.

In a container the result is also written to the termination message, in at most RESULT_BUDGET bytes (default 4096);
SLUICE_TERMINATION_LOG names another file for it.`,
		Args: exactly("SCRIPT", "shop.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuseEmpty(cmd); err != nil {
				return err
			}
			return run(newSource(args[0], env), f, env)
		},
	}
	f.bind(cmd)
	return cmd
}

func (f *flags) bind(cmd *cobra.Command) {
	s := cmd.Flags()
	s.SortFlags = false
	s.StringVarP(&f.target, "target", "t", "", "address that replaces config.target")
	s.StringVarP(&f.environment, "environment", "e", "", "lay one of config.environments over the configuration")
	s.StringVarP(&f.config, "config", "c", "", "lay this file over the script, last of all files")
	s.StringArrayVarP(&f.inputs, "input", "i", nil, "lay this file over the script; may be repeated")
	s.StringVarP(&f.variables, "variables", "v", "", "JSON map of variables")
	s.StringVar(&f.overrides, "overrides", "", "JSON map laid over the whole script")
	s.StringVarP(&f.payload, "payload", "p", "", "CSV file for a script that names the columns only")
	s.StringVar(&f.dotenv, "dotenv", "", "read environment variables from this file; those that are set stay")
	s.StringVar(&f.dotenv, "env-file", "", "the same as --dotenv")
	s.StringVar(&f.scenario, "scenario-name", "", "run only the scenario of this name, or that this regular expression finds")
	s.BoolVarP(&f.solo, "solo", "s", false, "send one virtual user, whatever the phases say")
	s.BoolVarP(&f.insecure, "insecure", "k", false, "take any TLS certificate")
	s.StringVarP(&f.output, "output", "o", "", "write a JSON report in Artillery's shape to this file, or into this directory; directories are made")
	s.StringVar(&f.html, "html", "", "write an HTML report to this file")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "print no reports, only warnings and errors")
	s.BoolVar(&f.jsonLines, "json-lines", false, "print one JSON object a second instead of reports, and the result at the end")
	s.BoolVar(&f.plan, "plan", false, "print the arrival plan and send nothing")
	s.StringVar(&f.compareTarget, "compare-target", "", "send the same load at the same time to this address, the stable version")
	s.StringArrayVar(&f.abortOn, "abort-on", nil, "stop and fail as soon as this holds after 1 s and 50 requests, or at the end: errors.rate > 0.5; may be repeated")
	s.BoolVar(&f.noEarlyAbort, "no-early-abort", false, "go on when a gate on errors can no longer be met")
	s.BoolVar(&f.noDefaultGates, "no-default-gates", false, "judge by the script's own gates alone")
	s.BoolVar(&f.enforce, "enforce", false, "check gates and expectations whose plugin the script does not declare")
	s.StringArrayVar(&f.tags, "tag", nil, "name=value, sent with every request as baggage and as X-Sluice-Load-Test; may be repeated")
	s.Int64Var(&f.shares, "shares", 0, "the number of generators that share the load")
	s.Int64Var(&f.share, "share", -1, "which of them this is, from 0 (default: JOB_COMPLETION_INDEX)")
	s.Lookup("share").DefValue = "0" // the help names the default itself
	s.StringVar(&f.readyFile, "ready-file", "", "write this file when all is read and the before flow is done; sluice-load ready FILE asks for it")
	s.StringVar(&f.startFile, "start-file", "", "wait until this file holds a time, and start then")
	s.DurationVar(&f.startWithin, "start-within", defaultStartWithin, "how long to wait for --start-file")
	s.DurationVar(&f.waitForUsers, "wait-for-users", defaultWaitForUsers, "how long virtual users may go on after the last arrival")
	f.cloud.bind(cmd)
}

func (c *cloud) bind(cmd *cobra.Command) {
	s := cmd.Flags()
	s.BoolVar(&c.record, "record", false, "ignored: there is no cloud service to record to")
	s.StringVar(&c.key, "key", "", "ignored")
	s.StringVar(&c.name, "name", "", "ignored")
	s.StringVar(&c.tags, "tags", "", "ignored")
	s.StringVar(&c.note, "note", "", "ignored")
	s.StringVar(&c.platform, "platform", "local", "only local: to share the load start more generators with --shares")
	s.StringVar(&c.options, "platform-opt", "", "ignored")
	s.StringVar(&c.region, "platform-region", "", "ignored")
	s.IntVar(&c.count, "count", 1, "only 1: to share the load start more generators with --shares")
	for _, name := range []string{"record", "key", "name", "tags", "note", "platform", "platform-opt", "platform-region", "count"} {
		s.Lookup(name).Hidden = true
	}
}

// check refuses flags that cannot be meant together, and notes those that do nothing.
func (f *flags) check(env Env) (notes []string, err error) {
	switch {
	case f.cloud.platform != "local":
		return nil, fmt.Errorf("--platform %s: only local is supported; run sluice-load where the load should come from", f.cloud.platform)
	case f.cloud.count != 1:
		return nil, fmt.Errorf("--count %d: only 1 is supported; start more generators, each with --shares and its own --share", f.cloud.count)
	case f.output != "" && f.html != "" && filepath.Clean(f.output) == filepath.Clean(f.html):
		return nil, fmt.Errorf("--output and --html both name %s: give each report a file of its own", f.html)
	case f.startWithin < 0 || f.waitForUsers < 0:
		return nil, errors.New("--start-within and --wait-for-users must not be negative")
	}
	if err := f.checkShares(env); err != nil {
		return nil, err
	}
	return f.cloud.notes(), nil
}

// checkShares finds out which share this is, if the load is shared.
func (f *flags) checkShares(env Env) (err error) {
	switch {
	case f.shares < 0:
		return fmt.Errorf("--shares %d: must be at least 1", f.shares)
	case f.shares == 0 && f.share >= 0:
		return errors.New("--share says which of several generators this is: say of how many with --shares")
	case f.shares == 0:
		return nil
	case f.solo && f.shares > 1:
		return errors.New("--solo sends one virtual user, which several --shares cannot share")
	}
	if f.share < 0 {
		index := env.lookup("JOB_COMPLETION_INDEX")
		if f.share, err = strconv.ParseInt(index, 10, 64); err != nil {
			return fmt.Errorf("--shares needs --share or the environment's JOB_COMPLETION_INDEX, which is %q", index)
		}
	}
	if f.share < 0 || f.share >= f.shares {
		return fmt.Errorf("share %d of %d does not exist: they count from 0", f.share, f.shares)
	}
	return nil
}

func (c cloud) notes() []string {
	var out []string
	if c.record || c.key != "" {
		out = append(out, "--record and --key do nothing: results stay here; use -o for a JSON report")
	}
	if c.name != "" || c.tags != "" || c.note != "" {
		out = append(out, "--name, --tags and --note do nothing: they are for Artillery's cloud; --tag marks requests")
	}
	if c.options != "" || c.region != "" {
		out = append(out, "--platform-opt and --platform-region do nothing: the load comes from this machine")
	}
	return out
}

// part is this generator's share of the load, nil when it works alone.
func (f *flags) part() *schedule.Share {
	if f.shares == 0 {
		return nil
	}
	return &schedule.Share{Index: f.share, Of: f.shares}
}

// defaultGates says whether scripts without a gate on errors get one.
func (f *flags) defaultGates(env Env) (bool, error) {
	switch v := env.lookup("SLUICE_LOAD_DEFAULT_GATES"); v {
	case "", "on":
		return !f.noDefaultGates, nil
	case "off":
		return false, nil
	default:
		return false, fmt.Errorf("SLUICE_LOAD_DEFAULT_GATES is %q: it may be on or off", v)
	}
}
