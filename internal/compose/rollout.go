package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// RolloutArgs gives the arguments a Rollout passes to its analyses their values: texts, the hash of
// a revision, or a field of the Rollout. An argument with a problem is left out.
func RolloutArgs(args []api.AnalysisRunArgument, ro *api.Rollout, stableHash, latestHash string) ([]api.Argument, []Problem) {
	source := fields{object: ro}
	var out []api.Argument
	var problems []Problem
	for _, arg := range args {
		value, err := source.value(arg, stableHash, latestHash)
		if err != nil {
			problems = append(problems, Problem{Message: fmt.Sprintf("args.%s: %s", arg.Name, err)})
			continue
		}
		out = append(out, api.Argument{Name: arg.Name, Value: &value})
	}
	return out, problems
}

// FieldArgs gives arguments of templates that name a field of their user, a Rollout or an Experiment, their
// values; the others are returned as they are. An argument with a problem is left out.
func FieldArgs(args []api.Argument, user metav1.Object) ([]api.Argument, []Problem) {
	source := fields{object: user}
	var out []api.Argument
	var problems []Problem
	for _, arg := range args {
		ref := fieldOf(arg)
		if ref == nil || arg.Value != nil {
			out = append(out, arg)
			continue
		}
		value, err := source.at(ref.FieldPath)
		if err != nil {
			problems = append(problems, Problem{Message: fmt.Sprintf("args.%s: %s", arg.Name, err)})
			continue
		}
		out = append(out, api.Argument{Name: arg.Name, Value: &value})
	}
	return out, problems
}

// fields reads fields of an object by path.
type fields struct {
	object   metav1.Object
	document any // the object as JSON, made when first needed
}

func (f *fields) value(arg api.AnalysisRunArgument, stableHash, latestHash string) (string, error) {
	switch from := arg.ValueFrom; {
	case from == nil:
		return arg.Value, nil
	case arg.Value != "":
		return "", errors.New("has both value and valueFrom")
	case from.PodTemplateHashValue != nil && from.FieldRef != nil:
		return "", errors.New("has both podTemplateHashValue and fieldRef")
	case from.PodTemplateHashValue != nil:
		switch *from.PodTemplateHashValue {
		case api.Stable:
			return stableHash, nil
		case api.Latest:
			return latestHash, nil
		}
		return "", fmt.Errorf("podTemplateHashValue is %q, not Stable or Latest", *from.PodTemplateHashValue)
	case from.FieldRef != nil:
		return f.at(from.FieldRef.FieldPath)
	}
	return "", errors.New("valueFrom is empty")
}

// at is the text at a path: metadata as in the downward API, anything else as in the Rollout's JSON.
func (f *fields) at(path string) (string, error) {
	steps, err := parsePath(path)
	if err != nil {
		return "", fmt.Errorf("fieldPath %q: %w", path, err)
	}
	var text string
	if steps[0].key == "metadata" {
		text, err = f.metadata(path, steps[1:])
	} else {
		text, err = f.walk(steps)
	}
	if err != nil {
		return "", fmt.Errorf("fieldPath %q: %w", path, err)
	}
	return text, nil
}

// metadata is what the downward API knows of an object. A label or annotation that does not exist is
// empty there too.
func (f *fields) metadata(path string, steps []step) (string, error) {
	switch len(steps) {
	case 1:
		switch steps[0].key {
		case "name":
			return f.object.GetName(), nil
		case "namespace":
			return f.object.GetNamespace(), nil
		case "uid":
			return string(f.object.GetUID()), nil
		case "labels":
			return lines(f.object.GetLabels()), nil
		case "annotations":
			return lines(f.object.GetAnnotations()), nil
		}
	case 2:
		switch {
		case !steps[1].quoted:
		case steps[0].key == "labels":
			return f.object.GetLabels()[steps[1].key], nil
		case steps[0].key == "annotations":
			return f.object.GetAnnotations()[steps[1].key], nil
		}
	}
	return "", fmt.Errorf("not one of metadata.name, .namespace, .uid, .labels, .annotations, .labels['key'], .annotations['key']")
}

// lines is a map as the downward API writes it.
func lines(m map[string]string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s=%q", key, m[key]))
	}
	return strings.Join(out, "\n")
}

func (f *fields) walk(steps []step) (string, error) {
	if f.document == nil {
		document, err := decode(f.object)
		if err != nil {
			return "", fmt.Errorf("reading the object: %w", err)
		}
		f.document = document
	}
	current := f.document
	for _, s := range steps {
		next, err := s.into(current)
		if err != nil {
			return "", err
		}
		current = next
	}
	switch v := current.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", errors.New("does not end in a string, number or boolean")
}

// step is one part of a path: a key, or an index when it is not a key.
type step struct {
	key     string
	quoted  bool // written as ['key']
	index   int
	isIndex bool
}

func (s step) into(value any) (any, error) {
	if s.isIndex {
		items, ok := value.([]any)
		switch {
		case !ok:
			return nil, fmt.Errorf("[%d] is asked of something that is not a list", s.index)
		case s.index >= len(items):
			return nil, fmt.Errorf("there is no [%d] in a list of %d", s.index, len(items))
		}
		return items[s.index], nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%q is asked of something that has no fields", s.key)
	}
	item, ok := object[s.key]
	if !ok {
		return nil, fmt.Errorf("there is no field %q", s.key)
	}
	return item, nil
}

// parsePath reads spec.template.spec.containers[0].image and metadata.labels['app.kubernetes.io/name'].
func parsePath(path string) ([]step, error) {
	var steps []step
	for rest := "." + strings.TrimPrefix(path, "."); rest != ""; {
		var s step
		var err error
		switch rest[0] {
		case '.':
			s, rest, err = named(rest[1:])
		case '[':
			s, rest, err = bracket(rest)
		default:
			err = fmt.Errorf("a dot is missing before %q", rest)
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func named(text string) (s step, rest string, err error) {
	end := strings.IndexAny(text, ".[]")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return step{}, "", errors.New("a name is missing")
	}
	return step{key: text[:end]}, text[end:], nil
}

// bracket reads [0], ['key'] or ["key"].
func bracket(text string) (s step, rest string, err error) {
	if len(text) > 1 && (text[1] == '\'' || text[1] == '"') {
		end := strings.Index(text[2:], text[1:2]+"]")
		if end < 0 {
			return step{}, "", errors.New("a bracket is not closed")
		}
		return step{key: text[2 : 2+end], quoted: true}, text[2+end+2:], nil
	}
	end := strings.IndexByte(text, ']')
	if end < 0 {
		return step{}, "", errors.New("a bracket is not closed")
	}
	index, err := strconv.Atoi(text[1:end])
	if err != nil || index < 0 {
		return step{}, "", fmt.Errorf("%s is not an index: want a whole number from 0", text[:end+1])
	}
	return step{index: index, isIndex: true}, text[end+1:], nil
}
