package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxNamed bounds how many names a message lists.
const maxNamed = 12

// unreportedPath says what a report does not have of the first path that leads nowhere in it, "" when all lead somewhere.
func unreportedPath(paths [][]string, report map[string]any) string {
	for _, path := range paths {
		at, name := report, "report"
		for i, key := range path {
			next, ok := at[key]
			if !ok {
				return lacking(name, key, at)
			}
			name += "." + key
			inner, isObject := next.(map[string]any)
			if !isObject && i < len(path)-1 {
				return fmt.Sprintf("%s is %s and has no %s", name, kindOf(next), path[i+1])
			}
			at = inner
		}
	}
	return ""
}

func lacking(name, key string, has map[string]any) string {
	names := slices.Sorted(maps.Keys(has))
	more := ""
	if len(names) > maxNamed {
		names, more = names[:maxNamed], " …"
	}
	if len(names) == 0 {
		return fmt.Sprintf("%s has no %s: it is empty", name, key)
	}
	return fmt.Sprintf("%s has no %s; it has %s%s", name, key, strings.Join(names, ", "), more)
}
