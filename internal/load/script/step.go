package script

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/suggest"
	"sluice.dev/sluice/internal/load/template"
)

// list compiles steps; a list among them, as anchors make, stands for its own steps.
func (f *flow) list(v *value, path string, steps []Step) []Step {
	for i, item := range v.items {
		if f.steps++; f.steps > maxSteps || f.full() {
			return steps
		}
		if item.kind == list {
			steps = f.list(item, index(path, i), steps)
			continue
		}
		if step, ok := f.step(item, index(path, i)); ok {
			steps = append(steps, step)
		}
	}
	return steps
}

var verbs = []string{"get", "post", "put", "patch", "delete", "head", "options", "trace"}

type stepKind struct {
	key    string
	beside []string
}

// stepKinds are the steps that are no requests, with the keys that may stand beside their own.
var stepKinds = []stepKind{
	{"loop", []string{"count", "over", "whileTrue", "loopValue", "loopElement"}},
	{"parallel", []string{"limit"}},
	{"think", []string{"jitter"}},
	{"log", nil},
	{"function", nil},
}

func (f *flow) other(kind string, v *value, path string) (Step, bool) {
	switch kind {
	case "loop":
		return f.loop(v, path)
	case "parallel":
		return f.parallel(v, path)
	case "think":
		return f.think(v, path)
	case "log":
		return f.log(v, path)
	}
	return f.call(v, path)
}

func (f *flow) step(v *value, path string) (Step, bool) {
	if v.kind != object || len(v.fields) == 0 {
		f.fail(v.at, path, "a step must be a map such as get: {url: /}, not %s", v.describe())
		return Step{}, false
	}
	for _, kind := range stepKinds {
		if v.get(kind.key) != nil {
			f.onlyKeys(v, path, kind.key, kind.beside)
			return f.other(kind.key, v, path)
		}
	}
	first := v.fields[0]
	if !f.isRequest(first) {
		f.add(Problem{At: first.at, Path: dotted(path, first.key), Code: CodeUnknownKey, Text: "unknown step", Instead: f.near(first.key, stepKeys)})
		return Step{}, false
	}
	f.onlyKeys(v, path, first.key, nil)
	return Step{Request: f.request(strings.ToUpper(first.key), first, dotted(path, first.key))}, true
}

// stepKeys are the keys that a step may have.
func stepKeys() []string {
	known := slices.Clone(verbs)
	for _, kind := range stepKinds {
		known = append(known, kind.key)
	}
	return known
}

// isRequest says whether a step's first key is a method: a usual one, or another
// word that is not a mistyped one and has a url.
func (f *flow) isRequest(first field) bool {
	if slices.Contains(verbs, strings.ToLower(first.key)) {
		return true
	}
	return token(first.key) && suggest.Nearest(first.key, verbs) == "" &&
		(first.value.get("url") != nil || first.value.get("uri") != nil)
}

// onlyKeys refuses what stands beside a step's own key.
func (f *flow) onlyKeys(v *value, path, own string, beside []string) {
	for _, extra := range v.fields {
		if extra.key != own && !slices.Contains(beside, extra.key) {
			f.add(Problem{
				At: extra.at, Path: dotted(path, extra.key), Code: CodeUnknownKey,
				Text: "a step has one key, and this one already has " + own, Instead: f.besides(extra.key, own, beside),
			})
		}
	}
}

// besides is what to do with a key that stands beside a step's own.
func (f *flow) besides(key, own string, beside []string) string {
	switch {
	case slices.Contains(requestKeys.now, key) && !slices.ContainsFunc(stepKinds, func(k stepKind) bool { return k.key == own }):
		return "indent it, so that it stands below " + own
	case slices.Contains(stepKeys(), key):
		return "make it a step of its own, with a dash in front"
	}
	return f.near(key, func() []string { return beside })
}

// think compiles a pause. Artillery takes a bare fraction of a second for no
// pause at all; that is kept where compatibility to the letter is asked for.
func (f *flow) think(step *value, path string) (Step, bool) {
	v, where := step.get("think"), dotted(path, "think")
	think := &Think{Text: f.template(v, where)}
	if jitter := step.get("jitter"); jitter != nil {
		think.Jitter = f.jitter(jitter, dotted(path, "jitter"))
	}
	if !think.Text.IsStatic() {
		return Step{Think: think}, true
	}
	d, ok := ParseSeconds(think.Text.Source())
	if !ok {
		f.fail(v.at, where, "must be seconds or a text such as 500ms, not %s", v.describe())
	}
	think.Fixed = d
	if n, isNumber := asNumber(v); isNumber && n != math.Trunc(n) {
		if f.options.Strict {
			think.Fixed = 0
			think.Text = template.Literal("0")
		}
		f.fraction(v, where, d)
	}
	if n, isNumber := asNumber(v); isNumber && n >= longThink && d > f.length {
		f.add(Problem{
			At: v.at, Path: where, Severity: Warning, Code: CodeLongThink, Instead: "if it was meant as milliseconds, write " + asText(v.scalar) + "ms",
			Text: asText(v.scalar) + " means seconds, and is longer than all phases together, which last " + f.length.String(),
		})
	}
	return Step{Think: think}, true
}

// longThink is from how many seconds on a pause may have been meant as milliseconds.
const longThink = 100

func (f *flow) fraction(v *value, path string, d time.Duration) {
	p := Problem{
		At: v.at, Path: path, Severity: Warning, Code: CodeThinkFraction,
		Text: asText(v.scalar) + " is taken as " + d.String() + "; Artillery would not pause at all", Instead: "write " + d.String(),
	}
	if f.options.Strict {
		p.Text = asText(v.scalar) + " is no pause, as in Artillery"
	}
	f.add(p)
}

// jitter reads "20%", milliseconds, or a text with a unit.
func (c *compiler) jitter(v *value, path string) *Jitter {
	if s, isText := v.scalar.(string); isText {
		if share, percent := strings.CutSuffix(strings.TrimSpace(s), "%"); percent {
			n, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
			if err == nil && n >= 0 && n <= 100 {
				return &Jitter{Share: n / 100}
			}
		} else if d, ok := parseUnits(s); ok {
			return &Jitter{By: d}
		}
	}
	if n, ok := asNumber(v); ok {
		if d, ok := toDuration(n, time.Millisecond); ok {
			return &Jitter{By: d}
		}
	}
	c.fail(v.at, path, "must be a share such as 20%% or milliseconds, not %s", v.describe())
	return nil
}

func (f *flow) log(step *value, path string) (Step, bool) {
	t := f.template(step.get("log"), dotted(path, "log"))
	return Step{Log: &t}, true
}

func (f *flow) call(step *value, path string) (Step, bool) {
	name := f.function(step.get("function"), dotted(path, "function"))
	return Step{Function: name}, name != ""
}

const defaultLimit = 100

func (f *flow) parallel(step *value, path string) (Step, bool) {
	v, where := step.get("parallel"), dotted(path, "parallel")
	out := &Parallel{Limit: defaultLimit}
	if limit := step.get("limit"); limit != nil {
		out.Limit = int(f.whole(limit, dotted(path, "limit"), 1, 10_000))
	}
	if v.kind != list {
		f.fail(v.at, where, "must be a list of steps, not %s", v.describe())
		return Step{}, false
	}
	out.Steps = f.list(v, where, nil)
	return Step{Parallel: out}, true
}
