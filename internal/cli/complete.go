package cli

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/command"
)

// prompt is how long somebody who pressed Tab is kept waiting. Without an answer by then, and after
// any error, nothing is offered: a shell has no place for messages.
const prompt = 2 * time.Second

// completer offers words for the place of the cursor.
type completer = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// complete offers the names of all objects of a kind that are not named yet.
func (a *app) complete(k kind) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.offer(cmd, func(ctx context.Context, c *cluster) ([]string, error) {
			keys, err := c.names(ctx, k, c.namespace)
			var names []string
			for _, key := range keys {
				if !slices.Contains(args, key.Name) {
					names = append(names, key.Name)
				}
			}
			return names, err
		})
	}
}

// completeOne offers names for the first argument only.
func (a *app) completeOne(k kind) completer {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.complete(k)(cmd, args, word)
	}
}

// offer asks the cluster, for as long as anybody waits.
func (a *app) offer(cmd *cobra.Command, ask func(context.Context, *cluster) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), prompt)
	defer cancel()
	c, err := a.connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words, err := ask(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeFlag cannot fail: it is called for flags that were just defined.
func (a *app) completeFlag(cmd *cobra.Command, flag string, c completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, c); err != nil {
		panic(err)
	}
}

// completeConnection offers what the flags of the connection may name.
func (a *app) completeConnection(root *cobra.Command) {
	a.completeFlag(root, "namespace", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.offer(cmd, func(ctx context.Context, c *cluster) ([]string, error) {
			keys, err := c.names(ctx, kind{gvk: corev1.SchemeGroupVersion.WithKind("Namespace"), global: true}, "")
			var names []string
			for _, key := range keys {
				names = append(names, key.Name)
			}
			return names, err
		})
	})
	for flag, names := range map[string]func(*clientcmdapi.Config) []string{
		"context": func(config *clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(config.Contexts)) },
		"cluster": func(config *clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(config.Clusters)) },
		"user":    func(config *clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(config.AuthInfos)) },
	} {
		a.completeFlag(root, flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			rules := clientcmd.NewDefaultClientConfigLoadingRules()
			rules.ExplicitPath = a.kubeconfig
			config, err := rules.Load()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(config), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

// completeImage offers rollouts, then their containers.
func (a *app) completeImage(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return a.complete(rollouts)(cmd, args, word)
	case strings.Contains(word, "="):
		return nil, cobra.ShellCompDirectiveNoFileComp // nobody here knows the images there are
	}
	words, directive := a.offer(cmd, func(ctx context.Context, c *cluster) ([]string, error) {
		ro, err := c.rollout(ctx, args[0])
		if err != nil {
			return nil, err
		}
		in, err := c.holder(ctx, ro)
		if err != nil {
			return nil, err
		}
		var words []string
		for _, name := range append(command.Containers(in), "*") {
			given := func(arg string) bool { return strings.HasPrefix(arg, name+"=") }
			if !slices.ContainsFunc(args[1:], given) {
				words = append(words, name+"=")
			}
		}
		return words, nil
	})
	return words, directive | cobra.ShellCompDirectiveNoSpace
}

// revisions offers the numbers one can go back to, with what ran then.
func (a *app) revisions(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words, directive := a.offer(cmd, func(ctx context.Context, c *cluster) ([]string, error) {
		ro, err := c.rollout(ctx, args[0])
		if err != nil {
			return nil, err
		}
		sets, err := c.replicaSets(ctx, ro)
		if err != nil {
			return nil, err
		}
		offered := map[int]string{}
		for i := range sets {
			if n, err := strconv.Atoi(sets[i].Annotations[api.AnnotationRevision]); err == nil {
				offered[n] = images(&sets[i].Spec.Template.Spec)
			}
		}
		var words []string
		for _, n := range slices.Backward(slices.Sorted(maps.Keys(offered))) {
			words = append(words, strconv.Itoa(n)+"\t"+offered[n])
		}
		return words, nil
	})
	return words, directive | cobra.ShellCompDirectiveKeepOrder
}

func images(spec *corev1.PodSpec) string {
	var all []string
	for _, container := range spec.Containers {
		all = append(all, container.Image)
	}
	return strings.Join(all, ", ")
}
