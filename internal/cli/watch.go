package cli

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Pace of a live picture.
const (
	settle = 200 * time.Millisecond // changes in quick succession are shown together
	tick   = time.Second            // ages and times left move on although nothing changes
	again  = time.Second            // before a broken watch is made again
	afresh = 30 * time.Second       // everything is read again, should a change have been missed
)

// changes signals that something around a rollout changed. One signal may stand for many changes.
// It ends with ctx.
func (c *cluster) changes(ctx context.Context, ro *api.Rollout) <-chan struct{} {
	signal := make(chan struct{}, 1)
	selected := []client.ListOption{client.InNamespace(c.namespace)}
	if selector, err := selectorOf(ro); err == nil {
		selected = append(selected, client.MatchingLabelsSelector{Selector: selector})
	}
	in := client.InNamespace(c.namespace)
	go c.follow(ctx, signal, &api.RolloutList{}, c.only(ro.Name)...)
	go c.follow(ctx, signal, &appsv1.ReplicaSetList{}, selected...)
	go c.follow(ctx, signal, &corev1.PodList{}, selected...)
	go c.follow(ctx, signal, &api.AnalysisRunList{}, in, client.HasLabels{api.LabelPodTemplateHash})
	go c.follow(ctx, signal, &batchv1.JobList{}, in, client.HasLabels{api.LabelAnalysisRunUID})
	return signal
}

// only finds the object of one name in the namespace.
func (c *cluster) only(name string) []client.ListOption {
	return []client.ListOption{client.InNamespace(c.namespace), client.MatchingFields{"metadata.name": name}}
}

// follow watches one kind for as long as ctx lives. A watch that ends, or cannot be made, is made
// again; what happened in between is signalled as a change.
func (c *cluster) follow(ctx context.Context, signal chan<- struct{}, list client.ObjectList, options ...client.ListOption) {
	for ctx.Err() == nil {
		watcher, err := c.Watch(ctx, list, options...)
		if err == nil {
			for range watcher.ResultChan() {
				raise(signal)
			}
			watcher.Stop()
		}
		raise(signal)
		if !wait(ctx, again) {
			return
		}
	}
}

func raise(signal chan<- struct{}) {
	select {
	case signal <- struct{}{}:
	default: // one is waiting to be read already
	}
}

// live calls show at once, after every change and every second; fresh tells whether to read the
// cluster again. It ends with ctx, or when show says so.
func live(ctx context.Context, changes <-chan struct{}, show func(fresh bool) (done bool, err error)) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	fresh := true
	for {
		if fresh {
			last = time.Now()
		}
		if done, err := show(fresh); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			fresh = time.Since(last) > afresh
		case <-changes:
			if !wait(ctx, settle) {
				return nil
			}
			select {
			case <-changes:
			default:
			}
			fresh = true
		}
	}
}
