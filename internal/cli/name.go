package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// is tells that people call the kind by a word: rollout, rollouts, ro, or in full rollouts.argoproj.io.
func (k kind) is(word string) bool {
	word, group, full := strings.Cut(strings.ToLower(word), ".")
	if full && group != k.gvk.Group && group != k.gvk.Version+"."+k.gvk.Group {
		return false
	}
	return word == k.resource || word == k.resource+"s" || word == k.letters
}

// kindOf is the kind people call by a word.
func kindOf(word string) (kind, bool) {
	for _, k := range []kind{rollouts, runs, experiments, templates, clusterTemplates} {
		if k.is(word) {
			return k, true
		}
	}
	return kind{}, false
}

// one of the kind, as it stands in a sentence.
func (k kind) one() string {
	if strings.HasPrefix(k.name, "a") || strings.HasPrefix(k.name, "e") {
		return "an " + k.name
	}
	return "a " + k.name
}

// target is an object as a command line names it. Without a word for its kind the command chooses.
type target struct {
	kind  kind
	given bool // the kind was named
	name  string
}

// targets reads what a command is to be done to, as kubectl does: NAME, KIND/NAME, which is what
// `-o name` prints, or KIND before the names.
func targets(cmd *cobra.Command, args []string, known ...kind) ([]target, error) {
	var first target
	if len(args) > 1 {
		if k, ok := kindOf(args[0]); ok {
			first.kind, first.given = k, true
			if err := wanted(cmd, args[0]+" "+args[1], k, known); err != nil {
				return nil, err
			}
			args = args[1:]
		}
	}
	var all []target
	for _, arg := range args {
		t := first
		t.name = arg
		if word, name, ok := strings.Cut(arg, "/"); ok {
			k, ok := kindOf(word)
			if !ok || name == "" {
				return nil, fmt.Errorf("%q names nothing %s knows: write %s", arg, cmd.CommandPath(), alternatives(known, kind.slash))
			}
			if err := wanted(cmd, arg, k, known); err != nil {
				return nil, err
			}
			t = target{k, true, name}
		}
		all = append(all, t)
	}
	return all, nil
}

// wanted refuses what is of a kind the command is not for.
func wanted(cmd *cobra.Command, text string, k kind, known []kind) error {
	if slices.Contains(known, k) {
		return nil
	}
	return fmt.Errorf("%s is %s, and %s wants %s", text, k.one(), cmd.CommandPath(), alternatives(known, kind.one))
}

func (k kind) slash() string { return k.resource + "/NAME" }

func (k kind) word() string { return k.resource }

func alternatives(known []kind, text func(kind) string) string {
	var texts []string
	for _, k := range known {
		texts = append(texts, text(k))
	}
	return strings.Join(texts, " or ")
}

// names are the objects of a kind on a command line.
func (k kind) names(cmd *cobra.Command, args []string) ([]string, error) {
	all, err := targets(cmd, args, k)
	var names []string
	for _, t := range all {
		names = append(names, t.name)
	}
	return names, err
}

// either is the one rollout or analysis run on a command line; without a word for its kind that of
// a rollout.
func either(cmd *cobra.Command, args []string) (target, error) {
	known := []kind{rollouts, runs}
	all, err := targets(cmd, args, known...)
	switch {
	case err != nil:
		return target{}, err
	case len(all) == 2 && !all[0].given:
		return target{}, fmt.Errorf("%s knows no %s: write %s", cmd.CommandPath(), args[0], alternatives(known, kind.word))
	case len(all) != 1:
		return target{}, fmt.Errorf("%s wants the name of one rollout or analysis run, not %d", cmd.CommandPath(), len(all))
	case !all[0].given:
		all[0].kind = rollouts
	}
	return all[0], nil
}

// oneOfEither is either as a check of arguments.
func oneOfEither(cmd *cobra.Command, args []string) error {
	_, err := either(cmd, args)
	return err
}

// completeEither offers rollouts, or what the first word asks for.
func (a *app) completeEither(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0 || len(args) == 1 && rollouts.is(args[0]):
		return a.complete(rollouts)(cmd, args, word)
	case len(args) == 1 && runs.is(args[0]):
		return a.complete(runs)(cmd, args, word)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// spelledOut writes the kind as a word of its own where a command wants one and kubectl is content with
// KIND/NAME: get ro/shop is get rollout ro/shop.
func spelledOut(root *cobra.Command, args []string) []string {
	cmd, rest, err := root.Find(args)
	if err != nil {
		return args
	}
	if _, only := cmd.Annotations[groups]; !only || len(rest) == 0 {
		return args
	}
	word, _, slash := strings.Cut(rest[0], "/")
	k, ok := kindOf(word)
	if !ok || !slash && word == k.resource {
		return args
	}
	at := slices.Index(args, rest[0])
	if !slash { // a name with the group in it, or the like, is no command's
		return slices.Concat(args[:at], []string{k.resource}, args[at+1:])
	}
	return slices.Concat(args[:at], []string{k.resource}, args[at:])
}
