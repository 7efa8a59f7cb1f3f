package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// What follows is for those who have no API server to ask. It finds the mistakes in names and pod
// templates that people make; the server knows more, and where there is one its answer counts.

// Meta says what the API server would refuse in the metadata of an object.
func Meta(meta *metav1.ObjectMeta) Findings {
	s, root := &sheet{}, field.NewPath("metadata")
	s.named(meta.Name, root.Child("name"), content.IsDNS1123Subdomain)
	s.named(meta.Namespace, root.Child("namespace"), content.IsDNS1123Label)
	s.keys(meta.Labels, meta.Annotations, root)
	return s.sorted()
}

// RolloutPods says what the API server would refuse in the pod template of a Rollout.
func RolloutPods(ro *api.Rollout) Findings {
	if ro.Spec.WorkloadRef != nil {
		return nil
	}
	s := &sheet{}
	template, path := &ro.Spec.Template, field.NewPath("spec", "template")
	spec := path.Child("spec")
	if len(template.Spec.Containers) == 0 {
		s.as(RuleMissingField).invalid(spec.Child("containers"), "must name at least one container", "")
	}
	if policy := template.Spec.RestartPolicy; policy != "" && policy != corev1.RestartPolicyAlways {
		s.invalid(spec.Child("restartPolicy"), fmt.Sprintf("is %s; pods of a Rollout are always restarted", quote(policy)), "write Always, or leave it out")
	}
	if template.Spec.ActiveDeadlineSeconds != nil {
		s.invalid(spec.Child("activeDeadlineSeconds"), "cannot be set: pods of a Rollout run until they are replaced", "")
	}
	s.pods(template, path)
	return s.sorted()
}

// JobPods says what the API server would refuse in the pod templates of the Jobs that measure. What an
// argument will bring is not known.
func JobPods(metrics []api.Metric) Findings {
	s := &sheet{unfilled: true}
	for i := range metrics {
		if job := metrics[i].Provider.Job; job != nil {
			s.pods(&job.Spec.Template, field.NewPath("spec", "metrics").Index(i).Child("provider", "job", "spec", "template"))
		}
		if test := metrics[i].Provider.LoadTest; test != nil {
			s.loadPod(test, field.NewPath("spec", "metrics").Index(i).Child("provider", "loadTest"))
		}
	}
	return s.sorted()
}

// loadPod checks what a load test says of its pods.
func (s *sheet) loadPod(test *api.LoadTestMetric, path *field.Path) {
	if test.PodMetadata != nil {
		s.keys(test.PodMetadata.Labels, test.PodMetadata.Annotations, path.Child("podMetadata"))
	}
	p := &pod{sheet: s}
	if !slices.ContainsFunc(test.Env, func(e corev1.EnvVar) bool { return e.Name == "" }) { // said of the load test
		p.environment(test.Env, path.Child("env"))
	}
	if test.Resources != nil {
		p.resources(test.Resources, path.Child("resources"))
	}
}

func (s *sheet) pods(template *corev1.PodTemplateSpec, path *field.Path) {
	s.keys(template.Labels, template.Annotations, path.Child("metadata"))
	spec := path.Child("spec")
	p := &pod{sheet: s, volumes: map[string]bool{}, containers: map[string]bool{}}
	for i := range template.Spec.Volumes {
		p.volume(&template.Spec.Volumes[i], spec.Child("volumes").Index(i))
	}
	for i := range template.Spec.Containers {
		p.container(&template.Spec.Containers[i], spec.Child("containers").Index(i))
	}
	for i := range template.Spec.InitContainers {
		c, at := &template.Spec.InitContainers[i], spec.Child("initContainers").Index(i)
		p.container(c, at)
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			p.first(c, at)
		}
	}
}

// known tells that a text is not one that an argument will fill in.
func (s *sheet) known(text string) bool { return !s.unfilled || !open(text) }

// named wants a name of one form, if there is one.
func (s *sheet) named(name string, path *field.Path, check func(string) []string) bool {
	if name == "" || !s.known(name) {
		return name != ""
	}
	if wrong := check(name); len(wrong) > 0 {
		s.as(RuleBadName).invalid(path, fmt.Sprintf("%s is no name that the API server takes: it %s", quote(name), brief(wrong[0])), "")
	}
	return true
}

// brief leaves out what is meant for machines: the regular expression and the examples.
func brief(wrong string) string {
	text, _, _ := strings.Cut(wrong, " (e.g.")
	for _, intro := range []string{"a lowercase RFC 1123 label ", "a lowercase RFC 1123 subdomain ", "a valid label ", "a valid environment variable name "} {
		text = strings.TrimPrefix(text, intro)
	}
	return text
}

// keys checks labels and annotations. Of annotations only the names have a form, in any case of letters.
func (s *sheet) keys(labels, annotations map[string]string, path *field.Path) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		at := path.Child("labels")
		s.key(key, key, at)
		if wrong := content.IsLabelValue(labels[key]); len(wrong) > 0 && s.known(labels[key]) {
			s.as(RuleBadName).invalid(at.Key(key), fmt.Sprintf("%s cannot be the value of a label: it %s", quote(labels[key]), brief(wrong[0])), "what is no label can be an annotation")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		s.key(key, strings.ToLower(key), path.Child("annotations"))
	}
}

func (s *sheet) key(key, as string, path *field.Path) {
	if wrong := content.IsLabelKey(as); len(wrong) > 0 && s.known(key) {
		s.as(RuleBadName).invalid(path.Key(key), fmt.Sprintf("%s cannot be a key here: its %s", quote(key), brief(wrong[0])), "")
	}
}

// oneOf wants one of the words, or none.
func (s *sheet) oneOf(value string, path *field.Path, words ...string) {
	if value != "" && s.known(value) && !slices.Contains(words, value) {
		last := len(words) - 1
		s.invalid(path, "is "+quote(value), "write "+strings.Join(words[:last], ", ")+" or "+words[last])
	}
}

// once tells whether a name is new, and says so where it is not.
func (s *sheet) once(seen map[string]bool, name string, path *field.Path, what string) {
	if name != "" && seen[name] && s.known(name) {
		s.as(RuleDuplicateName).invalid(path, fmt.Sprintf("is %s, as of another %s", quote(name), what), "")
	}
	if name != "" {
		seen[name] = true
	}
}
