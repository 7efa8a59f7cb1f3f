package manifest

import (
	"fmt"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

const group = "argoproj.io/v1alpha1"

// known are the kinds Read decodes, by apiVersion and kind. Others are passed over.
var known = map[string]reflect.Type{
	group + " Rollout":                 reflect.TypeFor[api.Rollout](),
	group + " AnalysisTemplate":        reflect.TypeFor[api.AnalysisTemplate](),
	group + " ClusterAnalysisTemplate": reflect.TypeFor[api.ClusterAnalysisTemplate](),
	group + " AnalysisRun":             reflect.TypeFor[api.AnalysisRun](),
	group + " Experiment":              reflect.TypeFor[api.Experiment](),
	"v1 Secret":                        reflect.TypeFor[corev1.Secret](),
	"v1 Service":                       reflect.TypeFor[corev1.Service](),
	"v1 ConfigMap":                     reflect.TypeFor[corev1.ConfigMap](),
	"batch/v1 Job":                     reflect.TypeFor[batchv1.Job](),

	"autoscaling/v2 HorizontalPodAutoscaler": reflect.TypeFor[autoscalingv2.HorizontalPodAutoscaler](),
}

// lenders are the kinds that Rollouts may take their template from.
var lenders = map[string]reflect.Type{
	"apps/v1 Deployment": reflect.TypeFor[appsv1.Deployment](),
	"apps/v1 ReplicaSet": reflect.TypeFor[appsv1.ReplicaSet](),
	"v1 PodTemplate":     reflect.TypeFor[corev1.PodTemplate](),
}

// unknownKind tells people about a kind or version that is nearly one of ours.
func unknownKind(d Document, root *node) []Problem {
	family, _, _ := strings.Cut(d.APIVersion, "/")
	if family == "argoproj.io" && d.APIVersion != group {
		p := root.find("apiVersion").problem(RuleKind, "apiVersion", fmt.Sprintf("%s is not a version of this API", d.APIVersion))
		p.Fix = "write " + group
		return []Problem{p}
	}
	var kinds []string
	for name := range known {
		version, kind, _ := strings.Cut(name, " ")
		if version == group {
			kinds = append(kinds, kind)
		}
		if kind == d.Kind && version == group && family != "apps" {
			p := root.find("apiVersion").problem(RuleKind, "apiVersion", fmt.Sprintf("a %s has another apiVersion", d.Kind))
			p.Fix = "write " + group
			return []Problem{p}
		}
	}
	// Other products share the group (Application, Workflow …): only near misses are mistakes.
	if family != "argoproj.io" {
		return nil
	}
	if near := nearest(d.Kind, kinds); near != "" {
		p := root.find("kind").problem(RuleKind, "kind", "unknown kind "+d.Kind)
		p.Fix = "did you mean " + near + "?"
		return []Problem{p}
	}
	return nil
}

// placement says where an unknown field probably belongs: a field that is nearly called so, the
// same field one level down or further up, or the names there are.
func placement(key string, p place, t reflect.Type) string {
	fields := fieldsOf(t)
	if below := holding(key, fields); below != "" {
		return fmt.Sprintf("%s belongs under %s: indent it below %s", key, below, join(p.path, below))
	}
	if near := nearest(key, sortedKeys(fields)); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	for i := len(p.around) - 2; i >= 0; i-- {
		if _, ok := fieldsOf(p.around[i])[key]; ok {
			return fmt.Sprintf("%s belongs further out: it is a field of %s", key, words(p.around[i].Name()))
		}
	}
	if len(fields) > 0 && len(fields) <= 12 {
		return "fields here are " + strings.Join(sortedKeys(fields), ", ")
	}
	return ""
}

// holding finds the field whose own fields include key; "" when none or several do.
func holding(key string, fields map[string]reflect.Type) string {
	found := ""
	for _, name := range sortedKeys(fields) {
		t := target(fields[name])
		if t.Kind() != reflect.Struct || name == "metadata" || name == "status" {
			continue
		}
		if _, ok := fieldsOf(t)[key]; ok {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

// nearest is the name that differs from word by the fewest letters, if that is few for its length.
func nearest(word string, names []string) string {
	best, distance := "", len(word)/3+1
	for _, name := range names {
		if d := levenshtein(strings.ToLower(word), strings.ToLower(name)); d < distance || d == distance && best == "" {
			best, distance = name, d
		}
	}
	return best
}

// Distance counts the letters to add, drop or replace to make a into b.
func Distance(a, b string) int { return levenshtein(a, b) }

// levenshtein counts the letters to add, drop or replace to make a into b.
func levenshtein(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
