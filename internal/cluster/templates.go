package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// clusterWide marks index keys of ClusterAnalysisTemplates.
const clusterWide = "cluster:"

// TemplateIndexKey is what IndexTemplate knows a template by.
func TemplateIndexKey(key decide.TemplateKey) string {
	if key.Cluster {
		return clusterWide + key.Name
	}
	return key.Name
}

func templatesOf(o client.Object) []string {
	var keys []string
	for _, key := range directTemplates(o) {
		keys = append(keys, TemplateIndexKey(key))
	}
	return keys
}

// directTemplates are the templates an object names itself.
func directTemplates(o client.Object) []decide.TemplateKey {
	var keys []decide.TemplateKey
	add := func(refs []api.AnalysisTemplateRef) {
		for _, r := range refs {
			keys = append(keys, decide.TemplateKey{Name: r.TemplateName, Cluster: r.ClusterScope})
		}
	}
	switch o := o.(type) {
	case *api.AnalysisTemplate:
		add(o.Spec.Templates)
	case *api.ClusterAnalysisTemplate:
		add(o.Spec.Templates)
	case *api.Rollout:
		for _, analysis := range analyses(o) {
			add(analysis.Templates)
		}
		for _, step := range experimentSteps(o) {
			for _, analysis := range step.Analyses {
				keys = append(keys, decide.TemplateKey{Name: analysis.TemplateName, Cluster: analysis.ClusterScope})
			}
		}
	case *api.Experiment:
		for _, analysis := range o.Spec.Analyses {
			keys = append(keys, decide.TemplateKey{Name: analysis.TemplateName, Cluster: analysis.ClusterScope})
		}
	}
	return keys
}

// analyses are the places of a Rollout that ask for an AnalysisRun.
func analyses(rollout *api.Rollout) []*api.RolloutAnalysis {
	var all []*api.RolloutAnalysis
	if canary := rollout.Spec.Strategy.Canary; canary != nil {
		if canary.Analysis != nil {
			all = append(all, &canary.Analysis.RolloutAnalysis)
		}
		for i := range canary.Steps {
			if canary.Steps[i].Analysis != nil {
				all = append(all, canary.Steps[i].Analysis)
			}
		}
	}
	if blueGreen := rollout.Spec.Strategy.BlueGreen; blueGreen != nil {
		for _, analysis := range []*api.RolloutAnalysis{blueGreen.PrePromotionAnalysis, blueGreen.PostPromotionAnalysis} {
			if analysis != nil {
				all = append(all, analysis)
			}
		}
	}
	return all
}

// experimentSteps are the steps of a Rollout that make an Experiment.
func experimentSteps(rollout *api.Rollout) (all []*api.RolloutExperimentStep) {
	if canary := rollout.Spec.Strategy.Canary; canary != nil {
		for i := range canary.Steps {
			if step := canary.Steps[i].Experiment; step != nil {
				all = append(all, step)
			}
		}
	}
	return all
}

// referenced gathers the templates an object refers to, nested ones included. Each is visited once,
// so a template that includes itself ends the walk instead of running for ever.
func (c *Cluster) referenced(ctx context.Context, namespace string, user client.Object) (map[decide.TemplateKey]api.AnalysisTemplateSpec, string, error) {
	found := map[decide.TemplateKey]api.AnalysisTemplateSpec{}
	versions := ""
	visited := map[decide.TemplateKey]bool{}
	for next := directTemplates(user); len(next) > 0; next = next[1:] {
		key := next[0]
		if visited[key] {
			continue
		}
		visited[key] = true
		object, spec, err := c.template(ctx, namespace, key)
		if err != nil {
			return nil, "", err
		}
		if object == nil {
			versions += TemplateIndexKey(key) + "-;"
			continue
		}
		versions += string(object.GetUID()) + "@" + object.GetResourceVersion() + ";"
		found[key] = *spec
		next = append(next, directTemplates(object)...)
	}
	return found, versions, nil
}

// template reads one template from the cache; nil when there is none.
func (c *Cluster) template(ctx context.Context, namespace string, key decide.TemplateKey) (client.Object, *api.AnalysisTemplateSpec, error) {
	var err error
	var object client.Object
	var spec *api.AnalysisTemplateSpec
	if key.Cluster {
		if c.OneNamespace {
			return nil, nil, nil
		}
		t := &api.ClusterAnalysisTemplate{}
		err = c.Cached.Get(ctx, types.NamespacedName{Name: key.Name}, t)
		object, spec = t, &t.Spec
	} else {
		t := &api.AnalysisTemplate{}
		err = c.Cached.Get(ctx, types.NamespacedName{Namespace: namespace, Name: key.Name}, t)
		object, spec = t, &t.Spec
	}
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading template %s from the cache: %w", key.Name, err)
	}
	return object, spec, nil
}
