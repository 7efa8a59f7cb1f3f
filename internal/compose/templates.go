package compose

import (
	"fmt"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Lookup finds a template by its name; cluster asks for a ClusterAnalysisTemplate.
type Lookup func(name string, cluster bool) (api.AnalysisTemplateSpec, bool)

// Template is a template that takes part in an analysis.
type Template struct {
	api.AnalysisTemplateRef
	Spec api.AnalysisTemplateSpec
	// Path is how it came to take part: the template the user names first, then those that include
	// each other, itself last.
	Path []api.AnalysisTemplateRef
}

// Via is the templates that lead to it: "outer -> middle", or "" when its user names it.
func (t Template) Via() string { return arrows(t.Path[:len(t.Path)-1]) }

// Name is what messages call it: "name" or "cluster/name".
func (t Template) Name() string { return display(t.AnalysisTemplateRef) }

// MaxDepth is how deep templates may include each other.
const MaxDepth = 32

// Templates are all that take part: those that are named and those they include, each once, the
// namespaced ones before the cluster's, in the order they were found. Templates that do not exist,
// or include each other for ever, are problems.
func Templates(refs []api.AnalysisTemplateRef, lookup Lookup) ([]Template, []Problem) {
	c := &collection{lookup: lookup, known: map[api.AnalysisTemplateRef]bool{}}
	for _, ref := range refs {
		c.add(ref, nil)
	}
	return append(c.namespaced, c.cluster...), c.problems
}

// collection is all templates that take part, each once.
type collection struct {
	lookup     Lookup
	namespaced []Template
	cluster    []Template
	known      map[api.AnalysisTemplateRef]bool
	problems   []Problem
}

// add takes a template and, after it, what it includes. above is how we came here.
func (c *collection) add(ref api.AnalysisTemplateRef, above []api.AnalysisTemplateRef) {
	path := append(above[:len(above):len(above)], ref)
	for i, seen := range above {
		if seen == ref {
			c.problem(path[i:len(above)], "templates include each other: "+arrows(path[i:]))
			return
		}
	}
	if c.known[ref] {
		return
	}
	c.known[ref] = true
	if len(path) > MaxDepth {
		c.problem(path[:1], fmt.Sprintf("templates include each other more than %d deep: %s", MaxDepth, arrows(path)))
		return
	}
	spec, ok := c.lookup(ref.TemplateName, ref.ClusterScope)
	if !ok {
		c.missing(path)
		return
	}
	t := Template{AnalysisTemplateRef: ref, Spec: spec, Path: path}
	if ref.ClusterScope {
		c.cluster = append(c.cluster, t)
	} else {
		c.namespaced = append(c.namespaced, t)
	}
	for _, inner := range spec.Templates {
		c.add(inner, path)
	}
}

func (c *collection) problem(concerned []api.AnalysisTemplateRef, message string) {
	c.problems = append(c.problems, Problem{Templates: names(concerned), Message: message})
}

func (c *collection) missing(path []api.AnalysisTemplateRef) {
	above, ref := path[:len(path)-1], path[len(path)-1]
	message := fmt.Sprintf("%s %q not found", kind(ref.ClusterScope), ref.TemplateName)
	if len(above) > 0 {
		message += ", included by " + arrows(above)
	}
	if _, ok := c.lookup(ref.TemplateName, !ref.ClusterScope); ok {
		message += fmt.Sprintf("; there is %s of this name: write clusterScope: %t", article[!ref.ClusterScope], !ref.ClusterScope)
	}
	c.problems = append(c.problems, Problem{Templates: names(path), Message: message, Missing: true})
}

var article = map[bool]string{false: "an AnalysisTemplate", true: "a ClusterAnalysisTemplate"}

func kind(cluster bool) string {
	if cluster {
		return "ClusterAnalysisTemplate"
	}
	return "AnalysisTemplate"
}

func display(ref api.AnalysisTemplateRef) string {
	if ref.ClusterScope {
		return "cluster/" + ref.TemplateName
	}
	return ref.TemplateName
}

func names(refs []api.AnalysisTemplateRef) []string {
	all := make([]string, len(refs))
	for i, ref := range refs {
		all[i] = display(ref)
	}
	return all
}

// arrows is a chain of templates as people read it.
func arrows(refs []api.AnalysisTemplateRef) string { return strings.Join(names(refs), " -> ") }
