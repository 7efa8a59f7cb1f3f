package script

import "slices"

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
			f.add(Problem{At: field.at, Path: where, Code: CodeUnknownKey, Text: "unknown key", Instead: f.near(field.key, k.names)})
		}
	}
	return known
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
