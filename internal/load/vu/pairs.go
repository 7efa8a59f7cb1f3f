package vu

import (
	"maps"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/template"
)

// sources are pairs as hooks see them; a name that comes several times has a list.
func sources(pairs []script.Pair) map[string]any {
	out := make(map[string]any, len(pairs))
	for _, p := range pairs {
		switch had := out[p.Name].(type) {
		case nil:
			out[p.Name] = p.Value.Source()
		case []any:
			out[p.Name] = append(had, p.Value.Source())
		default:
			out[p.Name] = []any{had, p.Value.Source()}
		}
	}
	return out
}

func names(pairs []script.Pair) []string {
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = p.Name
	}
	return out
}

// encodeMap writes a query or a form that hooks may have changed: in the
// script's order, what is new at the end by name. What a value reads is said by text.
func (u *user) encodeMap(order []string, fields map[string]any, text func(v any) string) string {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	var b strings.Builder
	seen := map[string]bool{}
	for _, name := range order {
		v, there := fields[name]
		if !there || seen[name] {
			continue
		}
		seen[name] = true
		for _, item := range listOf(template.Fill(v, &u.scope)) {
			u.field(&b, name, text(item))
		}
	}
	return b.String()
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}
