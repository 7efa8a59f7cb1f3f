package script

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
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
	read, err := s.read(data)
	if err == nil && len(read.rows) == 0 {
		err = errors.New("the file has no rows")
	}
	if err != nil {
		c.fail(s.path.at, path, "reading %q: %s", name, err)
		return nil
	}
	if odd := s.odd(read.first); odd != "" {
		c.warn(CodeColumns, s.path.at, path, "%s", odd)
	}
	return read.rows
}

// odd is why the names of the columns do not fit what stands first in the file, "" when they do.
func (s sheet) odd(first []string) string {
	if len(first) < len(s.fields) {
		return fmt.Sprintf("the file has %d columns, and fields names %d: nothing sets %s", len(first), len(s.fields), strings.Join(s.fields[len(first):], ", "))
	}
	for i := range first {
		first[i] = strings.TrimSpace(first[i])
	}
	switch named := first[:len(s.fields)]; {
	case slices.Equal(named, s.fields) && !s.skipHeader:
		return "the first row of the file holds the names of its columns, and a user takes it like any other: write skipHeader: true"
	case slices.Equal(named, s.fields) || !s.skipHeader:
		return ""
	}
	for _, field := range s.fields {
		if !slices.Contains(first, field) {
			return ""
		}
	}
	return fmt.Sprintf("the file's columns are %s, and fields has them in another order: values go by their place, not by their name", strings.Join(first, ", "))
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

// table is what a file holds.
type table struct {
	first []string // row, also where that is not one of the rows
	rows  [][]any  // with as many values as there are fields
}

// read turns a file into rows.
func (s sheet) read(data []byte) (out table, err error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if s.keepEmpty && bytes.Contains(bytes.ReplaceAll(data, []byte("\r"), nil), []byte("\n\n")) {
		return out, errors.New("it has empty lines, and empty rows are not supported: leave skipEmptyLines out")
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.Comment, r.ReuseRecord = s.comma, s.comment, true
	for first := true; ; first = false {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if first {
			out.first = slices.Clone(record)
		}
		if first && s.skipHeader {
			continue
		}
		if (len(out.rows)+1)*len(s.fields) > maxCells {
			return out, fmt.Errorf("it has more than %d values", maxCells)
		}
		out.rows = append(out.rows, s.row(record))
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
