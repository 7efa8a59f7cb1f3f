package telemetry

import (
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func strategy(r *api.Rollout) string {
	switch {
	case r.Spec.Strategy.Canary != nil:
		return "canary"
	case r.Spec.Strategy.BlueGreen != nil:
		return "blueGreen"
	}
	return "none"
}

// role is what a revision is at present. A promoted canary is the stable one.
func role(r *api.Rollout, hash string) string {
	switch hash {
	case "":
		return "other"
	case r.Status.StableRS:
		return "stable"
	case r.Status.CurrentPodHash:
		return "canary"
	}
	return "other"
}

// phase is the reference's word for a rollout's state in its metrics, which is not the one in status.
func phase(r *api.Rollout) string {
	for _, c := range r.Status.Conditions {
		switch {
		case c.Type == api.RolloutInvalidSpec && c.Status == corev1.ConditionTrue:
			return "InvalidSpec"
		case c.Reason == api.ReasonRolloutAborted:
			return "Abort"
		case c.Reason == api.ReasonProgressDeadlineExceeded:
			return "Timeout"
		}
	}
	switch r.Status.Phase {
	case api.RolloutPhaseHealthy:
		return "Completed"
	case api.RolloutPhasePaused:
		return "Paused"
	case api.RolloutPhaseDegraded:
		return "Error"
	case api.RolloutPhaseProgressing:
		return "Progressing"
	}
	return "Progressing"
}

// router names the traffic router, "" when there is none.
func router(r *api.Rollout) string {
	if r.Spec.Strategy.Canary == nil || r.Spec.Strategy.Canary.TrafficRouting == nil {
		return ""
	}
	t := r.Spec.Strategy.Canary.TrafficRouting
	switch {
	case t.Istio != nil:
		return "Istio"
	case t.Nginx != nil:
		return "Nginx"
	case t.ALB != nil:
		return "ALB"
	case t.SMI != nil:
		return "SMI"
	case t.Ambassador != nil:
		return "Ambassador"
	case t.AppMesh != nil:
		return "AppMesh"
	case t.Traefik != nil:
		return "Traefik"
	case t.Apisix != nil:
		return "Apisix"
	case len(t.Plugins) > 0:
		return "Plugin"
	}
	return ""
}

// source names where a metric comes from.
func source(p *api.MetricProvider) string {
	names := []struct {
		name string
		set  bool
	}{
		{"Prometheus", p.Prometheus != nil}, {"Job", p.Job != nil}, {"LoadTest", p.LoadTest != nil}, {"Web", p.Web != nil},
		{"Kayenta", p.Kayenta != nil}, {"Datadog", p.Datadog != nil}, {"Wavefront", p.Wavefront != nil},
		{"NewRelic", p.NewRelic != nil}, {"CloudWatch", p.CloudWatch != nil}, {"Graphite", p.Graphite != nil},
		{"Influxdb", p.Influxdb != nil}, {"SkyWalking", p.SkyWalking != nil}, {"Plugin", len(p.Plugin) > 0},
	}
	for _, n := range names {
		if n.set {
			return n.name
		}
	}
	return ""
}
