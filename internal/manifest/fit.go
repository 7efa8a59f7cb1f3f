package manifest

import (
	"slices"
)

// What it costs to believe something about a line. The cheapest explanation of all lines together is
// the one that is told: moving one line is believed sooner than an unknown field, and both sooner than
// two moved lines. A field that is nearly spelled right is a typing mistake and stays where it is.
const (
	costMove      = 100 // this line stands in the wrong column, and up to 10 more for the distance
	costIntoNames = 60  // … and is moved to where any name is good
	costLike      = 25  // it is wrong in the same way as an earlier line of its block
	costFirst     = 30  // the first line of the document is wrong, and not all the others
	costOdd       = 15  // it is indented deeper or less than usual below its parent
	costUnknown   = 150 // a field that the type does not have
	costNowhere   = 60  // … and it holds others, of which nothing is known then
	costMisspelt  = 90
	costTwice     = 150
	costType      = 120 // a list where fields belong, a text where a list belongs …
	costEmpty     = 50  // a key that must hold fields and holds nothing
	costStray     = 200 // a text that belongs to nothing

	maxStates  = 30 // explanations that are followed at the same time
	minStates  = 8
	manyLines  = 9000 // lines times states: what a document may cost
	maxBehind  = 400  // cost by which one of them may be behind the cheapest
	maxEntries = 5000 // lines of a document that are looked at
	maxUp      = 40   // blocks around a line that it may belong to
)

// parent is a key or a dash that has no value yet.
type parent struct {
	entry int // -1 for the document itself
	shape *shape
	at    int // the column it stands in
	want  int // the column it should stand in, as seen from its neighbours
	out   int // the column it gets in the repaired text
	inner int // the column expected of what it holds, 0 when only its own column tells
	dash  bool
}

// block is an open mapping or list. Blocks are never changed, so that explanations can share them.
type block struct {
	up    *block
	list  bool
	shape *shape
	first int // entry that began it
	last  int // the latest of its entries
	at    int // the column its entries stand in
	want  int // the column they should stand in
	other int // another column the next entry may stand in: -1 for any right of floor
	floor int
	out   int
	keys  *names
	open  *parent // the last entry, while it has no value

	moved     int  // the column in which entries of it were found that had to be moved
	movedLine int  // the first of them
	astray    bool // the whole block stands beside its parent or left of it
}

type names struct {
	name  string
	entry int
	next  *names
}

// has looks through the latest names only: in a long list of them a name that comes back is no sign of
// a wrong column.
func (n *names) has(name string) bool {
	for range 100 {
		if n == nil || n.name == name {
			return n != nil
		}
		n = n.next
	}
	return false
}

// why a line is told about.
type cause int

const (
	sibling   cause = iota // it stands in another column than the others of its block
	child                  // it stands beside or left of the key it belongs under
	odd                    // it stands deeper or less deep under its parent than what follows allows
	like                   // as an earlier line
	lost                   // it belongs nowhere
	besideNow              // it stands beside a key that has to move away from it
)

// move is a line that has to go to another column.
type move struct {
	prev   *move
	cause  cause
	entry  int
	want   int
	of     int // the entry that explains it: the first of its block, its parent, or the line it is like
	ofDash bool
}

// state is one explanation of the lines so far.
type state struct {
	top   *block
	root  *parent // until the first entry
	cost  int
	wrong int // fields and values that do not fit their place, but for typing mistakes
	moves *move
	outs  *outs
}

// misfit is the cost of something that does not fit, 0 when it does.
func (s *state) misfit(cost int) {
	s.cost += cost
	if cost > costMisspelt {
		s.wrong++
	}
}

// outs are the columns of the entries in the repaired text, the last one first.
type outs struct {
	prev *outs
	out  int
}

// fit explains entries by the shape they should have, at the least cost.
type fit struct {
	entries []entry
	step    habit // of fields below their parent
	dash    habit // of dashes below theirs
	states  []state
	width   int              // how many states are followed: fewer in a long text
	near    map[nearKey]bool // what misspelt has found
}

type nearKey struct {
	key   string
	shape *shape
}

// habit is the distance an author likes; known is false when it is a guess.
type habit struct {
	distance int
	known    bool
}

// solution is the cheapest explanation.
type solution struct {
	cost  int
	wrong int
	moves []move
	outs  []int // by entry; 0 for one that belongs nowhere
}

func explainBy(entries []entry, root *shape) solution {
	f := &fit{entries: entries, near: map[nearKey]bool{}, width: min(max(manyLines/max(len(entries), 1), minStates), maxStates)}
	f.measure()
	f.states = []state{{root: &parent{entry: -1, shape: root, inner: f.rootColumn()}}}
	for i := range entries {
		f.advance(i)
	}
	best := f.states[0]
	for i, s := range f.states {
		f.states[i].cost += s.closing()
		if f.states[i].cost < best.cost || i == 0 {
			best = f.states[i]
		}
	}
	found := solution{cost: best.cost, wrong: best.wrong, outs: make([]int, len(entries))}
	for o, i := best.outs, len(entries)-1; o != nil; o, i = o.prev, i-1 {
		found.outs[i] = o.out
	}
	for m := best.moves; m != nil; m = m.prev {
		found.moves = append(found.moves, *m)
	}
	slices.Reverse(found.moves)
	return found
}

// rootColumn is where the fields of the document stand: the least column of all but the first, which
// may be the one that was moved.
func (f *fit) rootColumn() int {
	least := f.entries[0].first()
	for i, e := range f.entries[1:] {
		if i == 0 || e.first() < least {
			least = e.first()
		}
	}
	return least
}

// measure finds out how the author indents.
func (f *fit) measure() {
	fields, dashes := map[int]int{}, map[int]int{}
	for i := 1; i < len(f.entries); i++ {
		above, e := &f.entries[i-1], &f.entries[i]
		if above.key == "" || above.value != "" {
			continue
		}
		distance := e.first() - above.column
		if len(e.dashes) > 0 {
			dashes[distance]++
		} else {
			fields[distance]++
		}
	}
	f.step, f.dash = usual(fields, 1, 2), usual(dashes, 0, 0)
}

// usual is the most frequent distance that is at least least.
func usual(counts map[int]int, least, fallback int) habit {
	best, most := habit{fallback, false}, 1 // once may be the mistake itself
	for distance := least; distance <= 8; distance++ {
		if counts[distance] > most {
			best, most = habit{distance, true}, counts[distance]
		}
	}
	return best
}
