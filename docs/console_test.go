package docs_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.dev/sluice/internal/cli"
	"sluice.dev/sluice/internal/load/command"
	"sluice.dev/sluice/internal/load/result"
)

// shop answers as the page's shop does, so many milliseconds later; broken, it answers 500.
func shop(t *testing.T, slow time.Duration, broken bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(slow)
		switch {
		case broken:
			w.WriteHeader(http.StatusInternalServerError)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// terminal runs the command lines of a page in one directory, one after another.
type terminal struct {
	*testing.T
	// addresses are what the page calls the servers, and what they are called here.
	addresses map[string]string
	code      int
}

func (c *terminal) translate(text string, back bool) string {
	for theirs, ours := range c.addresses {
		if back {
			theirs, ours = ours, theirs
		}
		text = strings.ReplaceAll(text, theirs, ours)
	}
	return text
}

// run executes a command line and returns what it printed.
func (c *terminal) run(line string) string {
	c.Helper()
	words := strings.Fields(c.translate(strings.ReplaceAll(line, "'", ""), false))
	var environment []string
	for len(words) > 0 && assigned.MatchString(words[0]) {
		environment, words = append(environment, words[0]), words[1:]
	}
	var out bytes.Buffer
	switch {
	case line == "echo $?":
		return strconv.Itoa(c.code) + "\n"
	case words[0] == "sluice-load":
		environment = append(environment, "SLUICE_TERMINATION_LOG="+filepath.Join(".", "termination-log"))
		c.code = command.Main(words, command.Env{Out: &out, Err: &out, Environ: environment, Version: "v1.0.0"})
	case words[0] == "sluice":
		c.code = cli.Run(c.Context(), "sluice", words[1:], cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out}, "test")
	case words[0] == "cat" && len(words) == 2:
		raw, err := os.ReadFile(words[1])
		if err != nil {
			c.Error(err)
		}
		out.Write(raw)
	default:
		c.Errorf("the test does not know how to run %q", line)
	}
	return c.translate(out.String(), true)
}

var (
	figure = regexp.MustCompile(`[0-9]+([.,:][0-9]+)*`)
	gaps   = regexp.MustCompile(`[ .]{2,}`)
)

// form is a line without what differs from run to run: its numbers and the width of its columns.
func form(line string) string {
	return strings.TrimSpace(gaps.ReplaceAllString(figure.ReplaceAllString(line, "0"), "  "))
}

// pattern is a line of the page; "…" in it stands for anything.
func pattern(line string) *regexp.Regexp {
	parts := strings.Split(form(line), "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
}

// Every command of the page is run, prints what the page shows, and ends as the page says. Numbers may differ, and a
// line "…" stands for any others.
func TestTheCommandsOfLoadTestingDoWhatThePageShows(t *testing.T) {
	dir := t.TempDir()
	p := loadTesting(t)
	c := &terminal{T: t, addresses: map[string]string{
		"http://localhost:8080": shop(t, 5*time.Millisecond, false),
		"http://localhost:8081": shop(t, time.Millisecond, true),
		"http://localhost:8082": shop(t, 12*time.Millisecond, false),
	}}
	files, err := filepath.Glob(filepath.Join(root, "examples", "load", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(c.translate(string(raw), false)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	ran := 0
	for _, b := range p.blocks {
		if b.language != "console" || b.note == "cluster" {
			continue
		}
		for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			printed := c.run(line)
			// A machine that is busy with other tests is no generator: that is not what the page is about.
			for try := 0; try < 3 && strings.Contains(printed, "the load generator was the bottleneck"); try++ {
				printed = c.run(line)
			}
			ran++
			compareOutput(t, p.at(b)+": "+line, want, printed)
		}
	}
	if ran < 10 {
		t.Errorf("only %d commands were found: is this test looking at the right blocks?", ran)
	}
}

func loadTesting(t *testing.T) page {
	t.Helper()
	for _, p := range pages(t) {
		if p.path == "docs/load-testing.md" {
			return p
		}
	}
	t.Fatal("there is no docs/load-testing.md")
	return page{}
}

func compareOutput(t *testing.T, what, want, got string) {
	t.Helper()
	lines := strings.Split(strings.TrimRight(got, "\n"), "\n")
	if strings.TrimSpace(want) == "" {
		if strings.TrimSpace(got) != "" {
			t.Errorf("%s\nprints what the page does not show:\n%s", what, got)
		}
		return
	}
	at, gap := 0, false
	for _, line := range strings.Split(strings.TrimRight(want, "\n"), "\n") {
		if strings.TrimSpace(line) == "…" {
			gap = true
			continue
		}
		like := pattern(line)
		for gap && at < len(lines) && !like.MatchString(form(lines[at])) {
			at++
		}
		if at >= len(lines) || !like.MatchString(form(lines[at])) {
			t.Errorf("%s\ndoes not print here: %s\nbut:\n%s", what, line, got)
			return
		}
		at, gap = at+1, false
	}
	if !gap && at < len(lines) {
		t.Errorf("%s\nprints more than the page shows: %s", what, lines[at])
	}
}

// Commands stand in blocks that are run, here or on the cluster of the end-to-end tests, and nowhere else.
func TestLoadTestingHasNoCommandThatIsNotRun(t *testing.T) {
	for _, b := range loadTesting(t).blocks {
		if b.language == "sh" || b.language == "bash" || b.language == "" {
			t.Errorf("docs/load-testing.md:%d: a block of commands that no test runs: make it ```console", b.line)
		}
	}
}

var resultRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\| ([^|]*) \\| [^|]+ \\|$")

// The table of the result has every key there is, short and long, and no other.
func TestTheTableOfTheResultIsComplete(t *testing.T) {
	documented := map[string]string{}
	for _, found := range resultRow.FindAllStringSubmatch(loadTesting(t).text, -1) {
		documented[found[1]] = found[2]
	}
	known := map[string]string{}
	keysOf(reflect.TypeFor[result.Result](), "", "", known)
	for short, long := range known {
		if documented[short] != long {
			t.Errorf("the key %s (%s) stands there as %q", short, long, documented[short])
		}
	}
	for short := range documented {
		if known[short] == "" {
			t.Errorf("there is no key %s", short)
		}
	}
}

// keysOf collects the keys of a struct, and of those in it that are not told once for all.
func keysOf(of reflect.Type, short, long string, into map[string]string) {
	for i := range of.NumField() {
		field := of.Field(i)
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		name := field.Tag.Get("long")
		if name == "-" {
			name = "–"
		}
		inner := field.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		into[short+key] = long + name
		if name == "–" {
			into[short+key] = name
			continue
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[result.Quantiles]() && inner != reflect.TypeFor[result.Side]() {
			keysOf(inner, short+key+".", long+name+".", into)
		}
	}
}

var (
	loadFlagRow  = regexp.MustCompile("(?m)^\\| (?:`-[a-z]`, )?`--([a-z-]+)`")
	loadFlagHelp = regexp.MustCompile(`(?m)^ +(?:-[a-z], )? *--([a-z-]+)`)
	exitCodeRow  = regexp.MustCompile(`(?m)^\| ([0-9]+) \| `)
)

// The flags and exit codes of the page are those of the program.
func TestTheFlagsAndExitCodesOfLoadTestingAreComplete(t *testing.T) {
	var out bytes.Buffer
	if code := command.Main([]string{"sluice-load", "run", "--help"}, command.Env{Out: &out, Err: &out}); code != 0 {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	help := strings.ReplaceAll(out.String(), "--help", "")
	text := loadTesting(t).text
	if missing := difference(loadFlagHelp, help, loadFlagRow, text); len(missing) > 0 {
		t.Errorf("the page does not have: %v", missing)
	}
	if unknown := difference(loadFlagRow, text, loadFlagHelp, help); len(unknown) > 0 {
		t.Errorf("sluice-load run does not have: %v", unknown)
	}
	intro, _, _ := strings.Cut(help, "Usage:")
	for _, found := range exitCodeRow.FindAllStringSubmatch(text, -1) {
		if !regexp.MustCompile(`\b` + found[1] + `\b`).MatchString(intro) {
			t.Errorf("the help knows no exit code %s", found[1])
		}
	}
	if n := len(exitCodeRow.FindAllString(text, -1)); n < 7 {
		t.Errorf("%d exit codes, want 7", n)
	}
}
