package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// servicesOf are the keys of IndexService.
func servicesOf(o client.Object) []string {
	rollout, ok := o.(*api.Rollout)
	if !ok {
		return nil
	}
	var names []string
	for _, service := range rollout.Spec.Strategy.Services() {
		if !slices.Contains(names, service.Name) {
			names = append(names, service.Name)
		}
	}
	return names
}

// managerOf are the keys of IndexManager.
func managerOf(o client.Object) []string {
	if by := o.GetAnnotations()[api.AnnotationManagedBy]; by != "" {
		return []string{by}
	}
	return nil
}

// observeServices reads the Services the Rollout names.
func (w *RolloutWorld) observeServices(ctx context.Context) (map[string]decide.Service, error) {
	names := servicesOf(w.rollout)
	if len(names) == 0 {
		return nil, nil
	}
	refusals := w.cluster.lessons.refusals(w.rollout.UID, serviceKind)
	w.services = make(map[string]*corev1.Service, len(names))
	observed := map[string]decide.Service{}
	for _, name := range names {
		service, err := w.cluster.service(ctx, types.NamespacedName{Namespace: w.rollout.Namespace, Name: name})
		if err != nil {
			return nil, err
		}
		if service == nil {
			continue
		}
		w.services[name] = service
		if pointable(service, w.rollout.Name) {
			observed[name] = decide.Service{
				Name:      name,
				Hash:      service.Spec.Selector[api.LabelPodTemplateHash],
				ManagedBy: service.Annotations[api.AnnotationManagedBy],
				Refused:   refusals[name].refused,
			}
		}
	}
	return observed, nil
}

// observeFormer reads the Services that the Rollout is said to manage, and names no more: they lead to its pods
// until they are given back.
func (w *RolloutWorld) observeFormer(ctx context.Context) (former []decide.Service, err error) {
	var list corev1.ServiceList
	err = w.cluster.Cached.List(ctx, &list, client.InNamespace(w.rollout.Namespace), client.MatchingFields{IndexManager: w.rollout.Name})
	if err != nil {
		return nil, fmt.Errorf("reading the services that rollout %s manages from the cache: %w", w.rollout.Name, err)
	}
	named := servicesOf(w.rollout)
	for _, service := range list.Items {
		if !slices.Contains(named, service.Name) {
			former = append(former, decide.Service{
				Name: service.Name, Hash: service.Spec.Selector[api.LabelPodTemplateHash], ManagedBy: w.rollout.Name,
			})
		}
	}
	slices.SortFunc(former, func(a, b decide.Service) int { return strings.Compare(a.Name, b.Name) })
	return former, nil
}

// service reads a Service from the cache; nil when there is none.
func (c *Cluster) service(ctx context.Context, name types.NamespacedName) (*corev1.Service, error) {
	service := &corev1.Service{}
	err := c.Cached.Get(ctx, name, service)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading service %s from the cache: %w", name, err)
	}
	return service, nil
}

// pointable reports whether a Rollout may point the Service at its revisions. One that another Rollout
// manages is not ours. One without a selector of its own leads where somebody else says: a hash alone
// would make it select pods, and of whom is anybody's guess.
func pointable(service *corev1.Service, rollout string) bool {
	if by := service.Annotations[api.AnnotationManagedBy]; by != "" && by != rollout {
		return false
	}
	own := len(service.Spec.Selector)
	if _, named := service.Spec.Selector[api.LabelPodTemplateHash]; named {
		own--
	}
	return own > 0 && service.Spec.Type != corev1.ServiceTypeExternalName
}

// serviceVersions tells apart what findings about the Services stand on.
func (w *RolloutWorld) serviceVersions() string {
	var versions strings.Builder
	for _, name := range servicesOf(w.rollout) {
		versions.WriteString(name)
		if service := w.services[name]; service != nil {
			versions.WriteString("@" + string(service.UID) + "@" + service.ResourceVersion)
		}
		versions.WriteString(";")
	}
	return versions.String()
}

// stillSees reads live which revisions the Services name that a decision to lower capacity stands on.
func (w *RolloutWorld) stillSees(ctx context.Context, seen decide.Entrances) error {
	for _, name := range slices.Sorted(maps.Keys(seen.Services)) {
		at := w.child(serviceKind, name)
		live := &corev1.Service{}
		if err := w.cluster.Live.Get(ctx, types.NamespacedName{Namespace: at.namespace, Name: at.name}, live); err != nil {
			return w.cluster.refused(ctx, target{ref: at, owner: w.rollout.UID}, "reading", err)
		}
		if now := live.Spec.Selector[api.LabelPodTemplateHash]; now != seen.Services[name] {
			w.cluster.ledger.wrote(w.rollout.UID, at, live.ResourceVersion)
			return lookAgain("%s names revision %q, not %q as the decision saw it", at, now, seen.Services[name])
		}
	}
	return nil
}

// selectRevision points a Service at a revision, or gives it back.
func (w *RolloutWorld) selectRevision(ctx context.Context, a decide.ServiceSelects) error {
	service := w.services[a.Service]
	if service == nil || !pointable(service, w.rollout.Name) {
		return fmt.Errorf("pointing %s at a revision: it does not exist, or is not this Rollout's to point", w.child(serviceKind, a.Service))
	}
	if a.To == service.Spec.Selector[api.LabelPodTemplateHash] && (a.To != "") == (service.Annotations[api.AnnotationManagedBy] != "") {
		return nil
	}
	if err := w.rely(ctx, a.Relies); err != nil {
		return err
	}
	now := &corev1.Service{}
	t := w.target(serviceKind, service)
	err := w.cluster.patchInto(ctx, t, pointed(a.To, w.rollout.Name), now)
	if refuses(err) {
		if _, known := w.cluster.lessons.refusals(w.rollout.UID, serviceKind)[a.Service]; !known {
			w.Tell([]decide.Event{{Warning: true, Reason: api.EventRolloutReconciliationError, Message: err.Error()}})
		}
		return w.cluster.lessons.learnRefusal(w.rollout.UID, t.ref, lesson{refused: err.Error()})
	}
	if err != nil {
		return err
	}
	w.cluster.lessons.unlearn(w.rollout.UID, t.ref)
	w.services[a.Service] = now
	return nil
}

// pointed is the merge patch that makes a Service select a revision and say who did that; without a
// revision neither is there any more.
func pointed(hash, rollout string) map[string]any {
	selected, by := any(hash), any(rollout)
	if hash == "" {
		selected, by = nil, nil
	}
	return map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{api.AnnotationManagedBy: by}},
		"spec":     map[string]any{"selector": map[string]any{api.LabelPodTemplateHash: selected}},
	}
}

// ReleaseService gives a Service back when the Rollout that is said to manage it is gone, or names it no more:
// its selector names no revision then, and nobody is said to manage it. So another Rollout that names it can
// have it. It returns the UID of a Service that somebody manages; ErrGone says that there is no such Service.
func (c *Cluster) ReleaseService(ctx context.Context, name types.NamespacedName) (types.UID, error) {
	service, err := c.service(ctx, name)
	if err != nil {
		return "", err
	}
	if service == nil {
		return "", ErrGone
	}
	manager := service.Annotations[api.AnnotationManagedBy]
	if manager == "" || !service.DeletionTimestamp.IsZero() {
		return "", nil
	}
	if err := c.caughtUp(ctx, service.UID); err != nil {
		return service.UID, err
	}
	if used, err := c.names(ctx, types.NamespacedName{Namespace: name.Namespace, Name: manager}, name.Name); used || err != nil {
		return service.UID, err
	}
	at := ref{kind: serviceKind, namespace: name.Namespace, name: name.Name}
	_, err = c.patch(ctx, target{ref: at, version: service.ResourceVersion, owner: service.UID}, pointed("", ""))
	return service.UID, err
}

// names reports whether a Rollout exists and names a Service. The cache knows only Rollouts in scope, and what
// was true a moment ago: where it says no, the server is asked.
func (c *Cluster) names(ctx context.Context, rollout types.NamespacedName, service string) (bool, error) {
	for _, reader := range []client.Reader{c.Cached, c.Live} {
		manager := &api.Rollout{}
		err := reader.Get(ctx, rollout, manager)
		if err != nil && !apierrors.IsNotFound(err) {
			return false, fmt.Errorf("reading rollout %s: %w", rollout, err)
		}
		// One that is deleted and kept for its workload points its Services elsewhere itself, when that can serve.
		stays := manager.DeletionTimestamp.IsZero() || slices.Contains(manager.Finalizers, api.FinalizerRestoreWorkload)
		if err == nil && stays && slices.Contains(servicesOf(manager), service) {
			return true, nil
		}
	}
	return false, nil
}
