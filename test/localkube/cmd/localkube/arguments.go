package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// usageError is a mistake on the command line.
type usageError struct{ error }

// invocation is what the command line asks for.
type invocation struct {
	command          string
	name, dir, cache string
	withParent       bool
	json             bool
	purge            bool
	controllers      bool
	args             []string
}

// parse reads the command line; flags stand between the command and its arguments.
func parse(args []string) (invocation, error) {
	var in invocation
	if len(args) == 0 {
		return in, usageError{errors.New("no command")}
	}
	in.command, args = args[0], args[1:]
	if in.command == "control-plane" {
		if len(args) == 0 {
			return in, usageError{errors.New("control-plane: up or down?")}
		}
		in.command, args = in.command+" "+args[0], args[1:]
	}
	if _, ok := commands[in.command]; !ok {
		return in, usageError{fmt.Errorf("unknown command %q", in.command)}
	}
	flags := in.flags()
	if err := flags.Parse(args); err != nil {
		return in, usageError{err}
	}
	in.args = flags.Args()
	return in, in.checkArgs()
}

// flags are those of the command: one that means nothing to it is refused.
func (in *invocation) flags() *flag.FlagSet {
	flags := flag.NewFlagSet(in.command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error is reported with the usage
	flags.StringVar(&in.name, "name", "", "")
	flags.StringVar(&in.dir, "dir", "", "")
	flags.StringVar(&in.cache, "cache", "", "")
	switch in.command {
	case "up":
		flags.BoolVar(&in.withParent, "with-parent", false, "")
	case planeRun:
		flags.BoolVar(&in.controllers, "controller-manager", false, "")
	case "control-plane up":
		flags.BoolVar(&in.withParent, "with-parent", false, "")
		flags.BoolVar(&in.controllers, "controller-manager", false, "")
	case "down":
		flags.BoolVar(&in.purge, "purge", false, "")
	case "status":
		flags.BoolVar(&in.json, "json", false, "")
	}
	return flags
}

func (in *invocation) checkArgs() error {
	switch in.command {
	case "packages":
		return nil
	case "exec", "load":
		if len(in.args) == 0 {
			return usageError{fmt.Errorf("%s: needs an argument", in.command)}
		}
		return nil
	}
	if len(in.args) > 0 {
		return usageError{fmt.Errorf("%s: unexpected argument %q", in.command, in.args[0])}
	}
	return nil
}
