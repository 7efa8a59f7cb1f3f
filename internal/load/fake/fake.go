// Package fake makes up names, addresses, numbers and texts for load tests.
package fake

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// Func makes one value up; args may hold one map of options, or a length.
type Func func(r *rand.Rand, args []any) any

// Lookup returns the function of this name, such as $internetEmail or internetEmail,
// an older name such as $randEmail included.
func Lookup(name string) (Func, bool) {
	name = strings.TrimPrefix(name, "$")
	if now, ok := aliases[name]; ok {
		name = now
	}
	f, ok := functions[name]
	return f, ok
}

// Names are all names with their dollar signs, the older ones included, sorted.
func Names() []string {
	names := make([]string, 0, len(functions)+len(aliases))
	for name := range functions {
		names = append(names, "$"+name)
	}
	for name := range aliases {
		names = append(names, "$"+name)
	}
	slices.Sort(names)
	return names
}

// Renamed is what an older name is called today, empty for one that is not old.
func Renamed(name string) string {
	if now, ok := aliases[strings.TrimPrefix(name, "$")]; ok {
		return "$" + now
	}
	return ""
}
