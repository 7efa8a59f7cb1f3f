package script

import (
	"regexp"
	"strconv"
	"strings"

	"sluice.dev/sluice/internal/load/extract"
)

var (
	extractors  = []string{"json", "xpath", "regexp", "header", "selector"}
	captureKeys = keys{now: append([]string{"as", "strict", "multiple", "group", "flags", "attr", "index"}, extractors...)}
	matchKeys   = keys{now: append([]string{"as", "strict", "multiple", "group", "flags", "attr", "index", "value"}, extractors...)}
)

// captures compiles one capture or match, or a list of them.
func (f *flow) captures(v *value, path string, known keys) []Capture {
	var out []Capture
	for i, item := range listOf(v) {
		where := path
		if v.kind == list {
			where = index(path, i)
		}
		if c, ok := f.capture(item, where, known); ok {
			out = append(out, c)
		}
	}
	return out
}

func (f *flow) capture(v *value, path string, known keys) (Capture, bool) {
	out := Capture{Lenient: f.lenient}
	fields := f.fields(v, path, known)
	if v.kind != object {
		return out, false
	}
	for _, field := range fields {
		f.captureField(field, dotted(path, field.key), &out)
	}
	isMatch := known.has("value")
	switch {
	case out.By == "":
		f.fail(v.at, path, "needs one of %s", strings.Join(extractors, ", "))
	case !isMatch && out.As == "":
		f.fail(v.at, path, "has no as, the variable that takes the value")
	case isMatch && out.Value == nil:
		f.fail(v.at, path, "has no value to compare with")
	}
	if out.By == ByRegexp {
		f.checkRegexp(v.get("regexp"), dotted(path, "regexp"), out)
	} else if out.By != "" && out.Expression.IsStatic() {
		f.checkExtractor(v, path, out)
	}
	return out, out.By != ""
}

func (k keys) has(name string) bool {
	for _, known := range k.now {
		if known == name {
			return true
		}
	}
	return false
}

func (f *flow) captureField(field field, path string, to *Capture) {
	switch field.key {
	case "as":
		to.As = f.text(field.value, path)
	case "strict":
		to.Lenient = !f.boolean(field.value, path)
	case "multiple":
		to.Whole = !f.boolean(field.value, path)
	case "group":
		to.Group = f.text(field.value, path)
	case "flags":
		to.Flags = f.text(field.value, path)
	case "attr":
		to.Attribute = f.text(field.value, path)
	case "index":
		to.Index = f.position(field.value, path)
	case "value":
		node := f.node(field.value, path)
		to.Value = &node
	default:
		if to.By != "" {
			f.fail(field.at, path, "a capture has one expression, and this one already has %s", to.By)
			return
		}
		to.By, to.Expression = Extractor(field.key), f.template(field.value, path)
	}
}

// position reads which of a selector's hits is meant.
func (f *flow) position(v *value, path string) string {
	if s, isText := v.scalar.(string); isText && (s == "last" || s == "random") {
		return s
	}
	return strconv.FormatInt(f.whole(v, path, 0, 1_000_000), 10)
}

// checkExtractor refuses an expression that no answer can be looked at with.
func (f *flow) checkExtractor(v *value, path string, c Capture) {
	_, err := extract.Compile(extract.Spec{
		By: string(c.By), Expression: c.Expression.Source(), Attribute: c.Attribute, Index: c.Index, Whole: c.Whole,
	})
	if err != nil {
		f.fail(v.at, dotted(path, string(c.By)), "%s", err)
	}
}

// checkRegexp refuses now what could only fail in every virtual user. Go's
// expressions take time linear in the text, and so have no look-around.
func (f *flow) checkRegexp(v *value, path string, c Capture) {
	if v.kind != scalar || !c.Expression.IsStatic() {
		return
	}
	for _, flag := range c.Flags {
		if !strings.ContainsRune("gimsuy", flag) {
			f.fail(v.at, path, "%q is not a flag", string(flag))
		}
	}
	if !f.affordable(v, path, c.Expression.Source()) {
		return
	}
	re, err := regexp.Compile(c.Expression.Source())
	if err != nil {
		f.add(Problem{
			At: v.at, Path: path, Code: CodeInvalid, Text: err.Error(),
			Instead: "look-ahead, look-behind and back references are not supported: capture more in a group, and name the group",
		})
		return
	}
	if c.Group != "" && re.SubexpIndex(c.Group) < 0 {
		if n, ok := asNumber(&value{kind: scalar, scalar: c.Group}); !ok || n < 0 || int(n) > re.NumSubexp() {
			f.fail(v.at, path, "the expression has no group %s", c.Group)
		}
	}
}
