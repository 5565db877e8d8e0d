package logs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// table walks over a file with a header, fields parted by commas, semicolons or tabs, plain or gzipped, a row
// at a time and without allocating: fields are valid until the next row.
type table struct {
	name   string // base name, for messages
	line   int
	fields [][]byte // in the order of the wanted columns; nil for an optional one that is missing

	closers []io.Closer
	reader  *bufio.Reader
	comma   byte // between fields
	all     [][]byte
	at      []int
}

// errNoTable says that a folder has neither name nor name.gz.
var errNoTable = errors.New("no such table")

// openTable opens dir/name or dir/name.gz. Columns ending in "?" may be missing.
func openTable(dir, name string, columns ...string) (*table, error) {
	t := &table{name: name}
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		t.name = name + ".gz"
		f, err = os.Open(filepath.Join(dir, t.name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: neither %s nor %s.gz in %s", errNoTable, name, name, dir)
	}
	if err != nil {
		return nil, err
	}
	t.closers = append(t.closers, f)
	var r io.Reader = f
	if strings.HasSuffix(t.name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Close()
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		t.closers, r = append(t.closers, z), z
	}
	t.reader = bufio.NewReaderSize(r, 1<<16)
	if err := t.header(columns); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Close closes the file.
func (t *table) Close() {
	for i := len(t.closers) - 1; i >= 0; i-- {
		t.closers[i].Close()
	}
}

func (t *table) header(columns []string) error {
	t.comma = ','
	head, _ := t.reader.Peek(4096) // shorter files give an error, too
	first, _, _ := bytes.Cut(head, []byte("\n"))
	for _, other := range []byte(";\t") { // as spreadsheets save where the comma is the decimal sign
		if bytes.Count(first, []byte{other}) > bytes.Count(first, []byte{t.comma}) {
			t.comma = other
		}
	}
	if ok, err := t.read(); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%s: empty; it must begin with a header", t.name)
	}
	names := map[string]int{}
	var have []string
	for i, f := range t.all {
		name := string(f)
		names[name] = i
		have = append(have, name)
	}
	for _, want := range columns {
		name, optional := strings.CutSuffix(want, "?")
		i, ok := names[name]
		if !ok && !optional && len(have) == 1 {
			return fmt.Errorf("%s: column %q is missing; fields must be parted by commas, semicolons or tabs, and the first line is %s", t.name, name, have[0])
		}
		if !ok && !optional {
			return fmt.Errorf("%s: column %q is missing; the header has %s", t.name, name, strings.Join(have, string(t.comma)))
		}
		if !ok {
			i = -1
		}
		t.at = append(t.at, i)
	}
	t.fields = make([][]byte, len(columns))
	return nil
}

// next moves to the next row that has as many fields as the header; the others go
// to the log's bad rows.
func (t *table) next(l *Log) (bool, error) {
	width := len(t.all)
	for {
		ok, err := t.read()
		if !ok || err != nil {
			return false, err
		}
		if len(t.all) == 1 && len(t.all[0]) == 0 && width > 1 {
			t.all = t.all[:width]
			continue // empty line
		}
		if len(t.all) != width {
			l.bad(t.name, t.line, "%d fields, the header has %d", len(t.all), width)
			t.all = append(t.all[:0], make([][]byte, width)...)
			continue
		}
		for i, at := range t.at {
			t.fields[i] = nil
			if at >= 0 {
				t.fields[i] = t.all[at]
			}
		}
		return true, nil
	}
}

// read splits one line into t.all.
func (t *table) read() (bool, error) {
	line, err := t.reader.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return false, fmt.Errorf("%s:%d: a line longer than 64 KiB: is this a table?", t.name, t.line+1)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("%s:%d: %w", t.name, t.line+1, err)
	}
	if len(line) == 0 {
		return false, nil
	}
	t.line++
	if t.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	t.all = split(t.all[:0], t.comma, bytes.TrimRight(line, "\r\n"))
	return true, nil
}

// split cuts a line at its commas, or what stands for them; quoted fields lose their quotes, two quotes within
// are one, and a comma within quotes stays.
func split(fields [][]byte, comma byte, line []byte) [][]byte {
	for {
		field, rest, more := line, []byte(nil), false
		if i := bytes.IndexByte(line, comma); i >= 0 {
			field, rest, more = line[:i], line[i+1:], true
		}
		if end := closing(line, comma); end > 0 {
			field, rest, more = line[1:end], nil, end+1 < len(line)
			if more {
				rest = line[end+2:]
			}
			if bytes.IndexByte(field, '"') >= 0 {
				field = bytes.ReplaceAll(field, []byte(`""`), []byte(`"`))
			}
		}
		fields = append(fields, field)
		if !more {
			return fields
		}
		line = rest
	}
}

// closing is where the quote is that ends the quoted field a line begins with; 0 when it begins with none.
func closing(line []byte, comma byte) int {
	if len(line) == 0 || line[0] != '"' {
		return 0
	}
	for i := 1; i < len(line); i++ {
		if line[i] != '"' {
			continue
		}
		switch {
		case i+1 == len(line) || line[i+1] == comma:
			return i
		case line[i+1] != '"':
			return 0 // no CSV; the field is taken as it is
		}
		i++
	}
	return 0
}

// missing tells whether a field stands for no value.
func missing(f []byte) bool { return len(f) == 0 || len(f) == 1 && f[0] == '?' }

// decimal reads a number; 65,5 is 65.5.
func decimal(f []byte) (float64, error) {
	if bytes.Count(f, []byte(",")) == 1 && bytes.IndexByte(f, '.') < 0 {
		f = bytes.ReplaceAll(f, []byte(","), []byte("."))
	}
	return strconv.ParseFloat(string(f), 64)
}

// day reads a whole number of days; false when it is none.
func day(f []byte) (int, bool) {
	negative := len(f) > 0 && f[0] == '-'
	if negative {
		f = f[1:]
	}
	if cut := bytes.TrimSuffix(f, []byte(".0")); len(cut) > 0 {
		f = cut
	}
	if len(f) == 0 || len(f) > 6 {
		return 0, false
	}
	n := 0
	for _, c := range f {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// dayOrNone reads a day; an empty field is NoDay.
func dayOrNone(f []byte) (int, bool) {
	if missing(f) {
		return NoDay, true
	}
	return day(f)
}
