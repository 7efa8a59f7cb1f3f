package script

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds on what a script may bring along.
const (
	maxPayload = 64 << 20
	maxCells   = 5_000_000
	maxPart    = 16 << 20
	maxPEM     = 1 << 20
)

// file reads a file beside the script.
func (c *compiler) file(v *value, path, name string, most int) []byte {
	if c.options.Read == nil {
		c.add(Problem{At: v.at, Path: path, Code: CodeUnreadableFile, Text: "there are no files beside this script, so " + strconv.Quote(name) + " cannot be read"})
		return nil
	}
	data, err := c.options.Read(name)
	switch {
	case err != nil:
		c.add(Problem{At: v.at, Path: path, Code: CodeUnreadableFile, Text: "reading " + strconv.Quote(name) + ": " + err.Error()})
		return nil
	case len(data) > most:
		c.add(Problem{At: v.at, Path: path, Code: CodeUnreadableFile, Text: fmt.Sprintf("%q is larger than %d bytes", name, most)})
		return nil
	}
	return data
}

// payloads reads one file's description or a list of them.
func (c *compiler) payloads(v *value) []Payload {
	var out []Payload
	given := c.options.Payload
	for i, item := range listOf(v) {
		path := "config.payload"
		if v.kind == list {
			path = index(path, i)
		}
		if item.kind == object && item.get("path") == nil && given != "" {
			item = item.set("path", &value{at: Position{File: "--payload"}, kind: scalar, scalar: given})
			given = ""
		}
		out = append(out, c.payload(item, path))
	}
	if given != "" {
		c.warn(CodeIgnored, Position{File: "--payload"}, "", "ignored, because every config.payload names its own path")
	}
	return out
}

// sheet is how a file of rows is to be read.
type sheet struct {
	path       *value
	fields     []string
	comma      rune
	comment    rune
	skipHeader bool
	keepEmpty  bool
	trims      bool
	casts      bool
	loadAll    bool
	name       string
}

var payloadKeys = keys{now: []string{
	"path", "fields", "order", "skipHeader", "delimiter", "cast", "skipEmptyLines", "loadAll", "name", "options",
}}

func (c *compiler) payload(v *value, path string) Payload {
	s := sheet{comma: ',', casts: true}
	var out Payload
	for _, f := range c.fields(v, path, payloadKeys) {
		where := path + "." + f.key
		switch f.key {
		case "order":
			out.Sequence = c.oneOf(f.value, where, "random", "sequence") == "sequence"
		case "options":
			c.csvOptions(f.value, where, &s)
		default:
			c.payloadField(f, where, &s)
		}
	}
	out.Fields = s.fields
	if v.kind != object || !c.checkSheet(v, path, s) {
		return out
	}
	if s.loadAll {
		out.Name = s.name
	}
	out.Rows = c.rows(s, path+".path")
	return out
}

// checkSheet says whether there is a file to read, and reports what does not fit together.
func (c *compiler) checkSheet(v *value, path string, s sheet) bool {
	switch {
	case s.path == nil:
		c.add(Problem{At: v.at, Path: path, Code: CodeInvalid, Text: "names no file", Instead: "write path, or give -p FILE"})
		return false
	case len(s.fields) == 0:
		c.fail(v.at, path, "has no fields, the names of the columns")
		return false
	case s.loadAll && s.name == "":
		c.fail(v.at, path, "loadAll needs name, the variable that takes the rows")
	case s.name != "" && !s.loadAll:
		c.warn(CodeIgnored, v.get("name").at, path+".name", "ignored without loadAll: true")
	}
	return true
}

func (c *compiler) rows(s sheet, path string) [][]any {
	name := c.settled(s.path, path)
	before := len(c.problems)
	data := c.file(s.path, path, name, maxPayload)
	if len(c.problems) > before {
		return nil
	}
	rows, err := s.read(data)
	if err == nil && len(rows) == 0 {
		err = errors.New("the file has no rows")
	}
	if err != nil {
		c.fail(s.path.at, path, "reading %q: %s", name, err)
	}
	return rows
}

func (c *compiler) payloadField(f field, path string, s *sheet) {
	switch f.key {
	case "path":
		s.path = f.value
	case "fields":
		for _, item := range listOf(f.value) {
			s.fields = append(s.fields, c.settled(item, path))
		}
	case "skipHeader":
		s.skipHeader = c.boolean(f.value, path)
	case "delimiter":
		s.comma = c.character(f.value, path, s.comma)
	case "cast":
		s.casts = c.boolean(f.value, path)
	case "skipEmptyLines":
		s.keepEmpty = !c.boolean(f.value, path)
	case "loadAll":
		s.loadAll = c.boolean(f.value, path)
	case "name":
		s.name = c.settled(f.value, path)
	}
}

var csvKeys = keys{now: []string{"delimiter", "cast", "trim", "comment", "skip_empty_lines", "skipEmptyLines"}}

// csvOptions takes those of the CSV reader's raw options that mean something here.
func (c *compiler) csvOptions(v *value, path string, s *sheet) {
	for _, f := range c.fields(v, path, csvKeys) {
		where := path + "." + f.key
		switch f.key {
		case "delimiter":
			s.comma = c.character(f.value, where, s.comma)
		case "comment":
			s.comment = c.character(f.value, where, s.comment)
		case "trim":
			s.trims = c.boolean(f.value, where)
		case "cast":
			s.casts = c.boolean(f.value, where)
		default:
			s.keepEmpty = !c.boolean(f.value, where)
		}
	}
}

func (c *compiler) character(v *value, path string, otherwise rune) rune {
	text := c.settled(v, path)
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 || n != len(text) || r == utf8.RuneError || r == '"' || r == '\n' || r == '\r' {
		c.fail(v.at, path, "must be one character, not %s", v.describe())
		return otherwise
	}
	return r
}

// read turns a file into rows; a row has as many values as there are fields.
func (s sheet) read(data []byte) ([][]any, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if s.keepEmpty && bytes.Contains(bytes.ReplaceAll(data, []byte("\r"), nil), []byte("\n\n")) {
		return nil, errors.New("it has empty lines, and empty rows are not supported: leave skipEmptyLines out")
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.Comment, r.ReuseRecord = s.comma, s.comment, true
	var rows [][]any
	for first := true; ; first = false {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if first && s.skipHeader {
			continue
		}
		if (len(rows)+1)*len(s.fields) > maxCells {
			return nil, fmt.Errorf("it has more than %d values", maxCells)
		}
		rows = append(rows, s.row(record))
	}
}

func (s sheet) row(record []string) []any {
	row := make([]any, min(len(s.fields), len(record)))
	for i := range row {
		cell := record[i]
		if s.trims {
			cell = strings.TrimSpace(cell)
		}
		row[i] = cell
		if s.casts {
			row[i] = cast(cell)
		}
	}
	return row
}

var numeric = regexp.MustCompile(`^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$`)

// cast makes a number of a text that is one, as 007 is 7; everything else stays a text.
func cast(cell string) any {
	if !numeric.MatchString(cell) {
		return cell
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	if err != nil {
		return cell
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}
