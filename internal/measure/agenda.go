package measure

import (
	"container/heap"
	"context"
	"strings"
	"time"

	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// state is how far a task is.
type state int

const (
	scheduled state = iota // its time has not come
	queued                 // its backend has no room
	underWay
	taken
	dropped
)

// task is one measurement. All fields are guarded by Taker.mu; run, key and due do not change once it is under way.
type task struct {
	run    *run
	key    key
	due    decide.Due
	state  state
	place  int // in the agenda
	lane   string
	cancel context.CancelFunc
	sample judge.Sample
}

// agenda is a heap of scheduled tasks, the next one first.
type agenda []*task

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].due.At.Before(a[j].due.At) }
func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i, j
}

// Push implements heap.Interface.
func (a *agenda) Push(x any) {
	task := x.(*task)
	task.place = len(*a)
	*a = append(*a, task)
}

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	task := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return task
}

// lane is the way to one backend.
type lane struct {
	underWay int
	queue    []*task
}

// laneOf names the backend as far as it is known before secrets are read: placeholders mean different servers in
// different namespaces.
func laneOf(task *task) string {
	p := task.due.Spec.Provider
	address := ""
	switch {
	case p.Prometheus != nil:
		address = "prometheus " + p.Prometheus.Address
	case p.Web != nil:
		address = "web " + p.Web.URL
	}
	if strings.Contains(address, "{{") {
		address = task.run.name.Namespace + " " + address
	}
	return address
}

// watchClock moves tasks whose time has come into their lanes. It is the only one that waits for time.
func (t *Taker) watchClock() {
	defer t.busy.Done()
	timer := t.config.Clock.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Stop()
		timer.Reset(t.advance())
		select {
		case <-timer.C():
		case <-t.wake:
		case <-t.ctx.Done():
			return
		}
	}
}

// advance starts what is due and returns how long the next one is away.
func (t *Taker) advance() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.config.Clock.Now()
	for len(t.ahead) > 0 && !t.ahead[0].due.At.After(now) {
		task := heap.Pop(&t.ahead).(*task)
		task.state, task.lane = queued, laneOf(task)
		if t.lanes[task.lane] == nil {
			t.lanes[task.lane] = &lane{}
		}
		t.lanes[task.lane].queue = append(t.lanes[task.lane].queue, task)
	}
	t.dispatch()
	if len(t.ahead) == 0 {
		return time.Hour
	}
	return t.ahead[0].due.At.Sub(now)
}

// wakeUp makes watchClock look at the agenda again.
func (t *Taker) wakeUp() {
	select {
	case t.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// dispatch starts queued tasks as far as there is room. Needs mu.
func (t *Taker) dispatch() {
	for name, l := range t.lanes {
		for len(l.queue) > 0 && l.underWay < t.config.PerBackend && t.running < t.config.AtOnce && t.ctx.Err() == nil {
			next := l.queue[0]
			l.queue = l.queue[1:]
			if next.state == queued {
				t.start(l, next)
			}
		}
		if len(l.queue) == 0 && l.underWay == 0 {
			delete(t.lanes, name)
		}
	}
}

func (t *Taker) start(l *lane, task *task) {
	ctx, cancel := context.WithCancel(t.ctx)
	task.state, task.cancel = underWay, cancel
	l.underWay++
	t.running++
	t.busy.Add(1)
	question := question{run: task.run.name, args: task.run.args, due: task.due}
	go func() {
		defer t.busy.Done()
		defer cancel()
		t.settle(task, t.take(ctx, question))
	}()
}

// leave frees the place of a task that was under way. Needs mu.
func (t *Taker) leave(task *task) {
	t.running--
	if l := t.lanes[task.lane]; l != nil {
		l.underWay--
	}
}

// drop ends a task wherever it is. One that is under way frees its place when it returns. Needs mu.
func (t *Taker) drop(r *run, k key) {
	task := r.tasks[k]
	delete(r.tasks, k)
	switch task.state {
	case scheduled:
		heap.Remove(&t.ahead, task.place)
	case underWay:
		task.cancel()
	case queued, taken, dropped: // dispatch skips the queued ones; the others hold nothing
	}
	task.state = dropped
}
