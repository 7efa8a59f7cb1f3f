package command

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNothingThatIsWrittenShowsASecret(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{name: "as {{ $env.TOKEN }}", duration: 0.2, arrivalCount: 4}]
  plugins: {metrics-by-endpoint: {}}
  http: {timeout: 5}
scenarios:
  - name: sc-{{ $env.TOKEN }}
    flow: [{get: {url: "/", name: "n-{{ $env.TOKEN }}"}}, {log: "it is {{ $env.TOKEN }}"}, {get: {url: "/{{ given }}"}}]
`
	const secret, given = "hunter2x", "a-long-given-value"
	args := []string{"-v", `{"given":"` + given + `"}`}
	for _, mode := range [][]string{nil, {"--json-lines"}, {"--plan"}} {
		t.Run(strings.Join(mode, ""), func(t *testing.T) {
			dir := t.TempDir()
			files := map[string]string{"json": filepath.Join(dir, "o.json"), "html": filepath.Join(dir, "o.html"), "message": filepath.Join(dir, "msg")}
			all := append(append([]string{"run", "run", "-o", files["json"], "--html", files["html"]}, append(args, mode...)...), "FILE")
			got := execute(t, script, call{args: all, env: []string{"TOKEN=" + secret, "SLUICE_TERMINATION_LOG=" + files["message"]}})
			texts := map[string]string{"stdout": got.out, "stderr": got.err}
			for name, file := range files {
				data, err := os.ReadFile(file)
				if err != nil && len(mode) == 0 {
					t.Fatal(err, got.err)
				}
				texts[name] = string(data)
			}
			for name, text := range texts {
				for _, word := range []string{secret, given} {
					if at := strings.Index(text, word); at >= 0 {
						t.Errorf("%s shows %s: …%s…", name, word, text[max(0, at-60):min(len(text), at+60)])
					}
				}
			}
			if all := strings.Join([]string{got.out, got.err, texts["json"], texts["html"]}, ""); !strings.Contains(all, "***") {
				t.Errorf("nothing was hidden, so nothing was tried:\n%s", all)
			}
		})
	}
}

func TestAnOrdinaryWordThatIsGivenIsNotHidden(t *testing.T) {
	hidden := newSecrets(`{"u": "virtual", "k": "sk-12345678"}`, []string{"{{ $env.PIN }}"}, Env{Environ: []string{"PIN=4711"}})
	for text, want := range map[string]string{
		"no virtual user started":  "no virtual user started",
		"the key is sk-12345678":   "the key is ***",
		"the environment has 4711": "the environment has ***",
	} {
		if got := hidden.hide(text); got != want {
			t.Errorf("hide(%q) = %q, want %q", text, got, want)
		}
	}
}

// What a processor looks up may end in the text of an error that it throws.
func TestWhatAProcessorLooksUpIsHidden(t *testing.T) {
	for _, look := range []string{"process.env.TOKEN", "process.env['TOKEN']", "(() => { const { OTHER, TOKEN } = process.env; return TOKEN })()"} {
		dir := t.TempDir()
		processor := "module.exports = { boom: function(context, events, done) { throw new Error('the token ' + " + look + " + ' is bad'); } };"
		if err := os.WriteFile(filepath.Join(dir, "p.js"), []byte(processor), 0o600); err != nil {
			t.Fatal(err)
		}
		script := "config: {target: 'http://127.0.0.1:1', processor: " + filepath.Join(dir, "p.js") + ", phases: [{duration: 0.2, arrivalCount: 2}]}\nscenarios: [{flow: [{function: boom}]}]\n"
		got := execute(t, script, call{args: append([]string{"run", "run", "FILE"}, inDir(dir)...), env: []string{"TOKEN=hunter2xyz", "OTHER=yes"}})
		all := got.out + got.err + string(got.message) + contents(t, dir, "o.json") + contents(t, dir, "o.html")
		if strings.Contains(all, "hunter2xyz") || strings.Count(all, "the token *** is bad") < 5 {
			t.Errorf("%s: the secret is shown, or nothing is told:\n%s", look, got.out+got.err)
		}
	}
}

func TestABudgetThatIsNoneIsTheUsualOne(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	for _, budget := range []string{"much", "12"} {
		got := execute(t, "config:\n  target: "+s.URL+patient+"\n  phases: [{duration: 0.1, arrivalCount: 1}]\nscenarios: [{flow: [{get: {url: /}}]}]\n",
			call{args: []string{"run", "run", "FILE"}, env: []string{"RESULT_BUDGET=" + budget}})
		if got.code != exitOK || got.result.Requests != 1 {
			t.Errorf("%s: exit code %d and %d requests, want %d and 1\n%s", budget, got.code, got.result.Requests, exitOK, got.err)
		}
		if !strings.Contains(got.err, budget) || !strings.Contains(got.err, "may have 4096") {
			t.Errorf("%s: nothing is said about it: %s", budget, got.err)
		}
	}
}

func TestMaxVusersIsDividedAmongShares(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	s.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) })
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{duration: 0.2, arrivalCount: 10, maxVusers: 3}]
scenarios: [{flow: [{get: {url: /}}]}]
`
	for share, want := range map[string]int64{"0": 2, "1": 1} {
		got := execute(t, script, call{args: []string{"run", "run", "--shares", "2", "--share", share, "FILE"}})
		if got.result.Arrivals != want || got.result.Skipped != 5-want {
			t.Errorf("share %s: %d arrivals and %d skipped, want %d and %d\n%s", share, got.result.Arrivals, got.result.Skipped, want, 5-want, got.err)
		}
	}
}
