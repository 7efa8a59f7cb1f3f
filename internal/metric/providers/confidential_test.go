package providers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// What a pod that holds secrets wrote is not shown, whoever gave it them.
func TestAPodThatIsGivenSecrets(t *testing.T) {
	in := func(c corev1.Container) corev1.PodSpec { return corev1.PodSpec{Containers: []corev1.Container{{}, c}} }
	mounted := func(s corev1.VolumeSource) corev1.PodSpec {
		return corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: s}}}
	}
	key := &corev1.SecretKeySelector{Key: "k"}
	env := corev1.Container{Env: []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: key}}}}
	for _, c := range []struct {
		name string
		args []api.Argument
		pod  corev1.PodSpec
		want bool
	}{
		{name: "none", pod: in(corev1.Container{Env: []corev1.EnvVar{{Name: "A", Value: "b"}, {Name: "C", ValueFrom: &corev1.EnvVarSource{}}}})},
		{"by an argument of the run", []api.Argument{{Name: "a", ValueFrom: &api.ValueFrom{SecretKeyRef: &api.SecretKeyRef{}}}}, corev1.PodSpec{}, true},
		{"a variable", nil, in(env), true},
		{"a variable of an init container", nil, corev1.PodSpec{InitContainers: []corev1.Container{env}}, true},
		{"all keys of a Secret as variables", nil, in(corev1.Container{EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{}}}}), true},
		{"all keys of a ConfigMap as variables", nil, in(corev1.Container{EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{}}}}), false},
		{"a Secret as files", nil, mounted(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}), true},
		{"a ConfigMap as files", nil, mounted(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}), false},
		{"a Secret among other files", nil, mounted(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			Sources: []corev1.VolumeProjection{{ConfigMap: &corev1.ConfigMapProjection{}}, {Secret: &corev1.SecretProjection{}}}}}), true},
		{"what a vault holds", nil, mounted(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "secrets-store.csi.k8s.io"}}), true},
		{"a disk", nil, mounted(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "ebs.csi.aws.com"}}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Args: c.args}}
			m := api.Metric{Name: "m", Provider: api.MetricProvider{Job: &api.JobMetric{}}}
			m.Provider.Job.Spec.Template.Spec = c.pod
			job, err := Job{}.Object(run, m, "j")
			if err != nil {
				t.Fatal(err)
			}
			if got := job.Annotations["sluice.dev/last-words"] == "withheld"; got != c.want {
				t.Errorf("withheld: %v, want %v", got, c.want)
			}
		})
	}
}
