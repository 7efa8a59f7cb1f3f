package report

import "maps"

// Hide passes each text of a page that a script or an answer brought through a function, which takes out what
// nobody may see.
func (p *Page) Hide(hide func(string) string) {
	p.Title, p.Why = hide(p.Title), hide(p.Why)
	for i := range p.Facts {
		p.Facts[i].Value = hide(p.Facts[i].Value)
	}
	for i := range p.Notes {
		p.Notes[i] = hide(p.Notes[i])
	}
	for i := range p.Checks {
		c := &p.Checks[i]
		c.Text, c.Why = hide(c.Text), hide(c.Why)
		for j := range c.Values {
			c.Values[j].Name = hide(c.Values[j].Name)
		}
	}
	HideBands(p.Bands, hide)
	for i := range p.Sides {
		s := &p.Sides[i]
		s.Target = hide(s.Target)
		s.Causes = maps.Clone(s.Causes)
		for class, why := range s.Causes {
			s.Causes[class] = hide(why)
		}
		for _, rows := range [][]Row{s.Phases, s.Endpoints} {
			for j := range rows {
				rows[j].Name = hide(rows[j].Name)
			}
		}
	}
}

// HideBands does the same with the names of phases.
func HideBands(bands []Band, hide func(string) string) {
	for i := range bands {
		bands[i].Name = hide(bands[i].Name)
	}
}

// rename hides what the names of series hold; of names that become the same one is kept.
func rename[V any](m map[string]V, hide func(string) string) map[string]V {
	if hide == nil {
		return m
	}
	out := make(map[string]V, len(m))
	for _, name := range sorted(m) {
		out[hide(name)] = m[name]
	}
	return out
}
