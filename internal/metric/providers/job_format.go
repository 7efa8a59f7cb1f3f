package providers

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/metric/loadreport"
)

// formatOf is the format a metric names for its Job's report, "" when it names none.
func formatOf(m api.Metric) api.ReportFormat {
	if m.Provider.Job == nil || m.Provider.Job.Report == nil {
		return ""
	}
	return m.Provider.Job.Report.Format
}

// known says that a format is that of a program whose exit codes have a meaning.
func known(format api.ReportFormat) bool { return programs[format] != "" }

// programs write the formats.
var programs = map[api.ReportFormat]string{
	api.ReportResult: "sluice-load", api.ReportK6: "k6", api.ReportVegeta: "vegeta", api.ReportFortio: "fortio",
	api.ReportGhz: "ghz", api.ReportArtillery: "Artillery",
}

// reported reads the report of a Job that has ended. Without a format it is what the container left as termination
// message, if that is an object.
func reported(seen metric.Seen, ended jobEnd) (report map[string]any, problem string) {
	format := formatOf(seen.Metric)
	if format == "" {
		return readReport(ended.message), ""
	}
	from := seen.Metric.Provider.Job.Report.From
	if ended.state == nil {
		return nil, "no container of the Job is left that could have written it"
	}
	if from != api.ReportFromLog {
		report, err := loadreport.Parse(format, []byte(ended.message))
		if err == nil {
			return report, ""
		}
		problem = "as termination message, " + err.Error()
		if from == api.ReportFromTerminationMessage {
			return nil, problem
		}
	}
	switch {
	case seen.Log == nil: // asked for by logWanted
		return nil, problem
	case seen.Log.Problem != "":
		return nil, joined(problem, seen.Log.Problem)
	}
	report, err := loadreport.Last(format, []byte(seen.Log.Text))
	if err != nil {
		return nil, joined(problem, "in the log, "+err.Error())
	}
	return report, ""
}

func joined(problem, other string) string {
	if problem == "" {
		return other
	}
	return problem + "; " + other
}

// byTool is what the end of a program we know means: whether it judged what it tested, or broke.
func byTool(format api.ReportFormat, ended jobEnd, sample judge.Sample) judge.Sample {
	fails := ended.report["verdict"] == "fail"
	if !sample.NeverSuccessful {
		if fails {
			sample.NeverSuccessful = true
			sample.Message = sentence(fmt.Sprintf("The report of %s says that the test failed%s", programs[format], lastWords(ended)))
		}
		return sample
	}
	if ended.state == nil || ended.state.ExitCode == 0 {
		return sample // the Job failed, whatever its program did
	}
	code := ended.state.ExitCode
	switch {
	case judged(format, code, ended.report != nil):
	case format == api.ReportResult && code == exitInconclusive:
		sample.Forced = api.AnalysisPhaseInconclusive
	default:
		why := strings.TrimSuffix(sample.Message, ".") + fmt.Sprintf("; %s ends so when the test itself did not work", programs[format])
		sample.Failure = &judge.Failure{Class: judge.BadAnswer, Message: sentence(why)}
		sample.NeverSuccessful, sample.ReportProblem = false, "" // an Error says enough
	}
	return sample
}

// exitInconclusive is how sluice-load says that it cannot tell.
const exitInconclusive = 3

// judged says that a program ends with this code, other than 0, when it found what it tested wanting: thresholds were
// crossed, gates broken, expectations not met. Artillery ends with 1 for that and for scripts it cannot read; it has
// reported when it was the former.
func judged(format api.ReportFormat, code int32, hasReport bool) bool {
	switch format {
	case api.ReportResult:
		return code == 1 || code == 21
	case api.ReportK6:
		return code == 99
	case api.ReportArtillery:
		return code == 21 || code == 1 && hasReport
	case api.ReportVegeta, api.ReportFortio, api.ReportGhz, api.ReportJSON:
	}
	return false
}

// How much of a log is read, and how long a verdict waits for it.
const (
	reportWithin = 5 * time.Second
	reportLines  = 50_000
	wordsWithin  = 1500 * time.Millisecond // the verdict is to be seen within 2 s
	wordsBytes   = 16 << 10
	maxLines     = 20
	maxTail      = 2 << 10
)

// logWanted is the log that is needed: because the report is in it, or for people, because the measurement does not pass.
func logWanted(seen metric.Seen, ended jobEnd, sample judge.Sample) *metric.LogTail {
	if ended.pod == "" {
		return nil
	}
	tail := &metric.LogTail{Pod: ended.pod, Container: ended.container}
	format := formatOf(seen.Metric)
	if format != "" && ended.report == nil && seen.Metric.Provider.Job.Report.From != api.ReportFromTerminationMessage {
		tail.Container = ended.reporter
		tail.Lines, tail.Bytes, tail.Within = reportLines, loadreport.MaxSize, reportWithin
		return tail
	}
	if ended.withheld || passes(seen, sample) {
		return nil
	}
	tail.Lines, tail.Bytes, tail.Within = 2*maxLines, wordsBytes, wordsWithin
	return tail
}

// passes says whether the conditions will call the sample good.
func passes(seen metric.Seen, sample judge.Sample) bool {
	rules := judge.Criteria{SuccessCondition: seen.Metric.SuccessCondition, FailureCondition: seen.Metric.FailureCondition, NoData: seen.Metric.NoData}
	return judge.Judge(rules, sample, seen.Now).Phase == api.AnalysisPhaseSuccessful
}

// withLog keeps the end of the log with a measurement that does not pass.
func withLog(seen metric.Seen, ended jobEnd, sample judge.Sample) judge.Sample {
	if seen.Log == nil || ended.withheld || passes(seen, sample) {
		return sample
	}
	words := tail(seen.Log.Text)
	if seen.Log.Problem != "" {
		words = sentence("Not read: " + seen.Log.Problem)
	}
	if words == "" {
		return sample
	}
	if sample.Metadata == nil {
		sample.Metadata = map[string]string{}
	}
	sample.Metadata[api.EvidenceLog] = words
	return sample
}

// withReport keeps what conditions see of a report, without the document it was read from.
func withReport(seen metric.Seen, sample judge.Sample) judge.Sample {
	if !known(formatOf(seen.Metric)) || sample.Report == nil {
		return sample
	}
	if shown, err := json.Marshal(loadreport.Shown(sample.Report)); err == nil {
		sample.Metadata[api.EvidenceReport] = string(shown)
	}
	return sample
}

// tail is the last lines of a log, without what only a terminal understands.
func tail(log string) string {
	log = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(log, "\r", "\n"), "?"))
	var lines []string
	for line := range strings.Lines(log) {
		if line = strings.TrimRight(line, " \t\n"); line != "" {
			lines = append(lines, line)
		}
	}
	lines = lines[max(0, len(lines)-maxLines):]
	text := strings.Join(lines, "\n")
	if len(text) > maxTail {
		text = "…" + strings.ToValidUTF8(text[len(text)-maxTail+len("…"):], "")
	}
	return text
}

// during adds when the load of a load test began and ended, as its container tells.
func during(seen metric.Seen, p metric.Progress) metric.Progress {
	if !seen.Metric.LoadTests() {
		return p
	}
	for i := range seen.Pods {
		pod := &seen.Pods[i]
		from, to := span(pod, reporterOf(seen.Job, pod))
		if !from.IsZero() && (p.LoadFrom.IsZero() || from.Before(p.LoadFrom)) {
			p.LoadFrom = from
		}
		if (p.Done || p.Log != nil) && to.After(p.LoadTo) {
			p.LoadTo = to
		}
	}
	return p
}

// span is when a container ran; zero times are not known.
func span(pod *corev1.Pod, container string) (from, to time.Time) {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name != container {
			continue
		}
		if status.State.Running != nil {
			from = status.State.Running.StartedAt.Time
		}
		if done := status.State.Terminated; done != nil {
			from, to = done.StartedAt.Time, done.FinishedAt.Time
		}
	}
	return from, to
}
