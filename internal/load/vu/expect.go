package vu

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/extract"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// expects says whether anything is expected of a request's answer.
func (u *user) expects(r *script.Request) bool {
	p := u.script.Expect
	return p != nil && !u.quiet && (len(r.Expects) > 0 || p.Default200)
}

// expect checks what is expected of the answer, counts and prints it.
func (u *user) expect(e *exchange) error {
	if !u.expects(e.request) {
		return nil
	}
	verdicts := u.verdicts(e)
	failed := describe(verdicts)
	u.config.Recorder.Record(u.k, func(s *stats.Set) {
		s.At(time.Now())
		if failed != "" {
			s.Explain(string(expectClass), func() string { return oneLine(e.sent.Method + " " + pathOf(e.sent.URL) + ": " + failed) })
		}
		for _, v := range verdicts {
			name := series.ExpectFailed
			if v.OK {
				name = series.ExpectOK
			}
			s.Count(name, 1)
			s.Count(name+"."+u.labels.limit(v.Kind, "other"), 1)
		}
	})
	u.printVerdicts(e, verdicts, failed != "")
	if !u.script.Expect.AsErrors || failed == "" {
		return nil
	}
	what := e.sent.URL
	if u.script.Expect.OnlyNames && e.request.Name != "" {
		what = e.request.Name
	}
	text := u.labels.limit("Failed expectations for request "+what, "Failed expectations")
	return u.fail(expectClass, text, errors.New(failed))
}

func (u *user) verdicts(e *exchange) []extract.Verdict {
	if len(e.request.Expects) == 0 {
		return []extract.Verdict{extract.Expect("statusCode", int64(200), e.answer)}
	}
	out := make([]extract.Verdict, len(e.request.Expects))
	for i := range e.request.Expects {
		x := &e.request.Expects[i]
		out[i] = extract.Expect(x.Kind, x.Value.Value(&u.scope), e.answer)
	}
	return out
}

func describe(verdicts []extract.Verdict) string {
	var failed []string
	for _, v := range verdicts {
		if !v.OK {
			failed = append(failed, fmt.Sprintf("%s: expected %s, got %s", v.Kind, v.Expected, v.Got))
		}
	}
	return strings.Join(failed, "; ")
}

// shown is a verdict in JSON, as the plugin prints it.
type shown struct {
	Name    string    `json:"name,omitempty"`
	URL     string    `json:"url"`
	Results []outcome `json:"results"`
}

type outcome struct {
	OK       bool   `json:"ok"`
	Expected string `json:"expected"`
	Kind     string `json:"type"`
	Got      string `json:"got"`
}

// printVerdicts writes what came of the expectations in the script's format.
func (u *user) printVerdicts(e *exchange, verdicts []extract.Verdict, failed bool) {
	switch u.script.Expect.Format {
	case "silent":
		return
	case "json":
		out := shown{Name: e.request.Name, URL: pathOf(e.sent.URL)}
		for _, v := range verdicts {
			out.Results = append(out.Results, outcome{v.OK, v.Expected, v.Kind, v.Got})
		}
		if text, err := json.Marshal(out); err == nil {
			u.printer.print(string(text))
		}
		return
	case "prettyError":
		if !failed {
			return
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "* %s %s", e.sent.Method, pathOf(e.sent.URL))
	if e.request.Name != "" {
		b.WriteString(" - " + e.request.Name)
	}
	for _, v := range verdicts {
		if v.OK {
			fmt.Fprintf(&b, "\n  ok %s %s", v.Kind, short(v.Got))
			continue
		}
		fmt.Fprintf(&b, "\n  not ok %s %s\n  expected: %s\n       got: %s", v.Kind, short(v.Got), short(v.Expected), short(v.Got))
	}
	if failed {
		fmt.Fprintf(&b, "\n  Body: %s", short(string(e.answer.Body)))
	}
	u.printer.verdict(b.String(), failed)
}

func pathOf(address string) string {
	if at, err := url.Parse(address); err == nil {
		return at.RequestURI()
	}
	return address
}

// short cuts a text of the server's to what a person can look at, in one line.
func short(s string) string {
	const longest = 200
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
