package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Pace of a live picture.
const (
	settle = 200 * time.Millisecond // between two readings: changes in quick succession are shown together
	tick   = time.Second            // ages and times left move on although nothing changes
	again  = time.Second            // before a broken watch, or a reading that failed, is made again
	afresh = 30 * time.Second       // everything is read again, should a change have been missed
	answer = 10 * time.Second       // how long one reading may take, after the first
	slow   = 2 * time.Second        // how long one may take before a word is said about it
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
	go c.follow(ctx, signal, &api.ExperimentList{}, in, client.HasLabels{api.LabelPodTemplateHash})
	return signal
}

// runChanges signals that an analysis run or one of its Jobs changed.
func (c *cluster) runChanges(ctx context.Context, run *api.AnalysisRun) <-chan struct{} {
	signal := make(chan struct{}, 1)
	go c.follow(ctx, signal, &api.AnalysisRunList{}, c.only(run.Name)...)
	go c.follow(ctx, signal, &batchv1.JobList{}, c.jobsOf(run)...)
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

// outlook is what is known about a reading beside what was read.
type outlook struct {
	fresh   bool      // it was made just now
	at      time.Time // when it was made
	trouble error     // why it could not be made again since; nil when it could
}

// live reads at once and after every change, and calls show after every reading and every second,
// until ctx ends or show says that it is done. A server that cannot be reached does not end it once
// there was a first reading: show is told.
func live[T any](ctx context.Context, changes <-chan struct{}, read func(context.Context) (T, error), show func(T, outlook) (done bool, err error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := poll[T]{read: read, changes: changes, readings: make(chan reading[T])}
	go p.run(ctx)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var s showing[T]
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-p.readings:
			if err := s.take(r); err != nil {
				return err
			}
		case <-ticker.C:
			s.now.fresh = false
			if s.now.trouble == nil && p.late() {
				s.now.trouble = errSlow
			}
		}
		if s.now.at.IsZero() {
			continue // the first answer is still to come
		}
		if done, err := show(s.last, s.now); done || err != nil {
			return err
		}
	}
}

// showing is the last reading there was, and what is known about it.
type showing[T any] struct {
	last T
	now  outlook
}

// take is what a new reading does to it. The error ends the picture.
func (s *showing[T]) take(r reading[T]) error {
	var none *absent
	switch {
	case r.err == nil:
		s.last, s.now = r.value, outlook{fresh: true, at: time.Now()}
		return nil
	case s.now.at.IsZero():
		return r.err
	case errors.As(r.err, &none):
		return fmt.Errorf("deleted meanwhile: %w", r.err)
	case !passing(r.err):
		return r.err
	}
	s.now.fresh, s.now.trouble = false, r.err
	return nil
}

type reading[T any] struct {
	value T
	err   error
}

var errSlow = errors.New("the last question is still open")

// poll reads again and again, and hands over what it has read.
type poll[T any] struct {
	read     func(context.Context) (T, error)
	changes  <-chan struct{}
	readings chan reading[T]
	begun    atomic.Int64 // when the reading under way was begun, in ns since 1970; 0 when none is
}

// late tells that a reading takes its time.
func (p *poll[T]) late() bool {
	begun := p.begun.Load()
	return begun > 0 && time.Since(time.Unix(0, begun)) > slow
}

func (p *poll[T]) run(ctx context.Context) {
	for limit := time.Duration(0); ; limit = answer { // before the first answer there is nothing to show beside it
		value, err := p.once(ctx, limit)
		select {
		case <-ctx.Done():
			return
		case p.readings <- reading[T]{value, err}:
		}
		pause := afresh
		if err != nil {
			pause = again
		}
		if !wait(ctx, settle) {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-p.changes:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (p *poll[T]) once(ctx context.Context, limit time.Duration) (T, error) {
	ctx, cancel := limited(ctx, limit)
	defer cancel()
	p.begun.Store(time.Now().UnixNano())
	defer p.begun.Store(0)
	return p.read(ctx)
}

// passing tells that an error is the connection's or the server's for the moment, and says nothing
// about what was asked.
func passing(err error) bool {
	var transport *url.Error
	return errors.As(err, &transport) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err)
}
