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
