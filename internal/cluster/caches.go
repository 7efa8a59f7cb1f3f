package cluster

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Names of the indexes over the caches.
const (
	// IndexOwner finds ReplicaSets and AnalysisRuns by the UID of the Rollout that controls them, and pods by that of
	// their ReplicaSet.
	IndexOwner = "owner"
	// IndexRun finds Jobs and pods by the UID of the AnalysisRun they measure for.
	IndexRun = "run"
	// IndexUID finds AnalysisRuns by their own UID.
	IndexUID = "uid"
	// IndexTemplate finds Rollouts, Experiments and analysis templates by the templates they refer to; see TemplateIndexKey.
	IndexTemplate = "template"
	// IndexService finds Rollouts by the names of the Services they name.
	IndexService = "service"
	// IndexManager finds Services by the name of the Rollout that says it manages them.
	IndexManager = "manager"
)

// Scope is the part of the cluster a controller is responsible for.
type Scope struct {
	// Namespace limits it to one namespace; "" means all.
	Namespace string
	// InstanceID limits it to objects labelled with it; "" means to objects without the label.
	InstanceID string
}

// selector picks the Rollouts and AnalysisRuns in scope.
func (s Scope) selector() (labels.Selector, error) {
	operator, values := selection.DoesNotExist, []string(nil)
	if s.InstanceID != "" {
		operator, values = selection.Equals, []string{s.InstanceID}
	}
	requirement, err := labels.NewRequirement(api.LabelInstanceID, operator, values)
	if err != nil {
		return nil, fmt.Errorf("instance id %q: %w", s.InstanceID, err)
	}
	return labels.NewSelector().Add(*requirement), nil
}

func (s Scope) namespaces() map[string]cache.Config {
	if s.Namespace == "" {
		return nil
	}
	return map[string]cache.Config{s.Namespace: {}}
}

// Caches configures the informers of the controller: only what is in scope, without what nobody
// reads. Their objects are shared, not copied.
func Caches(scheme *runtime.Scheme, s Scope) (cache.Options, error) {
	ours, err := s.selector()
	if err != nil {
		return cache.Options{}, err
	}
	revisions, err := carrying(api.LabelPodTemplateHash)
	if err != nil {
		return cache.Options{}, err
	}
	o := sharedCache(scheme, s)
	o.ByObject = map[client.Object]cache.ByObject{
		&api.Rollout{}:       {Label: ours},
		&api.AnalysisRun{}:   {Label: ours},
		&api.Experiment{}:    {Label: ours},
		&appsv1.ReplicaSet{}: {Label: revisions},
		&corev1.Pod{}:        {Label: revisions, Transform: podIdentity},
		&corev1.Service{}:    {Transform: serviceIdentity},
	}
	return o, nil
}

// JobCaches configures the informers of measurements that run as Jobs.
func JobCaches(scheme *runtime.Scheme, s Scope) (cache.Options, error) {
	measuring, err := carrying(api.LabelAnalysisRunUID)
	if err != nil {
		return cache.Options{}, err
	}
	o := sharedCache(scheme, s)
	o.ByObject = map[client.Object]cache.ByObject{
		&batchv1.Job{}: {Label: measuring, Transform: jobOutcome},
		&corev1.Pod{}:  {Label: measuring, Transform: podOutcome},
	}
	return o, nil
}

func sharedCache(scheme *runtime.Scheme, s Scope) cache.Options {
	shared := true
	return cache.Options{
		Scheme:                       scheme,
		DefaultNamespaces:            s.namespaces(),
		DefaultTransform:             withoutManagedFields,
		DefaultUnsafeDisableDeepCopy: &shared,
	}
}

func carrying(label string) (labels.Selector, error) {
	requirement, err := labels.NewRequirement(label, selection.Exists, nil)
	if err != nil {
		return nil, fmt.Errorf("selecting by label %s: %w", label, err)
	}
	return labels.NewSelector().Add(*requirement), nil
}

// Index adds the indexes the worlds and the controllers look things up by.
func Index(ctx context.Context, main, jobs client.FieldIndexer, s Scope) error {
	type index struct {
		in     client.FieldIndexer
		object client.Object
		name   string
		key    client.IndexerFunc
	}
	indexes := []index{
		{main, &appsv1.ReplicaSet{}, IndexOwner, controllerUID},
		{main, &corev1.Pod{}, IndexOwner, controllerUID},
		{main, &api.AnalysisRun{}, IndexOwner, controllerUID},
		{main, &api.AnalysisRun{}, IndexUID, ownUID},
		{main, &api.Experiment{}, IndexOwner, controllerUID},
		{main, &corev1.Service{}, IndexOwner, controllerUID},
		{main, &api.Experiment{}, IndexTemplate, templatesOf},
		{main, &api.Rollout{}, IndexTemplate, templatesOf},
		{main, &api.Rollout{}, IndexWorkload, workloadOf},
		{main, &api.AnalysisTemplate{}, IndexTemplate, templatesOf},
		{main, &api.Rollout{}, IndexService, servicesOf},
		{main, &corev1.Service{}, IndexManager, managerOf},
		{jobs, &batchv1.Job{}, IndexRun, measuredFor},
		{jobs, &corev1.Pod{}, IndexRun, measuredFor},
	}
	if s.Namespace == "" {
		indexes = append(indexes, index{main, &api.ClusterAnalysisTemplate{}, IndexTemplate, templatesOf})
	}
	for _, i := range indexes {
		if err := i.in.IndexField(ctx, i.object, i.name, i.key); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", i.object, i.name, err)
		}
	}
	return nil
}

func controllerUID(o client.Object) []string {
	if owner := metav1.GetControllerOfNoCopy(o); owner != nil {
		return []string{string(owner.UID)}
	}
	return nil
}

func ownUID(o client.Object) []string { return []string{string(o.GetUID())} }

func measuredFor(o client.Object) []string {
	return []string{o.GetLabels()[api.LabelAnalysisRunUID]}
}

func withoutManagedFields(object any) (any, error) {
	if o, ok := object.(metav1.Object); ok {
		o.SetManagedFields(nil)
	}
	return object, nil
}

var _ toolscache.TransformFunc = podIdentity

// podIdentity keeps of a revision's pod what tells whose it is and whether it is ready, and its annotations when it
// says that some belong to its role; else only their keys.
func podIdentity(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	pod.ManagedFields = nil
	if _, marked := pod.Annotations[api.AnnotationEphemeralMetadata]; !marked {
		for key := range pod.Annotations {
			pod.Annotations[key] = ""
		}
	}
	pod.Spec = corev1.PodSpec{}
	pod.Status = corev1.PodStatus{Phase: pod.Status.Phase, Conditions: pod.Status.Conditions}
	return pod, nil
}

// serviceIdentity keeps of a Service what tells which pods it selects, and who says so.
func serviceIdentity(object any) (any, error) {
	service, ok := object.(*corev1.Service)
	if !ok {
		return object, nil
	}
	annotations := map[string]string(nil)
	if by, managed := service.Annotations[api.AnnotationManagedBy]; managed {
		annotations = map[string]string{api.AnnotationManagedBy: by}
	}
	service.ManagedFields, service.Labels, service.Annotations = nil, nil, annotations
	service.Spec = corev1.ServiceSpec{Type: service.Spec.Type, Selector: service.Spec.Selector}
	service.Status = corev1.ServiceStatus{}
	return service, nil
}

// jobOutcome leaves out of a Job what nobody reads again: the script of a load test.
func jobOutcome(object any) (any, error) {
	job, ok := object.(*batchv1.Job)
	if !ok {
		return object, nil
	}
	job.ManagedFields = nil
	delete(job.Spec.Template.Annotations, api.AnnotationLoadScript)
	return job, nil
}

// podOutcome keeps of a Job's pod what tells how it went.
func podOutcome(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	pod.ManagedFields = statusTimes(pod.ManagedFields)
	delete(pod.Annotations, api.AnnotationLoadScript)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			containers[i] = corev1.Container{Name: containers[i].Name, Image: containers[i].Image}
		}
	}
	pod.Spec = corev1.PodSpec{
		InitContainers: pod.Spec.InitContainers,
		Containers:     pod.Spec.Containers,
		NodeName:       pod.Spec.NodeName,
	}
	return pod, nil
}

// statusTimes keeps when a status was written, which the server says by its own clock.
func statusTimes(entries []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	var kept []metav1.ManagedFieldsEntry
	for _, e := range entries {
		if e.Subresource == "status" {
			kept = append(kept, metav1.ManagedFieldsEntry{Manager: e.Manager, Operation: e.Operation, Subresource: e.Subresource, Time: e.Time})
		}
	}
	return kept
}
