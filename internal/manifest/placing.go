package manifest

import (
	"cmp"
	"slices"
	"strings"
)

// advance explains one more entry in every way.
func (f *fit) advance(i int) {
	var next []state
	for _, s := range f.states {
		next = append(next, f.place(s, i)...)
	}
	order := make([]int, len(next))
	for n := range next {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(next[a].cost-next[b].cost, a-b) })
	f.states = make([]state, 0, f.width)
	for _, n := range order[:min(len(order), f.width)] {
		if next[n].cost <= next[order[0]].cost+maxBehind {
			f.states = append(f.states, next[n])
		}
	}
}

// place finds the blocks an entry may belong to.
func (f *fit) place(s state, i int) []state {
	e := &f.entries[i]
	if s.root != nil {
		return f.inside(s, s.root, i)
	}
	var found []state
	if s.top.open != nil {
		found = f.inside(s, s.top.open, i)
	}
	if e.key == "" && len(e.dashes) == 0 {
		return append(found, s.leave(i))
	}
	dash := len(e.dashes) > 0
	for b, n := s.top, 0; b != nil && n < maxUp; b, n = b.up, n+1 {
		if b.list == dash {
			found = append(found, f.beside(s, b, i))
		}
	}
	if len(found) == 0 { // a list where the document has fields, or the other way round
		found = append(found, s.leave(i))
	}
	return found
}

// leave gives an entry up.
func (s state) leave(i int) state {
	s.misfit(costStray)
	s.outs = &outs{s.outs, 0}
	s.note(move{cause: lost, entry: i, of: i - 1})
	return s
}

// closing is what it costs to go on elsewhere when the last key holds nothing yet.
func (s *state) closing() int {
	if s.top == nil {
		return 0
	}
	return s.top.open.empty()
}

func (p *parent) empty() int {
	if p != nil && p.shape.form >= object {
		return costEmpty
	}
	return 0
}

// beside puts an entry next to the others of a block that is open.
func (f *fit) beside(s state, b *block, i int) state {
	column := f.entries[i].first()
	s.cost += s.closing()
	now := *b
	now.open = nil
	now.other = 0
	switch {
	case column == b.at:
		now.astray = b.astray || b.other < 0
	case b.other == column || b.other < 0 && column > b.floor:
		now.at, now.want = column, column
	case b.moved == column:
		now.other = b.other
		s.cost += costLike
		s.note(move{cause: like, entry: i, want: b.at, of: b.movedLine})
	default:
		now.other = b.other
		s.cost += f.displaced(column, b.at, b.shape)
		now.moved, now.movedLine = column, i
		s.note(move{cause: sibling, entry: i, want: b.at, of: b.last, ofDash: b.dashAt(f, column)})
	}
	want := now.at
	if now.astray && column == b.at {
		want = b.want
		s.note(move{cause: like, entry: i, want: want, of: b.first})
	}
	return f.enter(s, &now, i, want)
}

// dashAt tells that a column is that of the dash before the block's fields.
func (b *block) dashAt(f *fit, column int) bool {
	dashes := f.entries[b.first].dashes
	return !b.list && len(dashes) > 0 && dashes[len(dashes)-1] == column
}

// displaced is the cost of moving a line by a distance.
func (f *fit) displaced(from, to int, into *shape) int {
	cost := costMove + min(max(from-to, to-from), 10)
	if into.form == dictionary {
		cost += costIntoNames
	}
	return cost
}

func (s *state) note(m move) {
	m.prev = s.moves
	s.moves = &m
}

// inside makes an entry the first of what a key or a dash holds.
func (f *fit) inside(s state, p *parent, i int) []state {
	e := &f.entries[i]
	dash := len(e.dashes) > 0
	shape := p.shape
	if dash {
		if _, ok := shape.item(); !ok {
			s.misfit(costType)
		}
	} else if e.key == "" || shape.form == list || shape.form == scalar {
		s.misfit(costType)
	}
	column := e.first()
	b := &block{up: s.top, list: dash, shape: shape, first: i, at: column, want: column}
	base := min(p.at, p.want)
	natural := column > base || dash && !p.dash && column == base
	want := f.expected(p, dash)
	s.root = nil
	var found []state
	if natural {
		found = append(found, f.accepted(s, p, *b, i, want))
	}
	if want != column {
		found = append(found, f.corrected(s, p, *b, i, natural))
	}
	return found
}

// expected is the column in which a parent's first entry usually stands.
func (f *fit) expected(p *parent, dash bool) int {
	switch {
	case p.inner > 0:
		return p.inner
	case dash && !p.dash:
		return p.want + f.dash.distance
	}
	return p.want + f.step.distance
}

// accepted believes in the column in which the first entry of a block stands.
func (f *fit) accepted(s state, p *parent, b block, i, want int) state {
	if f.odd(p, &b, want) {
		s.cost += costOdd
	}
	if b.out = b.at; b.out < p.least(b.list) { // it moves together with its parent
		b.out = max(p.out+b.at-p.at, p.least(b.list))
	}
	if p.at != p.want && b.at == p.at && (!b.list || p.dash) {
		s.note(move{cause: besideNow, entry: i, want: b.at, of: p.entry})
	}
	return f.enter(s, &b, i, b.at)
}

// odd tells that a block stands deeper below its parent, or less deep, than the author does it elsewhere.
func (f *fit) odd(p *parent, b *block, want int) bool {
	known := f.step.known
	if b.list && !p.dash {
		known = f.dash.known
	}
	usual := want - p.want
	return (known || p.inner > 0) && b.at-p.want != usual && b.at-p.at != usual
}

// least is the column furthest to the left that what the parent holds can have.
func (p *parent) least(dash bool) int {
	if dash && !p.dash {
		return max(p.out, 1)
	}
	return p.out + 1
}

// corrected believes that the first entry of a block was moved. The entries after it tell whether the
// block was moved with it.
func (f *fit) corrected(s state, p *parent, b block, i int, natural bool) state {
	want := f.expected(p, b.list)
	column := b.at
	s.cost += f.displaced(column, want, b.shape)
	b.out = max(p.out+want-p.want, p.least(b.list))
	b.want = want
	if p.entry < 0 && want > column {
		s.cost += costFirst
	}
	b.other, b.floor = -1, min(p.at, p.want)
	if b.list {
		b.floor--
	}
	m := move{cause: child, entry: i, want: want, of: p.entry, ofDash: p.dash}
	if natural {
		m.cause = odd
		b.at, b.other = want, want
	}
	s.note(m)
	return f.enter(s, &b, i, want)
}

// enter records an entry in its block and opens what is inside it. want is the column in which the
// entry should stand.
func (f *fit) enter(s state, b *block, i, want int) state {
	e := &f.entries[i]
	s.outs = &outs{s.outs, b.out}
	s.top = b
	b.last = i
	column, out := e.first(), b.out
	for n := range e.dashes {
		item, _ := b.shape.item()
		b.open = &parent{entry: i, shape: item, at: column, want: want, out: out, dash: true}
		next := e.column
		if n+1 < len(e.dashes) {
			next = e.dashes[n+1]
		} else if e.key == "" {
			return f.plainItem(s, b, e)
		}
		shift := next - column
		column, out = next, out+shift
		inner := &block{up: b, list: n+1 < len(e.dashes), shape: item, first: i, last: i, at: column, want: want + shift, out: out}
		if want+shift != column {
			inner.other = want + shift
		}
		b.open = nil
		want += shift
		b, s.top = inner, inner
	}
	s.misfit(f.accept(b, e, i))
	if field, _ := b.shape.field(e.key); e.value == "" {
		b.open = &parent{entry: i, shape: field, at: column, want: want, out: out}
	} else {
		s.misfit(field.against(e))
	}
	return s
}

// plainItem is a dash with a plain value or with nothing behind it.
func (f *fit) plainItem(s state, b *block, e *entry) state {
	if e.value != "" {
		item := b.open.shape
		b.open = nil
		s.misfit(item.against(e))
	}
	return s
}

// accept is the cost of one more field in a block.
func (f *fit) accept(b *block, e *entry, i int) int {
	cost := 0
	_, known := b.shape.field(e.key)
	switch {
	case known:
	case b.shape.form == object && f.misspelt(e.key, b.shape):
		cost = costMisspelt
	default:
		cost = costUnknown
		if e.value == "" {
			cost += costNowhere
		}
	}
	if b.keys.has(e.key) {
		cost += costTwice
	}
	b.keys = &names{e.key, i, b.keys}
	return cost
}

// misspelt tells that a field is nearly one that the shape has.
func (f *fit) misspelt(key string, s *shape) bool {
	if len(key) < 4 {
		return false
	}
	found, known := f.near[nearKey{key, s}]
	for name := range s.fields {
		if known || found {
			break
		}
		found = max(len(key)-len(name), len(name)-len(key)) <= 2 && levenshtein(key, name) <= 2
	}
	f.near[nearKey{key, s}] = found
	return found
}

// against is the cost of a value that stands on the line of its key.
func (s *shape) against(e *entry) int {
	if s.form == anything || e.value == "null" || e.value == "~" || e.value[0] == '*' || strings.HasPrefix(e.value, "{{") {
		return 0
	}
	fits := s.form == scalar
	switch e.value[0] {
	case '{':
		fits = s.form == object || s.form == dictionary
	case '[':
		fits = s.form == list
	}
	if fits {
		return 0
	}
	return costType
}
