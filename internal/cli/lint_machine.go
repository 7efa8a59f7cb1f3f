package cli

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/manifest"
)

// github are workflow commands, which GitHub shows beside the lines of a pull request.
func (r lintReport) github() []string {
	commands := map[string]string{"error": "error", "warning": "warning", "note": "notice"}
	var lines []string
	for _, f := range r.findings {
		lines = append(lines, fmt.Sprintf("::%s file=%s,line=%d,col=%d,title=%s::%s",
			commands[f.Severity], property(filepath.ToSlash(f.File)), f.Line, f.Column, property("sluice "+string(f.Rule)), data(f.sentence())))
	}
	return append(lines, r.summary())
}

// sentence is the finding without its place in the file: both formats tell that apart.
func (f LintFinding) sentence() string {
	text := f.Message
	if f.Path != "" {
		text = f.Path + ": " + text
	}
	if f.Fix != "" {
		text += "; " + f.Fix
	}
	return text
}

// data escapes what stands behind the second pair of colons of a workflow command.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// property escapes a value before them, where colons and commas have a meaning as well.
func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(text))
}

// The parts of SARIF 2.1.0 that are used here.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string      `json:"id"`
		Short         sarifText   `json:"shortDescription"`
		Help          sarifText   `json:"help"`
		Configuration sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
		Related   []sarifLocation `json:"relatedLocations,omitempty"`
	}
	sarifLocation struct {
		ID       *int          `json:"id,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// sarif is the report for code scanning.
func (r lintReport) sarif(version string) sarifLog {
	driver := sarifDriver{Name: "sluice", Version: version}
	index := map[manifest.Rule]int{}
	for i, rule := range LintRules() {
		index[rule.ID] = i
		driver.Rules = append(driver.Rules, sarifRule{
			ID: string(rule.ID), Short: sarifText{rule.Summary}, Help: sarifText{rule.Summary + ". " + rule.Help}, Configuration: sarifConfig{rule.Severity},
		})
	}
	results := []sarifResult{}
	for _, f := range r.findings {
		result := sarifResult{
			RuleID: string(f.Rule), RuleIndex: index[f.Rule], Level: f.Severity, Message: sarifText{f.sentence()},
			Locations: []sarifLocation{{Physical: physical(f.File, f.Line, f.Column)}},
		}
		for i, place := range f.Related {
			result.Related = append(result.Related, sarifLocation{ID: &i, Physical: physical(place.File, place.Line, place.Column), Message: &sarifText{place.Message}})
		}
		results = append(results, result)
	}
	return sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: results}},
	}
}

func physical(file string, line, column int) sarifPhysical {
	return sarifPhysical{sarifArtifact{uri(file)}, sarifRegion{line, column}}
}

// uri names a file: relative to where the command was run, which is the repository in CI.
func uri(file string) string {
	file = filepath.ToSlash(strings.Trim(file, "<>"))
	if filepath.IsAbs(file) {
		return (&url.URL{Scheme: "file", Path: file}).String()
	}
	return (&url.URL{Path: strings.TrimPrefix(file, "./")}).EscapedPath()
}

// LintRule says what a rule is about.
type LintRule struct {
	ID       manifest.Rule
	Severity string // error, warning or note, unless a finding has another
	Summary  string
	Help     string
}

// LintRules are all rules that findings can have, by their names.
func LintRules() []LintRule {
	all := slices.Concat(readingRules, fieldRules, meaningRules, togetherRules, dangerRules)
	slices.SortFunc(all, func(a, b LintRule) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
}
