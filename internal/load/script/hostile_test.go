package script

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// used is the processor time of this process.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// many writes a text for each number, as long as they fit into so many bytes.
func many(bytes int, format string) string {
	var b strings.Builder
	for i := 0; ; i++ {
		next := fmt.Sprintf(format, i)
		if b.Len()+len(next) > bytes {
			return b.String()
		}
		b.WriteString(next)
	}
}

// inline is as much as a script inside a manifest may have.
const inline = 60 << 10

// TestNoScriptTakesLong loads scripts that are made to take long; each is as
// large as one inside a manifest may be.
func TestNoScriptTakesLong(t *testing.T) {
	const (
		head = "config:\n  target: http://x\n  phases: [{duration: 1, arrivalRate: 1}]\n"
		flow = "scenarios:\n- flow:\n  - get: {url: /}\n"
		get  = "scenarios:\n- flow:\n  - get:\n      url: '/"
	)
	long, half := strings.Repeat("a", 150), inline/2
	endpoints := "scenarios:\n- flow:\n" + many(half, "  - get: {url: /%d}\n")
	tests := []struct{ name, script string }{
		{"long variables and long typos", head + "  variables: {" + many(half, long+"%04d: 1,") + "}\n" + get + many(half, "{{"+long+"b%04d}}") + "'\n"},
		{"variables and typos of usual length", head + "  variables: {" + many(half, "variable_with_a_long_name_%d: 1,") + "}\n" + get + many(half, "{{wariable_with_a_long_name_%d}}") + "'\n"},
		{"short variables and typos", head + "  variables: {" + many(half, "v%d: 1,") + "}\n" + get + many(half, "{{w%d}}") + "'\n"},
		{"a request for each typo", head + "  variables: {" + many(half, "v%d: 1,") + "}\nscenarios:\n- flow:\n" + many(half, "  - get: {url: '/{{ w%d }}'}\n")},
		{"aliases of a large map", head + "  variables:\n    a: &a {" + many(half, "k%04d: 1,") + "}\n" + many(170, "    b%d: *a\n") + flow},
		{"merges of large maps", head + "  variables:\n    a: &a {" + many(half, "k%04d: 1,") + "}\n" + many(270, "    b%d: {<<: *a}\n") + flow},
		{"an environment over many variables", head + "  variables: {" + many(half, "k%d: 1,") + "}\n  environments: {e: {variables: {" + many(half, "l%d: 1,") + "}}}\n" + flow},
		{"mistyped gates of many endpoints", head + "  ensure: {conditions: [" + many(half, "{expression: http.response_timf.p%d < 1},") + "]}\n" + endpoints},
		{"mistyped thresholds of many endpoints", head + "  ensure: {thresholds: [" + many(half, "{plugins.metrics-by-endpoint.response_time./%d.p98: 1},") + "]}\n" + endpoints},
		{"gates of many endpoints", head + "  ensure: {conditions: [" + many(half, "{expression: plugins.metrics-by-endpoint.response_time./%d.p99 < 1},") + "]}\n" + endpoints},
		{"counted repetitions", head + get + "'\n      capture: [" + many(inline-300, "{regexp: '(a{1,900}){1}%d', as: x},") + "]\n"},
		{"one repetition, many aliases", head + get + "'\n      capture: [&a {regexp: '" + strings.Repeat("(a{1,900})", 50) + "', as: x}," + strings.Repeat("*a,", 3000) + "]\n"},
		{"repetitions in expectations", head + "  plugins: {expect: {}}\n" + get + "'\n      expect: [&a {matchesRegexp: '" + strings.Repeat("(a{1,900})", 50) + "'}," + strings.Repeat("*a,", 3000) + "]\n"},
		{"repetitions in conditions", head + "scenarios:\n- flow:\n  - &a {get: {url: /, ifTrue: 'x ~= \"" + strings.Repeat("(a{1,900})", 50) + "\"'}}\n" + strings.Repeat("  - *a\n", 3000)},
		{"a long path, many aliases", head + get + "'\n      capture: [&a {json: '$" + strings.Repeat("..*", half/3) + "', as: x}," + strings.Repeat("*a,", 60) + "]\n"},
		{"a long template, many aliases", head + "  variables: {a: 1}\nscenarios:\n- flow:\n  - &a {get: {url: '" + strings.Repeat("{{a}}", half/5) + "'}}\n" + strings.Repeat("  - *a\n", 60)},
		{"a long XPath, many aliases", head + get + "'\n      capture: [&a {xpath: '/" + strings.Repeat("/a[b]", half/5) + "', as: x}," + strings.Repeat("*a,", 60) + "]\n"},
		{"a long selector, many aliases", head + get + "'\n      capture: [&a {selector: 'a" + strings.Repeat(" > a", half/4) + "', as: x}," + strings.Repeat("*a,", 60) + "]\n"},
		{"loops below many variables", head + "  variables: {" + many(half, "v%d: 1,") + "}\nscenarios:\n- flow:\n  - &a {loop: [{think: 1}], count: 1}\n" + strings.Repeat("  - *a\n", half/7)},
		{"scenarios that capture much", head + "scenarios:\n- &a {flow: [{get: {url: /, capture: [" + many(half, "{json: $, as: v%d},") + "]}}]}\n" + strings.Repeat("- *a\n", 10)},
		{"unknown keys", head + "scenarios:\n- flow:\n  - get: {url: /, " + many(inline-200, "capturf%d: 1,") + "}\n"},
		{"unknown steps", head + "scenarios:\n- flow:\n" + many(inline-200, "  - gett%d: 1\n")},
		{"comments", head + flow + strings.Repeat("#\n", inline/2)},
		{"comments between steps", head + "scenarios:\n- flow:\n" + strings.Repeat("  #\n  - think: 1\n", inline/17)},
		{"brackets", head + "  variables: {a: " + strings.Repeat("[", inline) + "}\n"},
		{"anchors", head + "  variables:\n" + many(inline-200, "    a%d: &a 1\n") + flow},
		{"phases", "config:\n  target: http://x\n  phases: [" + strings.Repeat("{duration: 600, arrivalRate: 1, rampTo: 1000},", 199) + "]\n" + flow},
		{"headers of many requests", head + "  defaults: {headers: {" + many(half, "h%d: 1,") + "}}\n" + endpoints},
		{"a number of many digits", head + "  variables: {a: 1" + strings.Repeat("_0", half) + "}\n" + flow},
		{"sixties", head + "  variables: {a: 1" + strings.Repeat(":01", half/2) + "}\n" + flow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if len(tt.script) > inline+1200 {
				t.Fatalf("the script has %d bytes", len(tt.script))
			}
			before := used(t)
			_, err := Load([]byte(tt.script), Options{File: "script.yaml", Target: "http://x", Environment: "e", Enforce: true})
			took := used(t) - before
			text := fmt.Sprint(err)
			t.Logf("%d bytes in %s: %.120s", len(tt.script), took, text)
			if took > 500*time.Millisecond {
				t.Errorf("took %s of processor time", took)
			}
		})
	}
}
