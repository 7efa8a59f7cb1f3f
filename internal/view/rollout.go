package view

import (
	"fmt"
	"strings"
)

// labelWidth is the column at which values of the head begin.
const labelWidth = 17

// Rollout is the picture of a rollout: where it stands, what it waits for, its analysis metric by
// metric, and the tree of its objects.
func Rollout(scene Scene, width int) Page {
	s := scene.own()
	page := s.head(width)
	if analysis := s.analysis(); len(analysis) > 0 {
		page.add(Span{"Analysis:", Faint})
		for _, line := range analysis {
			page = append(page, append(Line{{"  ", Plain}}, line...))
		}
	}
	page.add()
	return append(page, s.table(s.tree(), width)...)
}

func (s Scene) head(width int) Page {
	ro := s.Rollout
	phase, message := Phase(ro)
	m := phaseMark(phase)
	page := Page{}
	page.field("Name:", Plain, ro.Name)
	page.field("Namespace:", Plain, ro.Namespace)
	page.field("Status:", m.tone, m.String())
	page.paragraph("Message:", message, width)
	page.paragraph("Waiting for:", s.waiting(), width)
	page = append(page, s.strategy()...)
	for i, image := range s.images() {
		label := "Images:"
		if i > 0 {
			label = ""
		}
		page.field(label, Plain, image)
	}
	wanted := int32(1)
	if ro.Spec.Replicas != nil {
		wanted = *ro.Spec.Replicas
	}
	page.add(Span{"Replicas:", Faint})
	page.field("  Desired:", Plain, fmt.Sprint(wanted))
	page.field("  Current:", Plain, fmt.Sprint(ro.Status.Replicas))
	page.field("  Updated:", Plain, fmt.Sprint(ro.Status.UpdatedReplicas))
	page.field("  Ready:", Plain, fmt.Sprint(ro.Status.ReadyReplicas))
	page.field("  Available:", Plain, fmt.Sprint(ro.Status.AvailableReplicas))
	return page
}

func (s Scene) strategy() Page {
	ro := s.Rollout
	page := Page{}
	if ro.Spec.Strategy.BlueGreen != nil {
		page.field("Strategy:", Plain, "BlueGreen")
		return page
	}
	page.field("Strategy:", Plain, "Canary")
	if n := len(steps(ro)); n > 0 {
		text := fmt.Sprintf("%d/%d", current(ro), n)
		if this := step(ro); this != nil && !ro.Status.Abort {
			text += "  (now " + StepText(this) + ")"
		}
		page.field("  Step:", Plain, text)
	}
	page.field("  SetWeight:", Plain, fmt.Sprint(setWeight(ro)))
	page.field("  ActualWeight:", Plain, fmt.Sprint(s.actualWeight()))
	return page
}

func (p *Page) field(label string, tone Tone, value string) {
	p.add(Span{pad(label, labelWidth), Faint}, Span{value, tone})
}

// paragraph writes a text that may be long in several lines.
func (p *Page) paragraph(label, text string, width int) {
	if strings.TrimSpace(text) == "" {
		return
	}
	for i, line := range wrap(text, max(width-labelWidth, 0)) {
		if i > 0 {
			label = ""
		}
		p.field(label, Plain, line)
	}
}
