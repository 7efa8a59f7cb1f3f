package providers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// hasSecrets reports whether a pod of a run is given secrets: by the run's arguments, or by what it names itself.
func hasSecrets(run *api.AnalysisRun, pod *corev1.PodSpec) bool {
	return slices.ContainsFunc(run.Spec.Args, isSecret) ||
		slices.ContainsFunc(slices.Concat(pod.InitContainers, pod.Containers), isConfided) ||
		slices.ContainsFunc(pod.Volumes, holdsSecrets)
}

func isSecret(arg api.Argument) bool {
	return arg.ValueFrom != nil && arg.ValueFrom.SecretKeyRef != nil
}

// isConfided reports whether a container has secrets in its environment.
func isConfided(c corev1.Container) bool {
	return slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil }) ||
		slices.ContainsFunc(c.EnvFrom, func(e corev1.EnvFromSource) bool { return e.SecretRef != nil })
}

// secretStore is the CSI driver that mounts what vaults hold.
const secretStore = "secrets-store.csi.k8s.io"

func holdsSecrets(v corev1.Volume) bool {
	return v.Secret != nil || v.CSI != nil && v.CSI.Driver == secretStore ||
		v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool { return s.Secret != nil })
}
