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

// Run implements cluster.Inspector. A run that asks for what this version cannot do is as wrong as
// one that asks for nonsense: it would not measure what it says.
func (inspector) Run(run *api.AnalysisRun, to cluster.References) []string {
	found := validate.Run(run)
	found = append(found, validate.RunReferences(run, refs(to))...)
	return found.Of(validate.Invalid, validate.Unsupported).Texts()
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
