package cluster

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

const (
	eventSource = "rollouts-controller"
	// eventLanes send side by side; the events of one object stay in one lane, in order.
	eventLanes = 4
	// eventBacklog is how many events a lane holds while the server is slow. Beyond it events
	// are dropped and counted in the log: telling people must never hold up a rollout.
	eventBacklog = 4096
	// eventHold lets the writes that matter go first: those of the pass that told.
	eventHold = 50 * time.Millisecond
	// eventsAtEnd is how long events that are still queued are sent when the process ends.
	eventsAtEnd = 2 * time.Second
	// eventMessageLimit is the API server's limit.
	eventMessageLimit = 1024
)

// Recorder writes core/v1 events. It folds nothing: each one becomes an object of its own, those
// of one object in the order they were told.
type Recorder struct {
	client client.Client
	log    logr.Logger
	lanes  [eventLanes]chan *corev1.Event
	serial atomic.Uint64
	// Count is called once for each event that was told.
	Count func(about corev1.ObjectReference, e decide.Event)
}

// NewRecorder returns a recorder that sends once Start was called.
func NewRecorder(c client.Client, log logr.Logger) *Recorder {
	r := &Recorder{client: c, log: log}
	for i := range r.lanes {
		r.lanes[i] = make(chan *corev1.Event, eventBacklog)
	}
	return r
}

// Start sends events until ctx ends, and for a moment what is queued then.
func (r *Recorder) Start(ctx context.Context) error {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var lanes sync.WaitGroup
	for _, lane := range r.lanes {
		lanes.Go(func() { r.drive(ctx, last, lane) })
	}
	<-ctx.Done()
	time.AfterFunc(eventsAtEnd, cancel)
	lanes.Wait()
	return nil
}

// drive sends one lane's events until ctx has ended and none is left.
func (r *Recorder) drive(ctx, last context.Context, lane <-chan *corev1.Event) {
	for {
		var next *corev1.Event
		select {
		case next = <-lane:
		default:
			select {
			case next = <-lane:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(time.Until(next.FirstTimestamp.Add(eventHold))):
		case <-ctx.Done():
		}
		r.send(last, next)
	}
}

// Tell queues events about an object. It never blocks.
func (r *Recorder) Tell(about corev1.ObjectReference, events []decide.Event) {
	for _, e := range events {
		r.log.Info(e.Message, "reason", e.Reason, "kind", about.Kind, "namespace", about.Namespace, "name", about.Name)
		if r.Count != nil {
			r.Count(about, e)
		}
		select {
		case r.lane(about) <- r.event(about, e):
		default:
			r.log.Info("dropped an event because the API server does not keep up", "reason", e.Reason, "object", about.Name)
		}
	}
}

func (r *Recorder) lane(about corev1.ObjectReference) chan *corev1.Event {
	sum := fnv.New32a()
	sum.Write([]byte(about.UID))
	return r.lanes[sum.Sum32()%eventLanes]
}

func (r *Recorder) event(about corev1.ObjectReference, e decide.Event) *corev1.Event {
	now := metav1.Now()
	kind := corev1.EventTypeNormal
	if e.Warning {
		kind = corev1.EventTypeWarning
	}
	name := about.Name
	if len(name) > 200 {
		name = name[:200]
	}
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: about.Namespace,
			Name:      fmt.Sprintf("%s.%x.%x", name, now.UnixNano(), r.serial.Add(1)),
		},
		InvolvedObject:      about,
		Type:                kind,
		Reason:              e.Reason,
		Message:             judge.Trim(e.Message, eventMessageLimit),
		Source:              corev1.EventSource{Component: eventSource},
		ReportingController: eventSource,
		FirstTimestamp:      now,
		LastTimestamp:       now,
		Count:               1,
	}
}

func (r *Recorder) send(ctx context.Context, e *corev1.Event) {
	wait := 100 * time.Millisecond
	for attempt := 0; attempt < 4; attempt++ {
		err := r.client.Create(ctx, e)
		if err == nil || apierrors.IsAlreadyExists(err) || ctx.Err() != nil {
			return
		}
		if !passing(err) {
			r.log.Info("the API server did not take an event", "reason", e.Reason, "object", e.InvolvedObject.Name, "error", err.Error())
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			wait *= 3
		}
	}
}

// passing reports whether the same request may well succeed a moment later: there was no answer at
// all, or the server is in trouble.
func passing(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Code == 0 {
		return true
	}
	code := status.Status().Code
	return code >= http.StatusInternalServerError || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout
}

// refuses reports whether the server understood a request and said no: what is asked for is wrong, or
// a quota, a policy or a webhook is against it. Webhooks may give any status code.
func refuses(err error) bool {
	if err == nil || passing(err) {
		return false
	}
	return !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) && !apierrors.IsUnauthorized(err)
}
