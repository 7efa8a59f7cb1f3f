package controller

import (
	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/validate"
)

// inspector lets the cluster's worlds ask package validate.
type inspector struct{}

// Rollout implements cluster.Inspector.
func (inspector) Rollout(rollout *api.Rollout, to cluster.References) cluster.Findings {
	found := validate.Rollout(rollout)
	found = append(found, validate.References(rollout, refs(to))...)
	all := findings(found)
	all.Dropped = validate.Dropped(rollout)
	return all
}

// Run implements cluster.Inspector.
func (inspector) Run(run *api.AnalysisRun, to cluster.References) cluster.Findings {
	found := validate.Run(run)
	return findings(append(found, validate.RunReferences(run, refs(to))...))
}

func refs(to cluster.References) validate.Refs {
	return validate.Refs{
		Template: func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
			spec, ok := to.Templates[decide.TemplateKey{Name: name, Cluster: cluster}]
			return spec, ok
		},
		SecretKeys: to.SecretKeys,
	}
}

func findings(found validate.Findings) cluster.Findings {
	return cluster.Findings{
		Unsupported: found.Of(validate.Unsupported).Texts(),
		Invalid:     found.Of(validate.Invalid).Texts(),
	}
}
