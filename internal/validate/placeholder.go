package validate

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// open tells that a text holds a placeholder whose value is not known yet, so that nothing can be
// said about the text.
func open[T ~string](text T) bool { return compose.Open(string(text)) }

// placeholders refuses what looks like a placeholder and is none. Conditions are left out: what they
// make of braces shows when they are compiled. So is what a Job runs, where double braces belong to
// other languages; there only what nearly is a placeholder is worth a warning.
func (s *sheet) placeholders(metric *api.Metric, path *field.Path) {
	rest := *metric
	rest.SuccessCondition, rest.FailureCondition = "", ""
	if job := metric.Provider.Job; job != nil {
		rest.Provider.Job = nil
		texts(job, path.Child("provider", "job"), func(text string, at *field.Path) {
			for _, stray := range compose.Strays(text) {
				if meant(stray) {
					s.as(RulePlaceholder).warn(at, quote(stray)+" is no placeholder and stays as it is", didYouMean(stray))
				}
			}
		})
	}
	if test := metric.Provider.LoadTest; test != nil {
		s.scriptPlaceholders(&rest, path)
	}
	texts(rest, path, func(text string, at *field.Path) {
		for _, stray := range compose.Strays(text) {
			s.stray(stray, at)
		}
	})
}

// scriptPlaceholders leaves out of a load test what speaks its script's language, in which double braces mean more.
func (s *sheet) scriptPlaceholders(rest *api.Metric, path *field.Path) {
	test := *rest.Provider.LoadTest
	at := path.Child("provider", "loadTest")
	theirs := struct {
		Script    string            `json:"script.inline"`
		Variables map[string]string `json:"variables"`
		Env       any               `json:"env"`
	}{test.Script.Inline, test.Variables, test.Env}
	texts(theirs, at, func(text string, at *field.Path) {
		for _, stray := range compose.Strays(text) {
			if meant(stray) {
				s.as(RulePlaceholder).warn(at, quote(stray)+" is no placeholder and is left to the script", didYouMean(stray))
			}
		}
	})
	test.Script.Inline, test.Variables, test.Env = "", nil, nil
	rest.Provider.LoadTest = &test
}

func (s *sheet) stray(stray string, path *field.Path) {
	s.as(RulePlaceholder).invalid(path, quote(stray)+" is no placeholder: nothing is filled in for it", didYouMean(stray))
}

// texts calls visit for each text of a value as it stands in a manifest. Keys count as texts of what
// holds them.
func texts(value any, path *field.Path, visit func(text string, at *field.Path)) {
	raw, err := json.Marshal(value)
	if err != nil {
		return
	}
	var document any
	if json.Unmarshal(raw, &document) == nil {
		walk(document, path, visit)
	}
}

func walk(document any, path *field.Path, visit func(text string, at *field.Path)) {
	switch d := document.(type) {
	case string:
		visit(d, path)
	case []any:
		for i, item := range d {
			walk(item, path.Index(i), visit)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(d)) {
			visit(key, path)
			walk(d[key], path.Child(key), visit)
		}
	}
}

var (
	// argument is what people write for args.
	argument = regexp.MustCompile(`(?i)^\.?\s*arg(s|ument|uments)?\s*\.\s*`)
	name     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
)

// meant tells that braces were certainly meant for an argument.
func meant(stray string) bool { return argument.MatchString(within(stray)) }

func within(stray string) string { return strings.Trim(stray, "{} \t\n") }

func didYouMean(stray string) string {
	inner := within(stray)
	if prefix := argument.FindString(inner); prefix != "" {
		inner = inner[len(prefix):]
	} else {
		inner = inner[strings.LastIndexByte(inner, '.')+1:]
	}
	if !name.MatchString(inner) {
		return "a placeholder is written {{args.name}}"
	}
	return "did you mean {{args." + shorten(inner, maxQuoted) + "}}?"
}

// standIns stand for arguments whose values are not known: a number, a truth, an operator, a name, a
// function, more of a condition, and nothing.
var standIns = []string{"0", "true", "<", "result", "all", "&& true", ""}

// certain is up to how many arguments samples tries every combination.
const certain = 2

// samples is a condition with stand-ins for its arguments. all tells that every combination is there.
func samples(condition string) (texts []string, all bool) {
	sole := api.Metric{Name: condition}
	names := compose.Unresolved(sole)
	values := map[string]string{}
	var try func(names []string)
	try = func(names []string) {
		if len(names) == 0 {
			if filled, err := compose.Metric(sole, values); err == nil {
				texts = append(texts, filled.Name)
			}
			return
		}
		for _, standIn := range standIns {
			values[names[0]] = standIn
			try(names[1:])
		}
	}
	if len(names) <= certain {
		try(names)
		return texts, true
	}
	for _, standIn := range standIns {
		for _, name := range names {
			values[name] = standIn
		}
		try(nil)
	}
	return texts, false
}

// unparsable says that a condition makes no sense, as far as one can tell.
func (s *sheet) unparsable(text string, err error, path *field.Path) {
	const fix = "write an expression that is true or false, such as result[0] <= 0.01"
	if strays := compose.Strays(text); len(strays) > 0 {
		for _, stray := range strays {
			s.stray(stray, path)
		}
		return
	}
	message := fmt.Sprintf("%s is not a condition: %s", quote(text), err)
	if open(text) {
		message = fmt.Sprintf("%s is no condition whatever its arguments are: %s", quote(text), err)
	}
	s.as(RuleCondition).invalid(path, message, fix)
}
