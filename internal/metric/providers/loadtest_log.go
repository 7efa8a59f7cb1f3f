package providers

import (
	"cmp"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/metric"
)

// loadLines is how many lines of a load test's log are read: most of them are numbers, one line a second.
const loadLines = 200

// loadEnded is the part of a test whose log says why it did not pass: one that left no result, else one that failed.
// Without a pod there is none.
func loadEnded(seen metric.Seen, parts []loadPart) jobEnd {
	const neverRan = 4
	rank := func(p loadPart) int {
		switch {
		case p.pod == nil || p.state == nil || p.state.Running == nil && p.state.Terminated == nil:
			return neverRan
		case p.result == nil:
			return 0
		}
		return map[result.Verdict]int{result.Fail: 1, result.Inconclusive: 2, result.Pass: 3}[p.result.Verdict]
	}
	worst := slices.MinFunc(parts, func(a, b loadPart) int { return cmp.Compare(rank(a), rank(b)) })
	if rank(worst) == neverRan {
		return jobEnd{}
	}
	return jobEnd{pod: worst.pod.Name, container: loadContainer, reporter: loadContainer, withheld: seen.Job.Annotations[annotationLastWords] == "withheld"}
}

// withLoadLog keeps the end of the log with a test that does not pass, or asks for it first.
func withLoadLog(seen metric.Seen, parts []loadPart, p metric.Progress) metric.Progress {
	ended := loadEnded(seen, parts)
	log := logWanted(seen, ended, p.Sample)
	switch {
	case log == nil:
		return p
	case seen.Log == nil:
		log.Lines, log.Bytes = loadLines, 8*wordsBytes
		return metric.Progress{Log: log, Waiting: "The load test has ended; reading the end of its log.", LoadFrom: p.LoadFrom, LoadTo: p.LoadTo}
	}
	seen.Log = &metric.Log{Text: spoken(seen.Log.Text), Problem: seen.Log.Problem}
	p.Sample = about(seen.Job, withLog(seen, ended, p.Sample))
	return p
}

// spoken is what a load test says beside its numbers, which are kept elsewhere. Where the log was cut, its first line
// may be a part of them.
func spoken(log string) string {
	var said strings.Builder
	for line := range strings.Lines(log) {
		text := strings.TrimSpace(line)
		if !strings.HasPrefix(text, "{") && !strings.HasSuffix(text, "}") {
			said.WriteString(line)
		}
	}
	return said.String()
}

// loadDone is a test that has ended, with what is to be read of its log.
func loadDone(seen metric.Seen, parts []loadPart, sample judge.Sample, merged *result.Result) metric.Progress {
	p := metric.Progress{Done: true, Sample: about(seen.Job, sample), LoadFrom: loadFrom(parts)}
	if merged != nil {
		p.LoadFrom, p.LoadTo = loadSpan(*merged)
	}
	return withLoadLog(seen, parts, p)
}
