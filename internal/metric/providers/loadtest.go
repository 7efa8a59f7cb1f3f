package providers

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/metric"
)

// maxTag bounds what a tag of ours adds to every request, in bytes.
const maxTag = 128

// What the pod of a load test looks like from inside.
const (
	loadContainer = "load"
	scriptDir     = "/sluice/script"
	scriptFile    = "script.yaml"
	startDir      = "/sluice/pod"
	startFile     = "start"
	readyDir      = "/sluice/ready"
	readyFile     = "ready"
)

// Times of a load test.
const (
	// loadSlack is for what a test needs beside its phases: an image, a node, users on their way, the result.
	loadSlack = 10 * time.Minute
	// loadDeadline bounds a test whose length is not known.
	loadDeadline = 30 * time.Minute
	// loadPlacing is how long the pods of a test may take to run, all of them.
	loadPlacing = metric.LoadPlacing
	// loadPodsMade is how long a Job may take to make its pods before that is worth a word.
	loadPodsMade = 10 * time.Second
	// loadStartWithin is how long a pod waits to be told when to begin: longer than anybody looks on.
	loadStartWithin = loadPlacing + time.Minute
	// loadGrace is what a test that is stopped gets to write its result.
	loadGrace = 10
)

// How many bytes the result of a load test may have. Kubernetes shares 12 KiB among the containers of a pod.
const (
	envResultBudget = "RESULT_BUDGET"
	fullBudget      = 4096
	sharedBudget    = 2048
)

// LoadTest builds the Job of a load test and reads what its pods measured. It asks nobody.
type LoadTest struct {
	// Image of the load generator where a metric names none; may be empty.
	Image string
}

// Object implements metric.Runner.
func (l LoadTest) Object(run *api.AnalysisRun, m api.Metric, name string) (*batchv1.Job, error) {
	test := m.Provider.LoadTest
	if test == nil {
		return nil, errors.New("building a load test: the metric has no loadTest block")
	}
	pod, err := l.pod(run, m)
	if err != nil {
		return nil, err
	}
	deadline, err := loadDeadlineOf(test)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{api.LabelAnalysisRunUID: string(run.UID), api.LabelLoadTest: "true"}
	annotations := map[string]string{
		api.AnnotationAnalysisRunName:      run.Name,
		api.AnnotationAnalysisRunNamespace: run.Namespace,
		api.AnnotationMetricName:           m.Name,
	}
	if hasSecrets(run, pod) {
		annotations[annotationLastWords] = "withheld"
	}
	theirs := api.PodTemplateMetadata{}
	if test.PodMetadata != nil {
		theirs = *test.PodMetadata
	}
	job := &batchv1.Job{
		TypeMeta: metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{
			Name:            name,
			Namespace:       run.Namespace,
			Labels:          merged(theirs.Labels, labels),
			Annotations:     merged(theirs.Annotations, annotations),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(run, api.SchemeGroupVersion.WithKind("AnalysisRun"))},
		},
		Spec: batchv1.JobSpec{
			Parallelism: new(test.Pods()), Completions: new(test.Pods()), BackoffLimit: new(int32(0)),
			ActiveDeadlineSeconds: new(int64((deadline + time.Second - 1) / time.Second)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: merged(theirs.Labels, labels), Annotations: merged(meshFirst, theirs.Annotations)},
				Spec:       *pod,
			},
		},
	}
	if test.Script.Inline != "" {
		job.Spec.Template.Annotations[api.AnnotationLoadScript] = test.Script.Inline
	}
	if test.Pods() > 1 {
		share(job)
	}
	return job, nil
}

// share makes several pods of a Job one test. Each index is tried once, and one that fails does not take the others
// with it, as it would when the Job as a whole may not fail at all: their parts of the result are wanted.
func share(job *batchv1.Job) {
	job.Spec.CompletionMode = new(batchv1.IndexedCompletion)
	job.Spec.BackoffLimitPerIndex = new(int32(0))
	job.Spec.BackoffLimit = new(*job.Spec.Completions)
	job.Spec.Template.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{batchv1.JobNameLabel: job.Name}},
	}}
}

// pod is what runs: the generator without rights, with the script beside it.
func (l LoadTest) pod(run *api.AnalysisRun, m api.Metric) (*corev1.PodSpec, error) {
	test := m.Provider.LoadTest
	container, err := l.container(run, m)
	if err != nil {
		return nil, err
	}
	pod := &corev1.PodSpec{
		RestartPolicy:                 corev1.RestartPolicyNever,
		TerminationGracePeriodSeconds: new(int64(loadGrace)),
		AutomountServiceAccountToken:  new(false),
		EnableServiceLinks:            new(false),
		ServiceAccountName:            test.ServiceAccountName,
		ImagePullSecrets:              slices.Clone(test.ImagePullSecrets),
		NodeSelector:                  maps.Clone(test.NodeSelector),
		Tolerations:                   slices.Clone(test.Tolerations),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   new(true),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Volumes: []corev1.Volume{scriptVolume(test)},
	}
	if test.Pods() > 1 {
		pod.Volumes = append(pod.Volumes, annotationVolume("start", startFile, api.AnnotationLoadStart), readyVolume())
	}
	pod.Containers = []corev1.Container{*container}
	return pod, nil
}

func scriptVolume(test *api.LoadTestMetric) corev1.Volume {
	if from := test.Script.ConfigMap; from != nil {
		return corev1.Volume{Name: "script", VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: from.Name}},
		}}
	}
	return annotationVolume("script", scriptFile, api.AnnotationLoadScript)
}

// annotationVolume shows one annotation of the pod as a file, byte for byte.
func annotationVolume(name, file, annotation string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
		Items: []corev1.DownwardAPIVolumeFile{{
			Path:     file,
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.annotations['" + annotation + "']"},
		}},
	}}}
}

func (l LoadTest) container(run *api.AnalysisRun, m api.Metric) (*corev1.Container, error) {
	test := m.Provider.LoadTest
	image := test.Image
	if image == "" {
		image = l.Image
	}
	if image == "" {
		return nil, errors.New("the metric names no image for the load generator, and the controller was started without --load-image")
	}
	args, err := loadArgs(run, m)
	if err != nil {
		return nil, err
	}
	mounts := []corev1.VolumeMount{{Name: "script", MountPath: scriptDir, ReadOnly: true}}
	if test.Pods() > 1 {
		mounts = append(mounts, corev1.VolumeMount{Name: "start", MountPath: startDir, ReadOnly: true})
	}
	container := &corev1.Container{
		Name:         loadContainer,
		Image:        image,
		Command:      []string{"sluice-load"},
		Args:         args,
		Env:          append(slices.Clone(test.Env), corev1.EnvVar{Name: envResultBudget, Value: resultBudget(test)}),
		Resources:    loadResources(test),
		VolumeMounts: mounts,
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false),
			ReadOnlyRootFilesystem:   new(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
	if test.Pods() > 1 {
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: "ready", MountPath: readyDir})
		container.StartupProbe = readyProbe()
	}
	return container, nil
}

// readyVolume is where a generator says that it waits for nothing but its start.
func readyVolume() corev1.Volume {
	return corev1.Volume{Name: "ready", VolumeSource: corev1.VolumeSource{
		EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: resource.NewQuantity(1<<20, resource.BinarySI)},
	}}
}

// readyProbe makes a pod ready when its generator is. As a startup probe it is run no more from then on: a program that
// is started every second would be measured with the load. It may fail for as long as the pod may wait.
func readyProbe() *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sluice-load", "ready", readyDir + "/" + readyFile}}},
		PeriodSeconds:    1,
		TimeoutSeconds:   5,
		FailureThreshold: int32(2 * loadStartWithin / time.Second),
	}
}

// loadResources bounds memory, which a node cannot share, and not CPU: a generator that is throttled measures itself.
func loadResources(test *api.LoadTestMetric) corev1.ResourceRequirements {
	if test.Resources != nil {
		return *test.Resources.DeepCopy()
	}
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
	}
}

// injecting are the labels and annotations by which meshes put their containers into a pod.
var injecting = map[string]string{
	"sidecar.istio.io/inject": "true", "linkerd.io/inject": "enabled", "kuma.io/sidecar-injection": "enabled",
	"consul.hashicorp.com/connect-inject": "true", "openservicemesh.io/sidecar-injection": "enabled",
}

// meshFirst has a mesh start its proxy before the generator, which sends at once: what nobody carries yet would count
// as refused by what is tested. Linkerd and sidecars that are init containers start first anyway.
var meshFirst = map[string]string{"proxy.istio.io/config": `{"holdApplicationUntilProxyStarts": true}`}

func resultBudget(test *api.LoadTestMetric) string {
	if test.PodMetadata == nil {
		return strconv.Itoa(fullBudget)
	}
	if said := test.PodMetadata.Annotations[api.AnnotationResultBudget]; said != "" {
		return said
	}
	for _, keys := range []map[string]string{test.PodMetadata.Labels, test.PodMetadata.Annotations} {
		if keys["istio.io/rev"] != "" {
			return strconv.Itoa(sharedBudget)
		}
		for key, value := range injecting {
			if keys[key] == value {
				return strconv.Itoa(sharedBudget)
			}
		}
	}
	return strconv.Itoa(fullBudget)
}

// loadArgs is the command line. What a script expects counts, also where the script does not load the plugin that
// would have checked it.
func loadArgs(run *api.AnalysisRun, m api.Metric) ([]string, error) {
	test := m.Provider.LoadTest
	file := scriptFile
	if from := test.Script.ConfigMap; from != nil {
		file = from.Key
	}
	args := []string{"run", "--enforce", "--json-lines"}
	for _, flag := range []struct{ name, value string }{
		{"--target", test.Target}, {"--compare-target", test.CompareTarget}, {"-e", test.Environment},
	} {
		if flag.value != "" {
			args = append(args, flag.name, flag.value)
		}
	}
	variables, err := loadVariables(test)
	if err != nil {
		return nil, err
	}
	if variables != "" {
		args = append(args, "-v", variables)
	}
	for _, expression := range test.AbortOn {
		args = append(args, "--abort-on", expression)
	}
	if test.DefaultGates == api.DefaultGatesNone {
		args = append(args, "--no-default-gates")
	}
	tags := test.Tags
	if len(tags) == 0 {
		tags = map[string]string{"run": judge.Trim(run.Name, maxTag), "metric": judge.Trim(m.Name, maxTag)}
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		args = append(args, "--tag", key+"="+tags[key])
	}
	if pods := test.Pods(); pods > 1 {
		args = append(args, "--shares", strconv.Itoa(int(pods)),
			"--ready-file", readyDir+"/"+readyFile, "--start-file", startDir+"/"+startFile, "--start-within", loadStartWithin.String())
	}
	args = append(args, scriptDir+"/"+file)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "$", "$$") // Kubernetes takes $(NAME) for a variable
	}
	return args, nil
}

func loadVariables(test *api.LoadTestMetric) (string, error) {
	if len(test.Variables) == 0 {
		return "", nil
	}
	text, err := json.Marshal(test.Variables)
	if err != nil {
		return "", fmt.Errorf("writing the variables of a load test: %w", err)
	}
	return string(text), nil
}

// loadDeadlineOf is how long the Job may take.
func loadDeadlineOf(test *api.LoadTestMetric) (time.Duration, error) {
	deadline, err := test.Deadline.Duration()
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading the deadline of a load test: %w", err)
	case deadline > 0:
		return deadline, nil
	case test.Script.Inline == "":
		return loadDeadline, nil
	}
	variables, err := loadVariables(test)
	if err != nil {
		return 0, err
	}
	read := script.Once([]byte(test.Script.Inline), script.Options{
		File: scriptFile, Target: test.Target, Environment: test.Environment, Variables: variables, Environ: environ(test.Env), Enforce: true,
	})
	if !read.Runs {
		return loadDeadline, nil // what is wrong with it was said, or depends on what only the pod knows
	}
	return read.Length + loadSlack, nil
}

// environ is the environment of a script as validation has it, which has read the script already. A value that only
// the pod knows is a word there: where the length of a phase depends on it, nothing is known.
func environ(env []corev1.EnvVar) []string {
	standIn := "1"
	if slices.ContainsFunc(env, func(e corev1.EnvVar) bool { return e.ValueFrom != nil }) {
		standIn = "x"
	}
	all := []string{"HOSTNAME=" + standIn}
	for _, e := range env {
		if e.ValueFrom != nil {
			e.Value = standIn
		}
		all = append(all, e.Name+"="+e.Value)
	}
	return all
}
