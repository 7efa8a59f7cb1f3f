package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// reference is hidden: it writes the page of the documentation that lists all commands.
func (a *app) reference() *cobra.Command {
	return &cobra.Command{
		Use:    "reference",
		Short:  "Write the reference of all commands as Markdown",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root := cmd.Root()
			root.InitDefaultCompletionCmd()
			_, err := io.WriteString(a.Out, markdown(root))
			return err
		},
	}
}

const preface = `# Reference of the sluice command

<!-- Generated from the commands themselves by tools/generate.sh; change their texts instead. -->

What to use when is told in [the guide](../cli.md). %s

| command | |
|---|---|
`

// markdown is a chapter for each command, in the order of their names.
func markdown(root *cobra.Command) string {
	var commands []*cobra.Command
	var collect func(*cobra.Command)
	collect = func(cmd *cobra.Command) {
		if _, only := cmd.Annotations[groups]; cmd.Runnable() && !only && cmd != root {
			commands = append(commands, cmd)
		}
		children := slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool { return c.Hidden || c.Name() == "help" })
		slices.SortFunc(children, func(a, b *cobra.Command) int { return strings.Compare(a.Name(), b.Name()) })
		for _, child := range children {
			collect(child)
		}
	}
	collect(root)
	var b strings.Builder
	fmt.Fprintf(&b, preface, "`kubectl sluice` is the same command.")
	for _, cmd := range commands {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", path(cmd), strings.ReplaceAll(path(cmd), " ", "-"), cmd.Short)
	}
	b.WriteString("\n" + exitCodes)
	for _, cmd := range commands {
		chapter(&b, cmd)
	}
	b.WriteString("\n## Flags of every command\n\n")
	flagTable(&b, root.PersistentFlags())
	return b.String()
}

const exitCodes = `## Exit codes

| code | meaning |
|---|---|
| 0 | done; for ` + "`sluice status`" + `: Healthy, or Successful |
| 1 | the answer is no: Degraded, Failed, Error, Inconclusive, errors found by lint, or the command was refused |
| 2 | it could not be asked: wrong flags, no cluster, no such object |
| 3 | ` + "`--timeout` of `sluice status` or `sluice create --watch`" + ` ran out |
| 4 | ` + "`sluice status --watch=false`" + `: Progressing, Paused, Pending or Running |

` + "`sluice create analysisrun --watch`" + ` ends with the run and exits like ` + "`sluice status analysisrun`" + `.

A name may have its kind before it: ` + "`rollout/shop`, `ro/shop`, `rollout.argoproj.io/shop`" + ` (what ` + "`-o name`" + ` prints), or ` + "`ro shop`" + `.
Of several names the others are done after one that fails; the code is that of the failure.
`

// path is a command as people write it.
func path(cmd *cobra.Command) string {
	words := []string{cmd.Name()}
	for parent := cmd.Parent(); parent != nil; parent = parent.Parent() {
		words = append([]string{parent.Name()}, words...)
	}
	return strings.Join(words, " ")
}

func chapter(b *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n", path(cmd))
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	// The help of commands is laid out by hand for a terminal, so it is kept as it is.
	fmt.Fprintf(b, "```text\n%s\n```\n\n", strings.TrimSpace(text))
	_, arguments, _ := strings.Cut(cmd.Use, " ")
	usage := strings.TrimSpace(path(cmd) + " " + arguments)
	if cmd.HasAvailableLocalFlags() {
		usage += " [flags]"
	}
	fmt.Fprintf(b, "Usage: `%s`\n", usage)
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso called `%s`.\n", strings.Join(cmd.Aliases, "`, `"))
	}
	if cmd.HasExample() {
		var lines []string
		for _, line := range strings.Split(cmd.Example, "\n") {
			lines = append(lines, strings.TrimPrefix(line, "  "))
		}
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.Join(lines, "\n"))
	}
	if cmd.HasAvailableLocalFlags() {
		b.WriteString("\n")
		flagTable(b, cmd.LocalNonPersistentFlags())
	}
}

func flagTable(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | default | |\n|---|---|---|\n")
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" {
			return
		}
		names := "`--" + flag.Name + "`"
		if flag.Shorthand != "" {
			names = "`-" + flag.Shorthand + "`, " + names
		}
		standard := flag.DefValue
		if standard != "" && standard != "[]" {
			standard = "`" + standard + "`"
		} else {
			standard = ""
		}
		_, usage := pflag.UnquoteUsage(flag)
		fmt.Fprintf(b, "| %s | %s | %s |\n", names, standard, strings.ReplaceAll(usage, "|", "\\|"))
	})
}
