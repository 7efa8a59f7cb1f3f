package loadreport

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the trees anew")

// What the programs really reported, of two seconds against a server that answers every 20th request with 503, and of one
// against a port where nobody listens.
func TestWhatGeneratorsReportHasTheSameNames(t *testing.T) {
	for name, format := range map[string]api.ReportFormat{
		"vegeta": api.ReportVegeta, "vegeta-refused": api.ReportVegeta,
		"fortio": api.ReportFortio, "fortio-refused": api.ReportFortio,
		"ghz": api.ReportGhz, "ghz-notfound": api.ReportGhz,
		"k6-export": api.ReportK6, "k6-handle": api.ReportK6,
		"artillery": api.ReportArtillery, "artillery-refused": api.ReportArtillery,
		"artillery-1": api.ReportArtillery,
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			report, err := Parse(format, text)
			if err != nil {
				t.Fatal(err)
			}
			var document map[string]any
			if err := json.Unmarshal(text, &document); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(document, report["raw"]); diff != "" {
				t.Errorf("report.raw is not the document (-want +got):\n%s", diff)
			}
			got, err := json.MarshalIndent(Shown(report), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".tree")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}

// Over gRPC and TCP fortio counts words, not codes.
func TestFortiosWordsForWhatWentWell(t *testing.T) {
	for codes, want := range map[string]float64{
		`{"SERVING": 90, "ERROR": 10}`: 0.1, `{"SERVING": 100}`: 0, `{"OK": 75, "read: connection reset": 25}`: 0.25,
		`{"NOT_SERVING": 100}`: 1, `{"200": 50, "503": 25, "-1": 25}`: 0.5,
	} {
		report, err := Parse(api.ReportFortio, []byte(`{"DurationHistogram": {"Count": 100}, "RetCodes": `+codes+`}`))
		if err != nil || report["errorRate"] != want {
			t.Errorf("%s: error rate %v, %v, want %v", codes, report["errorRate"], err, want)
		}
	}
}

// Two programs that were asked the same of the same server say the same.
func TestGeneratorsAgree(t *testing.T) {
	for _, path := range []string{"errors.rate", "codes.503", "codes.5xx", "requests"} {
		values := map[string]any{}
		for name, format := range map[string]api.ReportFormat{"vegeta": api.ReportVegeta, "fortio": api.ReportFortio} {
			values[name] = at(t, parsed(t, name, format), path)
		}
		if values["vegeta"] != values["fortio"] || values["vegeta"] == nil {
			t.Errorf("report.%s differs: %v", path, values)
		}
	}
	export, handle := parsed(t, "k6-export", api.ReportK6), parsed(t, "k6-handle", api.ReportK6)
	if diff := cmp.Diff(handle["gates"], export["gates"]); diff != "" {
		t.Errorf("a --summary-export says the opposite of handleSummary's data about thresholds (-handle +export):\n%s", diff)
	}
	if export["verdict"] != "fail" {
		t.Errorf("the verdict is %v, want fail: a threshold was crossed", export["verdict"])
	}
}

func parsed(t *testing.T, name string, format api.ReportFormat) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Parse(format, text)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func at(t *testing.T, report map[string]any, path string) any {
	t.Helper()
	parent, child, _ := strings.Cut(path, ".")
	if child == "" {
		return report[parent]
	}
	inner, _ := report[parent].(map[string]any)
	return inner[child]
}

func TestWhatIsNotMeasuredIsNotThere(t *testing.T) {
	for _, c := range []struct{ name, path string }{
		{"k6-export", "codes"},             // k6 counts no codes
		{"k6-export", "duration"},          // only handleSummary is told
		{"fortio-refused", "rate.offered"}, // -qps 0 is as fast as it can
		{"artillery-refused", "latency"},
		{"vegeta", "rate.offered"},
	} {
		if got := at(t, parsed(t, c.name, api.ReportFormat(strings.Split(c.name, "-")[0])), c.path); got != nil {
			t.Errorf("%s: report.%s is %v, want nothing", c.name, c.path, got)
		}
	}
	empty := `{"latencies":{"mean":0,"50th":0,"99th":0,"max":0},"requests":0,"rate":0,"status_codes":{}}`
	report, err := Parse(api.ReportVegeta, []byte(empty))
	if err != nil {
		t.Fatal(err)
	}
	if report["latency"] != nil || at(t, report, "errors.rate") != nil {
		t.Errorf("without a request there is %v, want neither latency nor a rate of errors", Shown(report))
	}
}

func TestOtherDocumentsAreRefusedInWords(t *testing.T) {
	for _, c := range []struct {
		name   string
		format api.ReportFormat
		text   string
		want   string
	}{
		{"nothing", api.ReportK6, " \n", "there is none"},
		{"a log line", api.ReportJSON, "running (1m0s), 00/10 VUs", "it is no JSON object"},
		{"null", api.ReportJSON, "null", "it is no JSON object: it is null"},
		{"a list", api.ReportJSON, "[1]", "it is no JSON object"},
		{"cut off", api.ReportVegeta, `{"requests":1,`, "it is no JSON object"},
		{"of another program", api.ReportK6, `{"requests":1}`, `it is no summary of k6: it has no "metrics"`},
		{"of another program", api.ReportVegeta, `{"metrics":{}}`, `it is no report of vegeta: it has no "requests" and "latencies"`},
		{"of another program", api.ReportFortio, `{}`, `it is no report of fortio: it has no "DurationHistogram"`},
		{"of another program", api.ReportGhz, `{}`, `it is no report of ghz: it has no "count" and "rps"`},
		{"of another program", api.ReportArtillery, `{}`, `it is no report of Artillery: it has no "aggregate"`},
		{"of another program", api.ReportArtillery, `{"aggregate":{}}`, `it is no report of Artillery: its "aggregate" has no "counters"`},
		{"of another program", api.ReportResult, `{}`, "not a load test's result"},
		{"too long", api.ReportJSON, `{"a":"` + strings.Repeat("x", MaxSize) + `"}`, "and 1048576 are the most"},
		{"a format nobody knows", "locust", `{}`, `its format "locust" is not known`},
	} {
		report, err := Parse(c.format, []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s as %s: %v, %v; want an error with %q", c.name, c.format, report, err, c.want)
		}
	}
}

func TestTheLastReportOfALogCounts(t *testing.T) {
	report := `{"latencies":{"99th":1000000},"requests":7,"rate":1,"status_codes":{"200":7}}`
	pretty := "{\n  \"latencies\": {\n    \"99th\": 2000000\n  },\n  \"requests\": 8\n}"
	for _, c := range []struct {
		name, log string
		want      any
	}{
		{"alone", report, 7.0},
		{"after what people read", "attacking\n" + report + "\n", 7.0},
		{"before what people read", report + "\nbye\n", 7.0},
		{"before log lines that are JSON", report + "\n{\"level\":\"info\",\"msg\":\"bye\"}\n", 7.0},
		{"over many lines", "a\n" + pretty + "\nbye", 8.0},
		{"the second of two", report + "\n" + pretty, 8.0},
		{"after one that was cut off", `"requests": 1}` + "\n" + report, 7.0},
		{"with something behind it", report + " done", 7.0},
	} {
		got, err := Last(api.ReportVegeta, []byte(c.log))
		if err != nil || got["requests"] != c.want {
			t.Errorf("%s: %v, %v; want %v requests", c.name, got["requests"], err, c.want)
		}
	}
	for log, want := range map[string]string{
		"":                       "the log holds no JSON object",
		"no braces":              "the log holds no JSON object",
		"x {\"requests\":1}":     "the log holds no JSON object",
		"{\"level\":\"info\"}\n": `the last JSON object in the log is none: it is no report of vegeta`,
	} {
		if got, err := Last(api.ReportVegeta, []byte(log)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want an error with %q", log, got, err, want)
		}
	}
}

// A log is written by somebody else's program: looking for a report in it takes a bounded time, whatever it holds.
func TestALogOfBracesIsSearchedInABoundedTime(t *testing.T) {
	for _, line := range []string{"{\n", "{\"a\":\n", "{\"a\":[\n", "{\"a\":\"\n"} {
		log := bytes.Repeat([]byte(line), MaxSize/len(line))
		if got, err := Last(api.ReportJSON, log); err == nil {
			t.Errorf("%q many times: %v, want an error", line, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(err, files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"metrics":{"http_reqs":{"values":{"count":1}},"x":{"thresholds":{"a":true,"b":{"ok":null}}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range []api.ReportFormat{api.ReportResult, api.ReportK6, api.ReportVegeta, api.ReportFortio, api.ReportGhz, api.ReportArtillery, api.ReportJSON} {
			report, err := Parse(format, text)
			if (report == nil) == (err == nil) {
				t.Fatalf("%s: report %v, error %v", format, report, err)
			}
			if err != nil {
				continue
			}
			if _, err := json.Marshal(report); err != nil {
				t.Errorf("%s: a condition or a status cannot hold it: %v", format, err)
			}
			inLog, err := Last(format, append([]byte("hello\n"), bytes.TrimSpace(text)...))
			if err != nil {
				t.Errorf("%s: as the end of a log: %v", format, err)
			} else if diff := cmp.Diff(report, inLog); diff != "" && !bytes.Contains(text, []byte("\n{")) {
				t.Errorf("%s: as the end of a log (-alone +there):\n%s", format, diff)
			}
		}
	})
}

// sluice-load writes reports in Artillery's shape, with its own verdict beside it: they mean what Artillery's mean, so
// that a condition stays true when one is put in place of the other. What is beside stands under raw.
func TestAReportOfSluiceLoadInArtillerysShape(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "artillery.json"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse(api.ReportArtillery, text)
	if err != nil {
		t.Fatal(err)
	}
	beside := bytes.Replace(text, []byte("{"), []byte(`{"sluice": {"result": {"version": 1, "verdict": "fail", "errors": {"dns": 5}}, "target": "http://shop"},`), 1)
	got, err := Parse(api.ReportArtillery, beside)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Shown(want), Shown(got)); diff != "" {
		t.Errorf("without (-) and with (+) what sluice-load adds:\n%s", diff)
	}
	own, _ := at(t, got, "raw.sluice").(map[string]any)
	if own["target"] != "http://shop" {
		t.Errorf("report.raw.sluice is %v", own)
	}
}
