package validate

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Bounds of a load test.
const (
	maxPods    = 50
	maxAborts  = 32
	maxTags    = 16
	maxTagged  = 512 // bytes of all tags
	minResult  = 128 // bytes that hold a verdict
	maxResult  = 4096
	scriptFile = "script.yaml"
)

var (
	tagKey   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	tagValue = regexp.MustCompile(`^[A-Za-z0-9_.:/@+ -]{0,128}$`)
)

func (s *sheet) loadTest(test *api.LoadTestMetric, path *field.Path) {
	s.loadTargets(test, path)
	s.loadCPU(test, path)
	s.loadScript(&test.Script, path.Child("script"))
	if n := test.Parallelism; n != nil && (*n < 1 || *n > maxPods) {
		s.invalid(path.Child("parallelism"), fmt.Sprintf("is %d; from 1 to %d pods can share a load", *n, maxPods), "leave it out for 1")
	}
	switch test.DefaultGates {
	case "", api.DefaultGatesEnforce, api.DefaultGatesNone:
	default:
		s.invalid(path.Child("defaultGates"), "is "+quote(test.DefaultGates), "write Enforce or None")
	}
	if length, known := s.duration(test.Deadline, path.Child("deadline")); known && test.Deadline != "" && length < time.Second {
		s.invalid(path.Child("deadline"), "is shorter than a second", "write for example 10m")
	}
	for i := range test.Env {
		s.required(test.Env[i].Name, path.Child("env").Index(i).Child("name"), "")
	}
	if strings.ContainsAny(test.Image, " \t\n") {
		s.invalid(path.Child("image"), quote(test.Image)+" has blanks, and is no image", "")
	}
	s.loadTags(test.Tags, path.Child("tags"))
	s.resultBudget(test.PodMetadata, path.Child("podMetadata", "annotations").Key(api.AnnotationResultBudget))
	if len(test.AbortOn) > maxAborts {
		s.as(RuleTooLong).invalid(path.Child("abortOn"), fmt.Sprintf("has %d items, more than %d", len(test.AbortOn), maxAborts), "")
		return
	}
	s.loadCompiles(test, path)
}

// loadOften warns of a load that is sent without end, and of what has no meaning for load tests.
func (s *sheet) loadOften(metric *api.Metric, path *field.Path) {
	if count, known := integer(metric.Count); metric.Interval != "" && (metric.Count == nil || known && count == 0) {
		s.warn(path.Child("interval"), "is set without a count: the load is sent again and again for as long as the analysis lasts", "remove it, or write a count")
	}
	if metric.NoData != "" {
		s.as(RuleNoEffect).warn(path.Child("noData"), "has no effect: a load test has a result, or is an error", "remove it")
	}
}

func (s *sheet) loadTargets(test *api.LoadTestMetric, path *field.Path) {
	if test.Target != "" {
		s.address(test.Target, path.Child("target"), exampleTarget)
	}
	if test.CompareTarget == "" {
		return
	}
	at := path.Child("compareTarget")
	s.address(test.CompareTarget, at, exampleTarget)
	switch {
	case test.Target == "":
		s.as(RuleMissingField).invalid(path.Child("target"), "is missing: compareTarget is what it is compared with", "write the new version's address")
	case sameTarget(test.Target, test.CompareTarget):
		s.as(RuleConflict).invalid(at, "is the same as target", "write the address of the other version, such as that of the stable Service")
	}
}

// sameTarget says whether two addresses lead to the same place, however they are written.
func sameTarget(one, other string) bool { return settled(one) == settled(other) }

func settled(address string) string {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || u.Host == "" {
		return address
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			u.Host = strings.TrimSuffix(u.Host, port)
		}
	}
	return u.String()
}

// loadCPU warns of a bound on the generator's CPU.
func (s *sheet) loadCPU(test *api.LoadTestMetric, path *field.Path) {
	if test.Resources == nil {
		return
	}
	if limit, ok := test.Resources.Limits[corev1.ResourceCPU]; ok {
		s.as(RuleScriptAdvice).warn(path.Child("resources", "limits", "cpu"), fmt.Sprintf("is %s: a generator that is throttled measures itself, and its test is inconclusive", limit.String()),
			"remove it, and write requests.cpu instead")
	}
}

func (s *sheet) loadScript(from *api.LoadTestScript, path *field.Path) {
	switch ref := from.ConfigMap; {
	case ref == nil && from.Inline == "":
		s.as(RuleMissingField).invalid(path, "is missing", "write inline with an Artillery script below it, or configMap with name and key")
	case ref != nil && from.Inline != "":
		s.as(RuleConflict).invalid(path, "has both inline and configMap", "remove one of them")
	case ref != nil:
		s.required(ref.Name, path.Child("configMap", "name"), "write the name of the ConfigMap")
		s.required(ref.Key, path.Child("configMap", "key"), "write the key of the script in the ConfigMap")
		if strings.Contains(ref.Key, "/") {
			s.invalid(path.Child("configMap", "key"), "is "+quote(ref.Key)+", which is no key of a ConfigMap", "")
		}
	}
}

// resultBudget refuses what the generator could not keep a result within: it would leave none.
func (s *sheet) resultBudget(metadata *api.PodTemplateMetadata, path *field.Path) {
	if metadata == nil {
		return
	}
	text := metadata.Annotations[api.AnnotationResultBudget]
	if n, err := strconv.Atoi(text); text != "" && !open(text) && (err != nil || n < minResult || n > maxResult) {
		s.invalid(path, fmt.Sprintf("is %s, and must be a number of bytes from %d to %d", quote(text), minResult, maxResult), "leave it out for what fits")
	}
}

func (s *sheet) loadTags(tags map[string]string, path *field.Path) {
	if len(tags) > maxTags {
		s.as(RuleTooLong).invalid(path, fmt.Sprintf("has %d entries, more than %d", len(tags), maxTags), "")
	}
	total := 0
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if total += len(key) + len(tags[key]) + 2; total > maxTagged {
			s.as(RuleTooLong).invalid(path, fmt.Sprintf("have more than %d bytes, which every request would carry", maxTagged), "")
			return
		}
		if !tagKey.MatchString(key) && !open(key) {
			s.as(RuleBadName).invalid(path.Key(key), "cannot be sent as a header", "write letters, digits, dots, dashes and underscores")
		}
		if value := tags[key]; !tagValue.MatchString(value) && !open(value) {
			s.invalid(path.Key(key), quote(value)+" cannot be sent as a header", "write up to 128 letters, digits, spaces and any of . : / @ + - _")
		}
	}
}
