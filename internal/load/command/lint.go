package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sluice.dev/sluice/internal/load/script"
)

// finding is a problem as -o json prints it.
type finding struct {
	File     string          `json:"file"`
	Line     int             `json:"line,omitempty"`
	Column   int             `json:"column,omitempty"`
	Path     string          `json:"path,omitempty"`
	Severity script.Severity `json:"severity"`
	Code     script.Code     `json:"code"`
	Text     string          `json:"text"`
	Instead  string          `json:"instead,omitempty"`
}

// lintFlags are those of lint.
type lintFlags struct {
	run    flags
	output string
}

func newLint(env Env) *cobra.Command {
	f := lintFlags{}
	cmd := &cobra.Command{
		Use:   "lint SCRIPT…",
		Short: "Say what is wrong with scripts, and what they do not do though it looks as if they did",
		Long: `Say what is wrong with scripts, and what they do not do though it looks as if they did. Nothing is sent. "-" reads a script
from standard input.

Exit codes: 0 without errors, 1 with errors, 2 when the command line is wrong. Warnings and advice are printed only; with --enforce
gates and expectations that nothing checks, because their plugin is not declared, are errors.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("lint takes one SCRIPT or several: " + cmd.CommandPath() + " shop.yaml")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.output == "" {
				return errors.New("--output is given and empty: it may be text or json")
			}
			if err := refuseEmpty(cmd); err != nil {
				return err
			}
			return lint(args, f, env)
		},
	}
	s := cmd.Flags()
	s.SortFlags = false
	s.StringVarP(&f.output, "output", "o", "text", "text or json")
	s.BoolVar(&f.run.enforce, "enforce", false, "take gates and expectations that nothing checks for errors")
	s.StringVarP(&f.run.target, "target", "t", "", "address that replaces config.target")
	s.StringVarP(&f.run.environment, "environment", "e", "", "lay one of config.environments over the configuration")
	s.StringVarP(&f.run.config, "config", "c", "", "lay this file over the scripts, last of all files")
	s.StringArrayVarP(&f.run.inputs, "input", "i", nil, "lay this file over the scripts; may be repeated")
	s.StringVarP(&f.run.variables, "variables", "v", "", "JSON map of variables")
	s.StringVar(&f.run.overrides, "overrides", "", "JSON map laid over the whole script")
	s.StringVarP(&f.run.payload, "payload", "p", "", "CSV file for scripts that name the columns only")
	s.StringVar(&f.run.dotenv, "dotenv", "", "read environment variables from this file; those that are set stay")
	return cmd
}

func lint(files []string, f lintFlags, env Env) error {
	if f.output != "text" && f.output != "json" {
		return fmt.Errorf("--output %q: may be text or json", f.output)
	}
	env, err := withDotenv(env, f.run.dotenv)
	if err != nil {
		return err
	}
	findings := []finding{}
	bad := false
	for _, file := range files {
		found, err := lintFile(file, f.run, env)
		if err != nil {
			return err
		}
		for _, x := range found {
			bad = bad || x.Severity == script.Error
		}
		findings = append(findings, found...)
	}
	if err := printFindings(env.Out, findings, f.output); err != nil {
		return err
	}
	if bad {
		return exit(exitFailed)
	}
	return nil
}

func lintFile(file string, f flags, env Env) ([]finding, error) {
	enforce := f.enforce
	f.enforce = false // a run that enforces has nothing to warn about
	r, err := prepare(newSource(file, env), f, env)
	if err != nil {
		return nil, err
	}
	hidden := newSecrets(f.variables, texts(r), env)
	problems := script.Lint(r.data, r.options)
	if f.target == "" && missesTarget(problems) {
		// A script for many targets gets its own when it runs.
		r.options.Target = "http://target.invalid"
		problems = script.Lint(r.data, r.options)
	}
	var out []finding
	for _, p := range problems {
		if enforce && (p.Code == script.CodeEnsureNotLoaded || p.Code == script.CodeExpectNotLoaded) {
			p.Severity = script.Error
		}
		out = append(out, finding{
			File: p.At.File, Line: p.At.Line, Column: p.At.Column, Path: p.Path, Severity: p.Severity, Code: p.Code,
			Text: hidden.hide(p.Text), Instead: hidden.hide(p.Instead),
		})
	}
	return out, nil
}

func missesTarget(problems script.Problems) bool {
	for _, p := range problems {
		if p.Code == script.CodeNoTarget {
			return true
		}
	}
	return false
}

func printFindings(w io.Writer, findings []finding, format string) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Findings []finding `json:"findings"`
		}{findings})
	}
	for _, x := range findings {
		at := script.Position{File: x.File, Line: x.Line, Column: x.Column}
		text := x.Text
		if x.Path != "" {
			text = x.Path + ": " + text
		}
		if x.Instead != "" {
			text += "; " + x.Instead
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %s\n", at, x.Severity, text); err != nil {
			return err
		}
	}
	return nil
}
