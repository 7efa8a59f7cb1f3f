// Package command is the load generator's command line.
package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes. Those of a run that ended by itself follow Artillery; 3 is ours.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitInconclusive = 3
	exitExpectation  = 21
	exitInterrupt    = 130
	exitTerminate    = 143
)

// Env is the process around a command.
type Env struct {
	// In is read where a script is named "-"; nil is empty.
	In       io.Reader
	Out, Err io.Writer
	// Environ holds "NAME=value" each.
	Environ []string
	// Signals brings SIGINT and SIGTERM.
	Signals <-chan os.Signal
	Version string
}

// lookup returns an environment variable's value.
func (e Env) lookup(name string) string {
	for _, entry := range e.Environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			return v
		}
	}
	return ""
}

// exit ends a command with a code; its message has been printed already.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Main runs a command line, whose first element is the program's own path, and
// returns the exit code. The program answers to the names sluice-load,
// artillery and run, so that commands written for Artillery's images work.
func Main(args []string, env Env) int {
	name := filepath.Base(args[0])
	root := newRoot(name, env)
	root.SetArgs(subcommand(name, args[1:]))
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	err := root.Execute()
	var code exit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(env.Err, "%s: %s\n", name, err)
	return exitUsage
}

// subcommand lets a program called run do without its own name twice:
// "run -t URL FILE" means "run run -t URL FILE".
func subcommand(name string, args []string) []string {
	if name != "run" || len(args) > 0 && slices.Contains([]string{"run", "version", "--version", "-V"}, args[0]) {
		return args
	}
	return append([]string{"run"}, args...)
}

// exactly is a command's arguments: one of a kind.
func exactly(kind, example string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s takes one %s, not %d: %s %s", cmd.Name(), kind, len(args), cmd.CommandPath(), example)
		}
		return nil
	}
}

// mustSay are flags that mean something else when they are empty, as those filled in from a variable that is not set may be.
var mustSay = []string{"target", "compare-target", "config", "payload", "dotenv", "env-file", "output", "html", "start-file", "ready-file"}

// refuseEmpty refuses flags that are given and empty.
func refuseEmpty(cmd *cobra.Command) error {
	for _, name := range mustSay {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return fmt.Errorf("--%s is given and empty: leave it out, or say what it should be", name)
		}
	}
	return nil
}

func newRoot(name string, env Env) *cobra.Command {
	var version bool
	printVersion := func() error {
		_, err := fmt.Fprintln(env.Out, env.Version)
		return err
	}
	root := &cobra.Command{
		Use:           name,
		Short:         "Send the load that an Artillery script describes, and judge the answers",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if version {
				return printVersion()
			}
			return errors.New("say what to do: run SCRIPT, quick URL, lint SCRIPT…, report FILE, or version")
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.Flags().BoolVarP(&version, "version", "V", false, "print the version")
	root.AddCommand(newRun(env), newQuick(env), newLint(env), newReport(env), newReady(), &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return printVersion() },
	})
	return root
}
