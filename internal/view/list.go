package view

import (
	"fmt"

	api "sluice.dev/sluice/api/v1alpha1"
)

// List is a table of rollouts. namespaces shows the namespace of each.
func List(rollouts []api.Rollout, namespaces bool) Page {
	head := []string{"NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE"}
	if namespaces {
		head = append([]string{"NAMESPACE"}, head...)
	}
	table := [][]Span{nil}
	for _, text := range head {
		table[0] = append(table[0], Span{text, Faint})
	}
	for i := range rollouts {
		cells := listed(&rollouts[i])
		if namespaces {
			cells = append([]Span{{rollouts[i].Namespace, Plain}}, cells...)
		}
		table = append(table, cells)
	}
	return columnsOf(table)
}

func listed(ro *api.Rollout) []Span {
	phase, _ := Phase(ro)
	wanted := int32(1)
	if ro.Spec.Replicas != nil {
		wanted = *ro.Spec.Replicas
	}
	strategy, at, weight := "Canary", "-", fmt.Sprint(setWeight(ro))
	if ro.Spec.Strategy.BlueGreen != nil {
		strategy, weight = "BlueGreen", "-"
	} else if n := len(steps(ro)); n > 0 {
		at = fmt.Sprintf("%d/%d", current(ro), n)
	}
	return []Span{
		{ro.Name, Plain}, {strategy, Plain}, {string(phase), phaseMark(phase).tone}, {at, Plain}, {weight, Plain},
		{fmt.Sprintf("%d/%d", ro.Status.ReadyReplicas, ro.Status.Replicas), Plain}, {fmt.Sprint(wanted), Plain},
		{fmt.Sprint(ro.Status.UpdatedReplicas), Plain}, {fmt.Sprint(ro.Status.AvailableReplicas), Plain},
	}
}

func columnsOf(table [][]Span) Page {
	var widths []int
	for _, cells := range table {
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(cell.Text))
		}
	}
	page := Page{}
	for _, cells := range table {
		var line Line
		for i, cell := range cells {
			line = append(line, Span{pad(cell.Text, widths[i]+2), cell.Tone})
		}
		page = append(page, line)
	}
	return page
}
