// Package cli turns flags into commands, views into text.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/clientcmd"
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes, the same for every command.
const (
	// ExitOK: done; for status, the rollout is Healthy, the analysis run Successful.
	ExitOK = 0
	// ExitNo: the answer is no: the rollout is Degraded, the analysis run ended in any other way, lint found an error, a command was refused.
	ExitNo = 1
	// ExitFailed: the question could not be asked: wrong flags, no cluster, no such rollout.
	ExitFailed = 2
	// ExitTimeout: it took longer than --timeout.
	ExitTimeout = 3
	// ExitUnfinished: with --watch=false, there is no such answer yet.
	ExitUnfinished = 4
)

// exit is an error with an exit code of its own. An empty text says that all was printed already.
type exit struct {
	code int
	text string
}

func (e *exit) Error() string { return e.text }

// app is what all commands share.
type app struct {
	Streams
	version string
	noColor bool

	kubeconfig string
	overrides  clientcmd.ConfigOverrides
}

// Run carries out a command line and returns its exit code. name is what the program was called as.
func Run(ctx context.Context, name string, args []string, streams Streams, version string) int {
	a := &app{Streams: streams, version: version}
	root := a.root(displayName(name))
	root.SetArgs(spelledOut(root, args))
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	if filepath.Base(name) == kubectlCompleter {
		root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, args...))
	}
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	var own *exit
	if !errors.As(err, &own) {
		own = &exit{ExitFailed, explain(err)}
	}
	if own.text != "" {
		printLines(streams.Err, "error: "+own.text)
	}
	return own.code
}

// explain is an error with what to do about it, where others than the person at the keyboard made it.
func explain(err error) string {
	var transport *url.Error
	switch {
	case errors.As(err, &transport):
		server := transport.URL
		if address, parsing := url.Parse(transport.URL); parsing == nil {
			server = address.Scheme + "://" + address.Host
		}
		return fmt.Sprintf("cannot reach the API server at %s: %v; is the cluster up, and --context the right one?", server, transport.Err)
	case apierrors.IsUnauthorized(err):
		return err.Error() + "; the credentials of this context are not valid any more: log in again"
	case apierrors.IsForbidden(err):
		return err.Error() + "; ask whoever manages the cluster for this permission"
	}
	return err.Error()
}

// kubectlCompleter is the name under which kubectl looks for somebody to complete the command lines of
// a plug-in called sluice. A link of that name to this program is all it takes.
const kubectlCompleter = "kubectl_complete-sluice"

// displayName is how people call the program: as a plug-in of kubectl it is `kubectl sluice`.
func displayName(name string) string {
	name = strings.TrimSuffix(filepath.Base(name), ".exe")
	if plugin, ok := strings.CutPrefix(name, "kubectl-"); ok {
		return "kubectl " + strings.ReplaceAll(plugin, "_", "-")
	}
	return name
}

func (a *app) root(name string) *cobra.Command {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Watch and steer rollouts, and check their manifests",
		Long: `Watch and steer rollouts, and check their manifests.

A name may have its kind before it: rollout/shop, ro/shop, rollout.argoproj.io/shop (what -o name
prints), or ro shop.

Exit codes: 0 done (status: Healthy, Successful)
            1 the answer is no (Degraded, Failed, Error, Inconclusive, errors found, refused)
            2 it could not be asked (flags, cluster, no such rollout) · 3 timed out
            4 status --watch=false: Progressing, Paused, Pending, Running`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: name},
	}
	a.connectionFlags(root.PersistentFlags())
	root.PersistentFlags().BoolVar(&a.noColor, "no-color", false, "print without colours; so does NO_COLOR, and output that is no terminal")
	root.AddCommand(
		a.get(), a.list(), a.status(), a.why(),
		a.promote(), a.abort(), a.retry(), a.undo(), a.pause(), a.resume(), a.restart(), a.set(),
		a.create(), a.terminate(), a.lint(), a.simulate(), a.versionCommand(), a.reference(),
	)
	a.completeConnection(root)
	return root
}

// connectionFlags are those of kubectl.
func (a *app) connectionFlags(flags *pflag.FlagSet) {
	flags.StringVar(&a.kubeconfig, "kubeconfig", "", "path of the kubeconfig file to use")
	clientcmd.BindOverrideFlags(&a.overrides, flags, clientcmd.RecommendedConfigOverrideFlags(""))
}

// group is a command that only has commands below it. Without one of them, or with one that does not
// exist, it is a mistake that scripts have to notice.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	var names []string
	for _, child := range children {
		names = append(names, child.Name())
	}
	cmd := &cobra.Command{
		Use: use, Short: short, Annotations: map[string]string{groups: ""},
		RunE: func(cmd *cobra.Command, args []string) error {
			known := strings.Join(names, " or ")
			if len(args) == 0 {
				return fmt.Errorf("%s wants to know of what: write %s", cmd.CommandPath(), known)
			}
			return fmt.Errorf("%s knows no %s: write %s", cmd.CommandPath(), args[0], known)
		},
	}
	cmd.AddCommand(children...)
	return cmd
}

// groups marks commands that do nothing themselves.
const groups = "group"

// one wants exactly one name.
func one(k kind) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		names, err := k.names(cmd, args)
		if err == nil && len(names) != 1 {
			return fmt.Errorf("%s wants the name of one %s, not %d", cmd.CommandPath(), k.name, len(names))
		}
		return err
	}
}

func some(k kind) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		names, err := k.names(cmd, args)
		if err == nil && len(names) == 0 {
			return fmt.Errorf("%s wants the name of %s", cmd.CommandPath(), k.one())
		}
		return err
	}
}

// printLines writes lines; that nobody reads them is not worth a word.
func printLines(w io.Writer, lines ...string) {
	for _, line := range lines {
		_, _ = fmt.Fprintln(w, line)
	}
}

// wait sleeps until the time is over or ctx ends; false tells the latter.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func environment(name string) string { return os.Getenv(name) }
