package script

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"sluice.dev/sluice/internal/load/template"
)

// maxTurns bounds a loop's count.
const maxTurns = 1_000_000_000

func (f *flow) loop(step *value, path string) (Step, bool) {
	v, where := step.get("loop"), dotted(path, "loop")
	out := &Loop{Element: "$loopElement", Count: "$loopCount"}
	if v.kind != list {
		f.fail(v.at, where, "must be a list of steps, not %s", v.describe())
		return Step{}, false
	}
	if name := step.get("loopElement"); name != nil {
		out.Element = f.text(name, dotted(path, "loopElement"))
	}
	if name := step.get("loopValue"); name != nil {
		out.Count = f.text(name, dotted(path, "loopValue"))
	}
	runs := f.turns(step, path, out)
	if len(v.items) == 0 {
		f.warn(CodeEmpty, v.at, where, "a loop of no steps is left out")
		runs = false
	}
	f.within([]string{out.Element, out.Count, "$loopElement", "$loopCount"}, func() { out.Steps = f.list(v, where, nil) })
	return Step{Loop: out}, runs
}

// turns compiles how often a loop runs, and says whether it can run at all.
func (f *flow) turns(step *value, path string, out *Loop) bool {
	count, over, while := step.get("count"), step.get("over"), step.get("whileTrue")
	if while != nil {
		out.While = f.function(while, dotted(path, "whileTrue"))
	}
	if over != nil {
		out.Over = f.over(over, dotted(path, "over"))
		if count != nil {
			f.warn(CodeIgnored, count.at, dotted(path, "count"), "ignored, because the loop goes over a list")
		}
		return true
	}
	if count != nil {
		return f.count(count, dotted(path, "count"), out)
	}
	if while == nil && len(step.get("loop").items) > 0 {
		f.warn(CodeEndless, step.at, path, "the loop has no count, no list and no whileTrue: a virtual user never ends it by itself")
	}
	return true
}

var turnRange = regexp.MustCompile(`^\s*(\d+)\s*-\s*(\d+)\s*$`)

// count reads a number, a range "3-10" that stops before its end, or a placeholder for one.
func (f *flow) count(v *value, path string, out *Loop) bool {
	t := f.template(v, path)
	if !t.IsStatic() {
		out.Times = &t
		return true
	}
	if m := turnRange.FindStringSubmatch(t.Source()); m != nil {
		from, err := strconv.ParseInt(m[1], 10, 64)
		to, err2 := strconv.ParseInt(m[2], 10, 64)
		if err != nil || err2 != nil || from > maxTurns || to > maxTurns {
			f.fail(v.at, path, "%s is beyond %d", t.Source(), maxTurns)
			return true
		}
		out.From, out.To = from, to
	} else {
		before := len(f.problems)
		out.To = f.whole(v, path, 0, maxTurns)
		if len(f.problems) > before {
			return true
		}
	}
	if out.From >= out.To {
		f.warn(CodeEmpty, v.at, path, "%s means no turn at all, so the loop is left out", t.Source())
		return false
	}
	return true
}

// checkList warns of a variable that is known to be no list: a loop over it makes no turn.
func (f *flow) checkList(v *value, path string, name []string) {
	if len(name) > 1 || f.mayBeSet(name[0]) {
		return
	}
	why, said := f.single[name[0]]
	switch given := f.names[name[0]].(type) {
	case []any:
		if !said && !slices.ContainsFunc(given, isList) {
			why = "of a list in variables every user has one element"
		}
	case int64, float64, bool:
		if !said {
			why = fmt.Sprintf("it is %v", given)
		}
	}
	if why != "" {
		f.add(Problem{
			At: v.at, Path: path, Severity: Warning, Code: CodeEmpty, Text: name[0] + " is no list (" + why + "), so the loop makes no turn",
			Instead: "write the list itself, or capture one with json and multiple: false",
		})
	}
}

func isList(v any) bool {
	_, list := v.([]any)
	return list
}

// over compiles a list of values, or the path of the variable that holds one.
func (f *flow) over(v *value, path string) *Over {
	switch v.kind {
	case list:
		out := &Over{Values: make([]template.Node, 0, len(v.items))}
		for i, item := range v.items {
			out.Values = append(out.Values, f.node(item, index(path, i)))
		}
		return out
	case scalar:
		parsed, err := template.ParsePath(f.text(v, path))
		if err != nil {
			f.fail(v.at, path, "must be a list or a variable's name: %s", err)
			return &Over{}
		}
		f.checkName(v, path, parsed)
		f.checkList(v, path, parsed)
		return &Over{Path: parsed}
	case nothing, object:
	}
	f.fail(v.at, path, "must be a list or a variable's name, not %s", v.describe())
	return &Over{}
}
