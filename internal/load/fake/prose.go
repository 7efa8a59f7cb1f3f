package fake

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// several makes a number of parts and joins them.
func several(part func(*rand.Rand) string, between string, low, high int) Func {
	return func(r *rand.Rand, args []any) any {
		parts := make([]string, min(length(r, args, low, high), 1000))
		for i := range parts {
			parts[i] = part(r)
		}
		return strings.Join(parts, between)
	}
}

func latinWord(r *rand.Rand) string { return pick(r, latin) }

func sentence(r *rand.Rand) string {
	s, _ := several(latinWord, " ", 3, 10)(r, nil).(string)
	return capital(s) + "."
}

func paragraph(r *rand.Rand) string {
	s, _ := several(sentence, " ", 2, 4)(r, nil).(string)
	return s
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// long picks a word of a list, of the length that is wanted when there is one.
func long(list []string) Func {
	return func(r *rand.Rand, args []any) any {
		if len(args) == 0 {
			return pick(r, list)
		}
		n := length(r, args, 0, 0)
		var fitting []string
		for _, w := range list {
			if len(w) == n {
				fitting = append(fitting, w)
			}
		}
		if len(fitting) == 0 {
			fitting = list
		}
		return pick(r, fitting)
	}
}

func texts() map[string]Func {
	all := append(append(append([]string{}, adjectives...), nouns...), verbs...)
	return map[string]Func{
		"loremWord":  long(latin),
		"loremWords": several(latinWord, " ", 3, 3),
		"loremSlug":  several(latinWord, "-", 3, 3),
		"loremSentence": func(r *rand.Rand, args []any) any {
			s, _ := several(latinWord, " ", 3, 10)(r, args).(string)
			return capital(s) + "."
		},
		"loremSentences":  several(sentence, " ", 2, 6),
		"loremLines":      several(sentence, "\n", 1, 5),
		"loremParagraph":  several(sentence, " ", 3, 3),
		"loremParagraphs": several(paragraph, "\n", 3, 3),
		"loremText":       several(sentence, " ", 1, 5),
		"wordAdjective":   long(adjectives), "wordAdverb": long(adverbs), "wordNoun": long(nouns), "wordVerb": long(verbs),
		"wordConjunction": long(conjunctions), "wordInterjection": long(interjection), "wordPreposition": long(prepositions),
		"wordSample": long(all),
		"wordWords":  several(func(r *rand.Rand) string { return pick(r, all) }, " ", 1, 3),
		"hackerPhrase": func(r *rand.Rand, _ []any) any {
			return fmt.Sprintf("We need to %s the %s %s %s!", pick(r, hackerVerbs), pick(r, hackerKinds), pick(r, hackerShorts), pick(r, hackerThings))
		},
		"gitBranch":        func(r *rand.Rand, _ []any) any { return pick(r, nouns) + "-" + pick(r, verbs) },
		"gitCommitMessage": func(r *rand.Rand, _ []any) any { return gitMessage(r) },
		"gitCommitSha":     func(r *rand.Rand, args []any) any { return letters(r, hexes, length(r, args, 40, 40)) },
		"gitCommitDate": func(r *rand.Rand, _ []any) any {
			return ago(r, 24*time.Hour).Format("Mon Jan 2 15:04:05 2006 -0700")
		},
		"gitCommitEntry": func(r *rand.Rand, _ []any) any {
			name := fullName(r, nil)
			return fmt.Sprintf("commit %s\r\nAuthor: %s <%s@example.com>\r\nDate: %s\r\n\r\n    %s\r\n", letters(r, hexes, 40),
				name, strings.ReplaceAll(name, " ", "."), ago(r, 24*time.Hour).Format("Mon Jan 2 15:04:05 2006 -0700"), gitMessage(r))
		},
		"foodDescription": func(r *rand.Rand, _ []any) any {
			return fmt.Sprintf("%s %s with %s and a %s %s sauce.", capital(pick(r, foods["adjective"])), pick(r, foods["meat"]),
				pick(r, foods["vegetable"]), pick(r, foods["adjective"]), pick(r, foods["spice"]))
		},
	}
}

func gitMessage(r *rand.Rand) string {
	return pick(r, hackerVerbs) + " " + pick(r, hackerKinds) + " " + pick(r, hackerThings)
}

// ago is a time within the span before now.
func ago(r *rand.Rand, span time.Duration) time.Time {
	return time.Now().UTC().Add(-time.Duration(r.Int64N(int64(max(span, 1)))))
}

// stamp writes a time as JavaScript's dates write themselves.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// instant reads a time: a stamp, a day, or milliseconds.
func instant(v any, otherwise time.Time) time.Time {
	if s, ok := v.(string); ok {
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(layout, s); err == nil {
				return t
			}
		}
	}
	if f, ok := number(v); ok {
		return time.UnixMilli(int64(min(max(f, -8.64e15), 8.64e15)))
	}
	return otherwise
}

// within draws a time between two offsets from "refDate" or now.
func within(unit string, size time.Duration, most float64, forward bool) Func {
	return func(r *rand.Rand, args []any) any {
		n := min(max(option(args, unit, first(args, most)), 0), 200*365)
		span := time.Duration(min(n*float64(size), float64(100*365*24*time.Hour)))
		d := time.Duration(r.Int64N(int64(max(span, 1))))
		from := instant(options(args)["refDate"], time.Now())
		if forward {
			return stamp(from.Add(d))
		}
		return stamp(from.Add(-d))
	}
}

func span(r *rand.Rand, args []any) time.Time {
	now := time.Now()
	from := instant(options(args)["from"], now.AddDate(-1, 0, 0))
	to := instant(options(args)["to"], now)
	if !to.After(from) {
		return from
	}
	return from.Add(time.Duration(r.Int64N(max(int64(to.Sub(from)), 1))))
}

func times() map[string]Func {
	const day = 24 * time.Hour
	name := func(list []string) Func {
		return func(r *rand.Rand, args []any) any {
			s := pick(r, list)
			if options(args)["abbreviated"] == true {
				return s[:3]
			}
			return s
		}
	}
	return map[string]Func{
		"dateAnytime": func(r *rand.Rand, _ []any) any { return stamp(ago(r, 2*365*day).AddDate(1, 0, 0)) },
		"datePast":    within("years", 365*day, 1, false), "dateFuture": within("years", 365*day, 1, true),
		"dateRecent": within("days", day, 1, false), "dateSoon": within("days", day, 1, true),
		"dateBetween": func(r *rand.Rand, args []any) any { return stamp(span(r, args)) },
		"dateBetweens": func(r *rand.Rand, args []any) any {
			list := make([]any, min(length(r, []any{map[string]any{"count": option(args, "count", 3)}}, 3, 3), 1000))
			for i := range list {
				list[i] = stamp(span(r, args))
			}
			return list
		},
		"dateBirthdate": func(r *rand.Rand, args []any) any {
			low, high := min(max(option(args, "min", 18), 0), 150), min(max(option(args, "max", 80), 0), 150)
			return stamp(time.Now().AddDate(0, 0, -int(between(r, low*365.25, high*365.25))))
		},
		"dateMonth": name(months), "dateWeekday": name(weekdays), "dateTimeZone": of(zones),
	}
}
