package result

import (
	"maps"
	"slices"
)

// Hide returns the result with each text that a script or an answer brought passed through a function, which
// takes out what nobody may see. Words and numbers of our own stay.
func (r Result) Hide(hide func(string) string) Result {
	r.Why, r.Causes = hide(r.Why), hideValues(r.Causes, hide)
	r.Gates = slices.Clone(r.Gates)
	for i := range r.Gates {
		r.Gates[i].Text = hide(r.Gates[i].Text)
	}
	r.Endpoints = slices.Clone(r.Endpoints)
	for i := range r.Endpoints {
		r.Endpoints[i].Name = hide(r.Endpoints[i].Name)
	}
	r.Phases, r.Part = hidePhases(r.Phases, hide), r.Part.hide(hide)
	if r.Stable != nil {
		side := *r.Stable
		side.Why, side.Causes = hide(side.Why), hideValues(side.Causes, hide)
		side.Phases, side.Part = hidePhases(side.Phases, hide), side.Part.hide(hide)
		r.Stable = &side
	}
	return r
}

func hideValues(m map[string]string, hide func(string) string) map[string]string {
	out := maps.Clone(m)
	for name, text := range out {
		out[name] = hide(text)
	}
	return out
}

func hidePhases(phases []Phase, hide func(string) string) []Phase {
	out := slices.Clone(phases)
	for i := range out {
		out[i].Name = hide(out[i].Name)
	}
	return out
}

// hide renames the series; what they hold stays as it is.
func (p *Part) hide(hide func(string) string) *Part {
	if p == nil {
		return nil
	}
	out := *p
	out.Limited = hide(p.Limited)
	out.Counts, out.Needed, out.Others = rename(p.Counts, hide), rename(p.Needed, hide), rename(p.Others, hide)
	return &out
}

func rename[V any](m map[string]V, hide func(string) string) map[string]V {
	if m == nil {
		return nil
	}
	out := make(map[string]V, len(m))
	for name, v := range m {
		out[hide(name)] = v
	}
	return out
}
