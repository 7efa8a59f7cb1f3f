package view

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// labelWidth is the column at which values of the head begin.
const labelWidth = 17

// Rollout is the picture of a rollout: where it stands, what it waits for, its analysis metric by
// metric, and the tree of its objects.
func Rollout(scene Scene, width int) Page {
	s := scene.own()
	page := append(s.head(width), s.analysis(width)...)
	if len(s.Hidden) > 0 {
		page.paragraph("Not shown:", Warning, strings.Join(s.Hidden, ", ")+": you have no permission to list them", width)
	}
	page.add()
	return append(page, s.table(s.tree(), width)...)
}

// How much of a picture is folded when it has more lines than there are.
const (
	denseHead      = iota + 1 // numbers that belong together share a line
	denseRevisions            // revisions without pods are counted
	densePods                 // pods that are well are counted
	densest
)

// Fitted is the picture in at most height lines, 0 for any number, as far as folding what matters
// least can make it.
func Fitted(scene Scene, width, height int) Page {
	for {
		page := Rollout(scene, width)
		if height <= 0 || len(page) <= height || scene.dense+1 >= densest {
			return page
		}
		scene.dense++
	}
}

func (s Scene) head(width int) Page {
	ro := s.Rollout
	phase, message := Phase(ro)
	m := phaseMark(phase)
	page := Page{}
	page.field("Name:", Strong, ro.Name)
	page.field("Namespace:", Plain, ro.Namespace)
	page.field("Status:", m.tone, m.String())
	if aborted := s.aborted(); aborted != "" {
		page.field("Message:", Plain, firstSentence(message))
		page.paragraph("Aborted:", Bad, aborted, width)
	} else {
		page.paragraph("Message:", Plain, message, width)
	}
	tone := m.tone
	if tone == Bad {
		tone = Plain // what is bad about it stands above
	}
	page.paragraph("Waiting for:", tone, s.waiting(), width)
	page.paragraph("Restart:", Plain, s.restart(), width)
	if s.dense < denseHead {
		page.paragraph("Duration:", Plain, s.duration(), width)
	}
	page = append(page, s.strategy(width)...)
	for i, image := range s.images() {
		label := "Images:"
		if i > 0 {
			label = ""
		}
		page.field(label, Plain, image)
	}
	return append(page, s.replicas()...)
}

// firstSentence is a message without its causes, which stand beside it in short:
// "RolloutAborted: Rollout aborted update to revision 2".
func firstSentence(message string) string {
	parts := strings.SplitN(message, ": ", 3)
	if len(parts) > 2 {
		parts = parts[:2]
	}
	return strings.Join(parts, ": ")
}

func (s Scene) strategy(width int) Page {
	ro := s.Rollout
	page := Page{}
	if ro.Spec.Strategy.BlueGreen != nil {
		page.field("Strategy:", Plain, "BlueGreen")
		return page
	}
	page.field("Strategy:", Plain, "Canary")
	weights := []string{fmt.Sprintf("SetWeight %d", setWeight(ro)), fmt.Sprintf("ActualWeight %d", s.actualWeight())}
	n := len(steps(ro))
	step := fmt.Sprintf("%d/%d", current(ro), n)
	switch {
	case s.dense >= denseHead && n > 0:
		page.field("  Step:", Plain, step+" · "+strings.Join(weights, " · "))
	case s.dense >= denseHead:
		page.field("  Weight:", Plain, strings.Join(weights, " · "))
	default:
		if n > 0 {
			page.field("  Step:", Plain, step)
		}
		page.field("  SetWeight:", Plain, fmt.Sprint(setWeight(ro)))
		page.field("  ActualWeight:", Plain, fmt.Sprint(s.actualWeight()))
	}
	return append(page, s.steps(width)...)
}

func (s Scene) replicas() Page {
	ro := s.Rollout
	counts := []struct {
		name string
		n    int32
	}{
		{"Desired", wanted(ro)}, {"Current", ro.Status.Replicas}, {"Updated", ro.Status.UpdatedReplicas},
		{"Ready", ro.Status.ReadyReplicas}, {"Available", ro.Status.AvailableReplicas},
	}
	page := Page{}
	if s.dense >= denseHead {
		var texts []string
		for _, count := range counts {
			texts = append(texts, fmt.Sprintf("%s %d", count.name, count.n))
		}
		page.field("Replicas:", Plain, strings.Join(texts, " · "))
		return page
	}
	page.add(Span{"Replicas:", Faint})
	for _, count := range counts {
		page.field("  "+count.name+":", Plain, fmt.Sprint(count.n))
	}
	return page
}

func wanted(ro *api.Rollout) int32 {
	if ro.Spec.Replicas == nil {
		return 1
	}
	return *ro.Spec.Replicas
}

// restart is how far a restart is that something else goes on beside, or that is still to come. It
// replaces pods that are older than the time it was asked for.
func (s Scene) restart() string {
	ro := s.Rollout
	at := ro.Spec.RestartAt
	if !decide.RestartPending(ro) || s.restarting() { // then that is what it waits for
		return ""
	}
	if left := at.Sub(s.Now); left > 0 {
		return fmt.Sprintf("at %s, in %s", s.clock(at.Time), length(left))
	}
	return s.replacing()
}

// replacing is how far a restart is, and why the server evicts nothing, where that is so.
func (s Scene) replacing() string {
	replaced, all := s.replaced()
	text := fmt.Sprintf("%d of %d pods replaced", replaced, all)
	for _, d := range slices.Backward(s.Rollout.Status.Decisions) {
		if d.Reason == decide.DecidedRefused && !s.madeSince(d.At) {
			return text + ". " + d.Message
		}
		if d.Reason == decide.DecidedRefused || d.Reason == decide.DecidedRestart {
			break
		}
	}
	return text
}

// madeSince says that a pod is newer than t.
func (s Scene) madeSince(t metav1.Time) bool {
	for i := range s.ReplicaSets {
		for _, pod := range s.podsOf(&s.ReplicaSets[i]) {
			if pod.CreationTimestamp.After(t.Time) {
				return true
			}
		}
	}
	return false
}

func (s Scene) replaced() (replaced, all int) {
	for i := range s.ReplicaSets {
		for _, pod := range s.podsOf(&s.ReplicaSets[i]) {
			if ended(pod) {
				continue
			}
			all++
			if !pod.CreationTimestamp.Before(s.Rollout.Spec.RestartAt) {
				replaced++
			}
		}
	}
	return replaced, max(all, int(wanted(s.Rollout)))
}

func ended(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func (p *Page) field(label string, tone Tone, value string) {
	p.add(Span{pad(label, labelWidth), Faint}, Span{value, tone})
}

// paragraph writes a text that may be long in several lines. In a narrow window it stands below its
// label.
func (p *Page) paragraph(label string, tone Tone, text string, width int) {
	if strings.TrimSpace(text) == "" {
		return
	}
	room := width - labelWidth
	if width > 0 && room < labelWidth {
		p.add(Span{label, Faint})
		p.indented(text, "  ", width, tone)
		return
	}
	for i, line := range wrap(text, max(room, 0)) {
		if i > 0 {
			label = ""
		}
		p.field(label, tone, line)
	}
}
