package measure

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/evidence"
	"sluice.dev/sluice/internal/judge"
)

// Redact hides secrets wherever a sample has text. Providers do not repeat what they were sent, but servers and the
// containers of Jobs do.
func Redact(s judge.Sample, secrets []string) judge.Sample {
	if len(secrets) == 0 {
		return s
	}
	texts := []*string{&s.Text, &s.Message, &s.ReportProblem}
	s.Series = slices.Clone(s.Series)
	for i := range s.Series {
		texts = append(texts, &s.Series[i])
	}
	if s.Failure != nil {
		failure := *s.Failure
		s.Failure = &failure
		texts = append(texts, &failure.Message)
	}
	hide(texts, secrets)
	s.Result = redactValue(s.Result, secrets)
	if s.Report != nil {
		s.Report, _ = redactValue(s.Report, secrets).(map[string]any)
	}
	if s.Metadata != nil {
		metadata := maps.Clone(s.Metadata)
		values := make([]string, 0, len(metadata))
		keys := slices.Sorted(maps.Keys(metadata))
		for _, key := range keys {
			values = append(values, metadata[key])
		}
		hide(pointers(values), secrets)
		for i, key := range keys {
			metadata[key] = values[i]
		}
		s.Metadata = metadata
	}
	return s
}

// RedactText hides secrets in a text. One that is a JSON object stays one, with its numbers as they are.
func RedactText(text string, secrets []string) string {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var object map[string]any
		if err := decoder.Decode(&object); err == nil && !decoder.More() {
			if clean, err := json.Marshal(redactValue(object, secrets)); err == nil {
				return string(clean)
			}
		}
	}
	return evidence.Redact(text, secrets)
}

// redactValue hides secrets in the texts of decoded JSON, names of fields included. Numbers stay what they are.
func redactValue(value any, secrets []string) any {
	var texts []string
	walk(value, func(text string) string {
		texts = append(texts, text)
		return text
	})
	if len(texts) == 0 {
		return value
	}
	hide(pointers(texts), secrets)
	next := 0
	return walk(value, func(string) string {
		next++
		return texts[next-1]
	})
}

// walk rebuilds a value with every text changed, always in the same order.
func walk(value any, change func(string) string) any {
	switch v := value.(type) {
	case string:
		return change(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = walk(v[i], change)
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			name := change(key)
			all[name] = walk(v[key], change)
		}
		return all
	default:
		return value
	}
}

func pointers(texts []string) []*string {
	all := make([]*string, len(texts))
	for i := range texts {
		all[i] = &texts[i]
	}
	return all
}

// hide redacts all texts, looking at them one by one only when there is something to hide: a large answer has many.
func hide(texts []*string, secrets []string) {
	var all strings.Builder
	for _, text := range texts {
		all.WriteString(*text)
		all.WriteByte(0)
	}
	if joined := all.String(); evidence.Redact(joined, secrets) == joined {
		return
	}
	for _, text := range texts {
		*text = evidence.Redact(*text, secrets)
	}
}
