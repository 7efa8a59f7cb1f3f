package command

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Undo goes back to the pod template of an earlier revision; 0 is the one before the present one.
// What follows is an update like any other, unless the revision is the stable one or the way back is a fast one.
func Undo(ro *api.Rollout, in Holder, past Past, to int64) (Change, error) {
	known := revisions(ro, past.ReplicaSets)
	if len(known) == 0 {
		return refuse("is the controller running?", "rollout %s has no revisions yet", ro.Name)
	}
	target, err := chosen(ro, in, known, to)
	if err != nil {
		return Change{}, err
	}
	template := api.BareTemplate(&target.set.Spec.Template, target.set.Annotations)
	// The hash is asked first: the server has filled defaults into the ReplicaSet's template.
	present := in.unseen(ro) == nil && target.set.Labels[api.LabelPodTemplateHash] == ro.Status.CurrentPodHash
	if present || equality.Semantic.DeepEqual(template, in.template) {
		return Change{Effect: fmt.Sprintf("rollout %s has the template of revision %d already", ro.Name, target.number)}, nil
	}
	patch, err := replace(in.version, operation{"replace", in.path, template})
	if err != nil {
		return Change{}, fmt.Errorf("going back to revision %d of rollout %s: %w", target.number, ro.Name, err)
	}
	return Change{Patches: []Patch{patch}, Effect: fmt.Sprintf("rollout %s goes back%s to the template of revision %d, %s",
		ro.Name, in.where(), target.number, past.manner(ro, known, target.set))}, nil
}

// numbered is a ReplicaSet with its revision.
type numbered struct {
	number int64
	set    *appsv1.ReplicaSet
}

// revisions are the rollout's own, the newest first.
func revisions(ro *api.Rollout, sets []appsv1.ReplicaSet) []numbered {
	var all []numbered
	for i := range sets {
		owner := metav1.GetControllerOfNoCopy(&sets[i])
		number, err := strconv.ParseInt(sets[i].Annotations[api.AnnotationRevision], 10, 64)
		if owner != nil && owner.UID == ro.UID && err == nil {
			all = append(all, numbered{number, &sets[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b numbered) int { return cmp.Compare(b.number, a.number) })
	return all
}

func chosen(ro *api.Rollout, in Holder, known []numbered, to int64) (numbered, error) {
	if to != 0 {
		for _, revision := range known {
			if revision.number == to {
				return revision, nil
			}
		}
		return numbered{}, &Refusal{
			Message: fmt.Sprintf("rollout %s has no revision %d", ro.Name, to),
			Advice:  "there are " + numbers(known),
		}
	}
	// What is before depends on what is now.
	if err := in.unseen(ro); err != nil {
		return numbered{}, err
	}
	present := slices.IndexFunc(known, func(revision numbered) bool {
		return revision.set.Labels[api.LabelPodTemplateHash] == ro.Status.CurrentPodHash
	})
	if before := max(present, 0) + 1; before < len(known) {
		return known[before], nil
	}
	return numbered{}, &Refusal{
		Message: fmt.Sprintf("rollout %s has no earlier revision to go back to", ro.Name),
		Advice:  "there is only " + numbers(known),
	}
}

func numbers(known []numbered) string {
	texts := make([]string, len(known))
	for i, revision := range known {
		texts[len(known)-1-i] = strconv.FormatInt(revision.number, 10)
	}
	return strings.Join(texts, ", ")
}
