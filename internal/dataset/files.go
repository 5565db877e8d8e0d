package dataset

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"classlens/internal/safefile"
)

// ownFile is the project's own form: the Set as JSON, media beside it or with
// paths relative to it.
const ownFile = "dataset.json"

func exists(parts ...string) bool {
	_, err := os.Stat(filepath.Join(parts...))
	return err == nil
}

// isFile tells whether the parts lead to a file that is no folder.
func isFile(parts ...string) bool {
	info, err := os.Stat(filepath.Join(parts...))
	return err == nil && !info.IsDir()
}

func readOwn(dir string) (*Set, error) {
	raw, err := os.ReadFile(filepath.Join(dir, ownFile))
	if err != nil {
		return nil, err
	}
	s := &Set{}
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, err
	}
	return s, upToDate(dir)
}

// upToDate fails where labels were given by hand after dataset.json was made of them: it would keep them from being read.
func upToDate(dir string) error {
	own, err := os.Stat(filepath.Join(dir, ownFile))
	if err != nil {
		return err
	}
	for _, file := range intervalFiles(dir) {
		name := filepath.Join(dir, filepath.FromSlash(file))
		labels, err := os.Stat(name)
		if err == nil && labels.ModTime().After(own.ModTime()) && exists(filepath.Dir(name), LabelsName) {
			return fmt.Errorf("%s is older than the labels in %s: remove it, labels are read as they are", ownFile, file)
		}
	}
	return nil
}

// Save writes the set as dataset.json into dir, which must be the set's own
// folder: media are named relative to it.
func (s *Set) Save(dir string) error {
	raw, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return safefile.WriteFile(filepath.Join(dir, ownFile), append(raw, '\n'))
}

// table is a CSV file with its header.
type table struct {
	name  string
	head  []string // in lower case
	first []string // the header's line as it is, for forms that have none
	rows  [][]string
}

// readTable reads a CSV file; as a spreadsheet writes it where the comma is the decimal sign, too: with semicolons or tabs between fields.
func readTable(name string) (*table, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // before a quote the reader would take it for a part of the field
	r := csv.NewReader(bytes.NewReader(raw))
	first, _, _ := bytes.Cut(raw, []byte{'\n'})
	for _, other := range []byte(";\t") {
		if bytes.IndexByte(first, other) >= 0 && bytes.Count(first, []byte{other}) > bytes.Count(first, []byte{byte(r.Comma)}) {
			r.Comma = rune(other)
		}
	}
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: empty", filepath.Base(name))
	}
	if r.Comma != ',' {
		for _, row := range rows {
			for i, cell := range row {
				if decimalComma.MatchString(cell) {
					row[i] = strings.Replace(cell, ",", ".", 1)
				}
			}
		}
	}
	t := &table{name: filepath.Base(name), first: rows[0], rows: rows[1:]}
	for _, h := range t.first {
		t.head = append(t.head, strings.ToLower(strings.TrimSpace(h)))
	}
	return t, nil
}

var decimalComma = regexp.MustCompile(`^\s*[-+]?\d+,\d+\s*$`)

// finite reads a number; what is none, infinite ones among it, is an error.
func finite(words string) (float64, error) {
	v, err := strconv.ParseFloat(words, 64)
	if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
		err = fmt.Errorf("%q is no number", words)
	}
	return v, err
}

// column finds the first of the names, -1 for none.
func (t *table) column(names ...string) int {
	for _, n := range names {
		if i := slices.Index(t.head, n); i >= 0 {
			return i
		}
	}
	return -1
}

// cell is row's value in a column, "" where there is none.
func cell(row []string, column int) string {
	if column < 0 || column >= len(row) {
		return ""
	}
	return strings.TrimSpace(row[column])
}

// below finds files in a folder by a pattern with slashes, as paths below the folder, in alphabetical order. (filepath.Glob would take a bracket in the folder's own
// name, as in "class [5b]", for a part of the pattern.)
func below(dir, pattern string) []string {
	found, _ := fs.Glob(os.DirFS(dir), pattern) // patterns are fixed
	slices.Sort(found)
	return found
}

// tables are the CSV files of a folder.
func tables(dir string) []string {
	var names []string
	for _, f := range below(dir, "*.csv") {
		names = append(names, filepath.Join(dir, f))
	}
	return names
}

// mediaIndex finds media below a folder by file name without extension.
func mediaIndex(dir string, extensions ...string) (map[string]string, error) {
	byPath, err := pathIndex(dir, extensions...)
	if err != nil {
		return nil, err
	}
	index := map[string]string{}
	for name, rel := range byPath {
		key := path.Base(name)
		if other, ok := index[key]; ok {
			return nil, fmt.Errorf("%s and %s have one name", other, rel)
		}
		index[key] = rel
	}
	return index, nil
}

// pathIndex finds media below a folder by path without extension.
func pathIndex(dir string, extensions ...string) (map[string]string, error) {
	index := map[string]string{}
	if real, err := filepath.EvalSymlinks(dir); err == nil { // WalkDir does not follow a link to a folder
		dir = real
	}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !slices.Contains(extensions, strings.ToLower(filepath.Ext(p))) {
			return nil
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		key := strings.TrimSuffix(rel, path.Ext(rel))
		if other, ok := index[key]; ok {
			if rel > other { // a picture kept in two forms: the first of them counts
				return nil
			}
		}
		index[key] = rel
		return nil
	})
	if errors.Is(err, os.ErrNotExist) {
		return index, nil
	}
	return index, err
}

var (
	pictureTypes = []string{".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
	videoTypes   = []string{".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v", ".ts", ".mts", ".m2ts"}
)

// IsVideo tells whether a medium is a video by its name.
func IsVideo(media string) bool { return slices.Contains(videoTypes, strings.ToLower(path.Ext(media))) }
