package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/view"
)

func (a *app) list() *cobra.Command {
	return group("list", "List rollouts, analysis runs or experiments",
		a.listing(listing{
			kind: rollouts, use: "rollouts [NAME]", aliases: []string{"ro", "rollout"}, short: "List the rollouts of a namespace",
			list: func() client.ObjectList { return &api.RolloutList{} },
			table: func(list client.ObjectList, columns view.Columns) view.Table {
				return view.List(list.(*api.RolloutList).Items, columns)
			},
		}),
		a.listing(listing{
			kind: runs, use: "analysisruns [NAME]", aliases: []string{"ar", "analysisrun"}, short: "List the analysis runs of a namespace",
			list: func() client.ObjectList { return &api.AnalysisRunList{} },
			table: func(list client.ObjectList, columns view.Columns) view.Table {
				return view.Runs(list.(*api.AnalysisRunList).Items, columns)
			},
		}),
		a.listExperiments(),
	)
}

// listing is a kind that can be listed.
type listing struct {
	kind       kind
	use, short string
	aliases    []string
	list       func() client.ObjectList
	table      func(client.ObjectList, view.Columns) view.Table
}

// listed is what a list command was asked for.
type listed struct {
	format
	all, watch, timestamps bool
	name                   string
	labels                 string
	timeout                int
	selector               labels.Selector
}

func (a *app) listing(l listing) *cobra.Command {
	var asked listed
	cmd := &cobra.Command{
		Use: l.use, Aliases: l.aliases, Short: l.short,
		Example:           fmt.Sprintf("  sluice list %[1]s\n  sluice list %[1]s -A --watch", strings.Fields(l.use)[0]),
		ValidArgsFunction: a.completeOne(l.kind),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := asked.only(cmd, l.kind, args); err != nil {
				return err
			}
			if err := asked.check(); err != nil {
				return err
			}
			ctx, cancel := limited(cmd.Context(), time.Duration(asked.timeout)*time.Second)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			if asked.all {
				c.namespace = ""
			}
			switch {
			case asked.watch && asked.raw():
				return fmt.Errorf("list cannot print -o %s while it watches: leave one of them out", asked.output)
			case asked.watch:
				return a.watchList(ctx, c, l, asked)
			}
			return a.listOnce(ctx, c, l, asked)
		},
	}
	flags := cmd.Flags()
	a.formatFlags(cmd, &asked.format)
	flags.BoolVarP(&asked.all, "all-namespaces", "A", false, "list all namespaces")
	flags.BoolVarP(&asked.watch, "watch", "w", false, "keep the list up to date until interrupted")
	flags.BoolVar(&asked.timestamps, "timestamps", false, "with --watch, print each change in a line of its own with its time")
	flags.StringVarP(&asked.labels, "selector", "l", "", "list only those with these labels, as NAME=VALUE,NAME!=VALUE")
	flags.IntVar(&asked.timeout, "timeout-seconds", 0, "with --watch, stop after this many seconds; 0 never")
	flags.StringVar(&asked.name, "name", "", "list only the one of this name")
	a.completeFlag(cmd, "name", func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return a.complete(l.kind)(cmd, nil, word)
	})
	return cmd
}

// only says which objects are meant: a name where kubectl takes one, and labels.
func (asked *listed) only(cmd *cobra.Command, k kind, args []string) error {
	names, err := k.names(cmd, args)
	switch {
	case err != nil:
		return err
	case len(names) > 1:
		return fmt.Errorf("%s wants one name or none, not %d", cmd.CommandPath(), len(names))
	case len(names) == 1 && asked.name != "":
		return fmt.Errorf("%s takes a name, or --name, not both", cmd.CommandPath())
	case len(names) == 1:
		asked.name = names[0]
	}
	if asked.selector, err = labels.Parse(asked.labels); err != nil {
		return fmt.Errorf("reading -l %s: %w", asked.labels, err)
	}
	return nil
}

func (asked listed) options(c *cluster) []client.ListOption {
	options := []client.ListOption{client.InNamespace(c.namespace)}
	if asked.name != "" {
		options = c.only(asked.name)
	}
	return append(options, client.MatchingLabelsSelector{Selector: asked.selector})
}

func (asked listed) columns(now time.Time) view.Columns {
	return view.Columns{Namespace: asked.all, Wide: asked.wide(), Now: now}
}

func (a *app) listOnce(ctx context.Context, c *cluster, l listing, asked listed) error {
	if asked.raw() {
		objects, err := c.objects(ctx, l.kind, asked.options(c)...)
		if err != nil {
			return err
		}
		return asked.printAll(a.Out, l.kind, objects)
	}
	found := l.list()
	if err := c.listed(c.List(ctx, found, asked.options(c)...), found); err != nil {
		return err
	}
	table := l.table(found, asked.columns(time.Now()))
	if table.Len() == 0 {
		printLines(a.Err, asked.none(c, l))
		return nil
	}
	return a.print(func(terminal) view.Page { return table.Page() })
}

func (asked listed) none(c *cluster, l listing) string {
	if asked.name != "" {
		return fmt.Sprintf("there is no %s %s%s", l.kind.name, asked.name, l.kind.in(c.namespace))
	}
	if asked.labels != "" {
		return fmt.Sprintf("there are no %ss with %s%s", l.kind.name, asked.labels, l.kind.in(c.namespace))
	}
	return fmt.Sprintf("there are no %ss%s", l.kind.name, l.kind.in(c.namespace))
}

// watchList redraws the table on a terminal. Elsewhere, and with timestamps, what is new is printed
// below what was there.
func (a *app) watchList(ctx context.Context, c *cluster, l listing, asked listed) error {
	changes := make(chan struct{}, 1)
	go c.follow(ctx, changes, l.list(), asked.options(c)...)
	read := func(ctx context.Context) (client.ObjectList, error) {
		found := l.list()
		return found, c.listed(c.List(ctx, found, asked.options(c)...), found)
	}
	if a.terminal().redraws && !asked.timestamps {
		return watchPicture(ctx, a, changes, read, moving[client.ObjectList]{draw: func(found client.ObjectList, _ terminal, now time.Time) view.Page {
			if table := l.table(found, asked.columns(now)); table.Len() > 0 {
				return table.Page()
			}
			return view.Page{{{Text: asked.none(c, l), Tone: view.Faint}}}
		}})
	}
	var before view.Table
	return live(ctx, changes, read, func(found client.ObjectList, now outlook) (bool, error) {
		if !now.fresh {
			return false, nil
		}
		table := l.table(found, asked.columns(now.at))
		news := table.Since(before)
		before = table
		if asked.timestamps {
			for i := range news {
				stamp := now.at.Format(time.RFC3339) + "  "
				news[i] = append(view.Line{{Text: stamp, Tone: view.Faint}}, news[i]...)
			}
		}
		t := a.terminal()
		_, err := io.WriteString(a.Out, news.Text(t.width, t.paint))
		return false, err
	})
}
