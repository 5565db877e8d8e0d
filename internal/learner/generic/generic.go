// Package generic reads learning records other than OULAD: the flat tables of
// xAPI-Edu-Data and UCI student performance, a generic form of events, outcomes and
// posts, and what analyze left of a course's lessons. docs/learner-inputs.md has
// the forms.
//
// A row that cannot be used is a bad row: kept out, counted and told with file and
// line. A column or file that is missing is one error that names it.
package generic

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"classlens/internal/learner/logs"
)

// ErrForm says that a file is in none of the forms.
var ErrForm = errors.New("not a form that is known")

// Bad are the rows that were kept out.
type Bad struct {
	Rows  []logs.BadRow // the first logs.MaxBad
	Count int
}

func (b *Bad) add(file string, line int, reason string) {
	b.Count++
	if len(b.Rows) < logs.MaxBad {
		b.Rows = append(b.Rows, logs.BadRow{File: file, Line: line, Reason: reason})
	}
}

// row gives the fields of one row by column.
type row struct {
	at     map[string]int
	fields []string
	line   int
	comma  rune // between fields
}

// get is a field, "" when the column is not there.
func (r row) get(column string) string {
	if i, ok := r.at[column]; ok {
		return strings.TrimSpace(r.fields[i])
	}
	return ""
}

// numeral is a field that may be a number: where fields are not parted by commas, 65,5 is 65.5.
func (r row) numeral(column string) string {
	text := r.get(column)
	if whole, part, cut := strings.Cut(text, ","); cut && r.comma != ',' && !strings.ContainsAny(part, ".,") {
		return whole + "." + part
	}
	return text
}

// number is a field within bounds.
func (r row) number(column string, low, high float64) (float64, string) {
	v, err := strconv.ParseFloat(r.numeral(column), 64)
	if err != nil || !(v >= low && v <= high) {
		return 0, fmt.Sprintf("%s %q is not a number from %g to %g", column, r.get(column), low, high)
	}
	return v, ""
}

// commaOf tells what parts the fields of a table, by its header: a comma, semicolon or tab,
// whichever parts most of the columns.
func commaOf(header string, columns []string) rune {
	best, most := ',', 0
	for _, c := range ",;\t" {
		have := 0
		for _, field := range strings.Split(header, string(c)) {
			if slices.Contains(columns, strings.Trim(strings.TrimSpace(field), `"`)) {
				have++
			}
		}
		if have > most {
			best, most = c, have
		}
	}
	return best
}

// headerBytes is how long a header may be to be looked at.
const headerBytes = 4096

// open begins a table: its header is read, and has the columns. What parts fields is found out where comma is 0.
func open(f io.Reader, base string, comma rune, columns []string) (c *csv.Reader, header []string, err error) {
	text := bufio.NewReaderSize(f, 2*headerBytes)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" { // before the reader sees it: the first field may be quoted
		_, _ = text.Discard(3)
	}
	if comma == 0 {
		head, _ := text.Peek(headerBytes) // shorter files give an error, too
		line, _, _ := strings.Cut(string(head), "\n")
		comma = commaOf(line, columns)
	}
	c = csv.NewReader(text)
	c.Comma, c.ReuseRecord, c.FieldsPerRecord, c.LazyQuotes = comma, true, -1, true
	first, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s: empty; it must begin with a header", base)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", base, err)
	}
	for _, h := range first {
		header = append(header, strings.TrimSpace(h))
	}
	for _, want := range columns {
		switch {
		case slices.Contains(header, want):
		case len(header) == 1:
			return nil, nil, fmt.Errorf("%s: column %q is missing; fields must be parted by commas, semicolons or tabs, and the first line is %s", base, want, header[0])
		default:
			return nil, nil, fmt.Errorf("%s: column %q is missing; the header has %s", base, want, strings.Join(header, string(comma)))
		}
	}
	return c, header, nil
}

// read walks over a table with a header; what do returns that is not empty makes
// the row bad. It gives the number of good rows. Messages call the file base. What parts
// fields is found out where comma is 0.
func read(name, base string, comma rune, columns []string, bad *Bad, do func(row) string) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	c, header, err := open(f, base, comma, columns)
	if err != nil {
		return 0, err
	}
	at := map[string]int{}
	for i, h := range header {
		at[h] = i
	}
	good := 0
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return good, nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			bad.add(base, parse.Line, parse.Err.Error())
			continue
		}
		if err != nil {
			return good, fmt.Errorf("%s: %w", base, err)
		}
		line, _ := c.FieldPos(0)
		if len(fields) != len(header) {
			bad.add(base, line, fmt.Sprintf("%d fields, the header has %d", len(fields), len(header)))
			continue
		}
		if reason := do(row{at, fields, line, c.Comma}); reason != "" {
			bad.add(base, line, reason)
			continue
		}
		good++
	}
}

// Kind is a form of input.
type Kind string

// Forms of input.
const (
	XAPI   Kind = "xapi"   // xAPI-Edu-Data, one file
	UCI    Kind = "uci"    // UCI student performance, one file
	Events Kind = "events" // a folder with events.csv and outcomes.csv
)

// Detect tells the form of a file or folder by its header.
func Detect(path string) (Kind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(path, "events.csv")); err == nil {
			return Events, nil
		}
		return "", fmt.Errorf("%s: %w: events.csv is missing", path, ErrForm)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, headerBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	if most(line, ",", xapiColumns()) {
		return XAPI, nil
	}
	if most(line, ";", uciColumns()) {
		return UCI, nil
	}
	return "", fmt.Errorf("%s: %w: want a table of xAPI-Edu-Data (commas) or UCI student performance (semicolons), or a folder; its header is %s", path, ErrForm, strings.TrimSpace(line))
}

// most tells whether a header has most of the columns of a form: the form's reader then names those
// that are missing.
func most(header, comma string, columns []string) bool {
	have := 0
	for _, field := range strings.Split(strings.TrimPrefix(header, "\ufeff"), comma) {
		if slices.Contains(columns, strings.Trim(strings.TrimSpace(field), `"`)) {
			have++
		}
	}
	return 2*have > len(columns)
}

// index of a value, or an answer that names them all.
func oneOf(column, value string, all []string) (int, string) {
	if i := slices.Index(all, value); i >= 0 {
		return i, ""
	}
	return 0, fmt.Sprintf("%s %q is none of %s", column, value, strings.Join(all, ", "))
}
