package script

import (
	"slices"
	"strings"
)

// keys are the keys a map may have: those we run, those that mean nothing here
// with the reason, and those we refuse with what to write instead.
type keys struct {
	now   []string
	never map[string]string
}

// names are all keys that are known.
func (k keys) names() []string {
	out := append([]string(nil), k.now...)
	for name := range k.never {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// fields returns the fields of a map that we run and reports all others.
func (f *findings) fields(v *value, path string, k keys) []field {
	if v.kind == nothing {
		return nil
	}
	if v.kind != object {
		f.fail(v.at, path, "must be a map, not %s", v.describe())
		return nil
	}
	var known []field
	for _, field := range v.fields {
		where := dotted(path, field.key)
		instead, refused := k.never[field.key]
		switch {
		case slices.Contains(k.now, field.key):
			known = append(known, field)
		case refused:
			f.refuse(field.at, where, "not supported", instead)
		default:
			f.add(Problem{At: field.at, Path: where, Code: CodeUnknownKey, Text: "unknown key", Instead: f.instead(field.key, path, k)})
		}
	}
	return known
}

// instead is what to write instead of an unknown key: where it belongs, or what it resembles.
func (f *findings) instead(key, path string, k keys) string {
	if slices.Contains(stepKeys(), key) && strings.HasPrefix(path, "scenarios") {
		return "it is a step: write it below flow, with a dash in front"
	}
	if where := home(key, path); where != "" {
		return "it belongs " + where
	}
	if usual := synonyms[key]; slices.Contains(k.now, "qs") && usual != "" {
		return "write " + usual
	}
	return f.near(key, k.names)
}

// synonyms are what a request's keys are called in other tools.
var synonyms = map[string]string{
	"query": "qs", "params": "qs", "param": "qs", "data": "json, form or body", "payload": "json, form or body", "method": "the method as the step's key: - post: {url: …}",
	"path": "url", "validate": "expect", "assert": "expect", "check": "expect", "extract": "capture",
}

// homes are where keys belong, from the outside to the inside.
var homes = []struct {
	where string
	keys  keys
}{
	{"at the top, beside config", rootKeys}, {"under config", configKeys}, {"in a phase, under config.phases", phaseKeys},
	{"under config.http.defaults", defaultsKeys}, {"under config.http", httpKeys}, {"under config.tls", tlsKeys},
	{"under config.ensure", ensureKeys}, {"in a scenario", scenarioKeys}, {"in a request, indented below its method", requestKeys},
}

// home is where a key belongs that stands elsewhere, "" when nowhere, or nobody can tell. What stands in a scenario
// is looked for there first.
func home(key, path string) string {
	all := slices.Clone(homes)
	if strings.HasPrefix(path, "scenarios") {
		slices.Reverse(all)
	}
	for _, h := range all {
		if key != "name" && slices.Contains(h.keys.now, key) {
			return h.where
		}
	}
	return ""
}

func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// listOf returns a value's items; a value that is no list is the one item it stands for.
func listOf(v *value) []*value {
	switch v.kind {
	case list:
		return v.items
	case nothing:
		return nil
	case scalar, object:
	}
	return []*value{v}
}
