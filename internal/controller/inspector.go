package controller

import (
	"maps"

	corev1 "k8s.io/api/core/v1"

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
	found = append(found, validate.Services(rollout, servicesIn(to))...)
	all := findings(found)
	all.Dropped = validate.Dropped(rollout)
	return all
}

// Experiment implements cluster.Inspector.
func (inspector) Experiment(experiment *api.Experiment, to cluster.References) cluster.Findings {
	found := validate.Experiment(experiment)
	return findings(append(found, validate.ExperimentReferences(experiment, refs(to))...))
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
		Workload:   func(api.ObjectRef) bool { return to.Workload },
	}
}

// servicesIn are the Services a Rollout names. Of two Rollouts that name the same one the first has it, as its
// annotation says: only the other one is told.
func servicesIn(to cluster.References) map[string]validate.Service {
	have := map[string]validate.Service{}
	for name, service := range to.Services {
		own := maps.Clone(service.Spec.Selector)
		delete(own, api.LabelPodTemplateHash)
		have[name] = validate.Service{
			Selector:  own,
			ManagedBy: service.Annotations[api.AnnotationManagedBy],
			Outside:   service.Spec.Type == corev1.ServiceTypeExternalName,
			Bare:      len(own) == 0,
		}
	}
	return have
}

func findings(found validate.Findings) cluster.Findings {
	return cluster.Findings{
		Unsupported: found.Of(validate.Unsupported).Texts(),
		Invalid:     found.Of(validate.Invalid).Texts(),
	}
}
