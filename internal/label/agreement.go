package label

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"classlens/internal/dataset"
	"classlens/internal/safefile"
	"classlens/internal/timeline"
	"classlens/model/metrics"
)

// Agreement is how far two raters agree, kind by kind.
type Agreement struct {
	Raters     [2]string        `json:"raters"`
	Recordings []string         `json:"recordings"`
	Kinds      []KindAgreement  `json:"kinds"`
	Notes      []string         `json:"notes,omitempty"` // what weakens the figures
	labelled   map[string][]rep // by kind
}

// rep is one step of one student that both have labelled.
type rep struct {
	group string
	a, b  string
}

// KindAgreement is that of one kind, over the steps that both have labelled and of which neither said unknown.
type KindAgreement struct {
	Kind      string   `json:"kind"`
	Steps     int      `json:"steps"`
	Unknown   int      `json:"steps_unknown"` // to one of them, or both
	Students  int      `json:"students"`
	Percent   Figure   `json:"agreement"`
	Kappa     Figure   `json:"kappa"`
	Weighted  *Figure  `json:"quadratic_weighted_kappa,omitempty"` // of ordered labels
	Labels    []string `json:"labels"`
	Confusion [][]int  `json:"confusion"` // first rater's labels in rows
}

// Figure is a share or a kappa with its 95 % interval, by bootstrap over students.
type Figure struct {
	Value    float64           `json:"value"`
	Interval *metrics.Interval `json:"interval_95,omitempty"` // nil below three students
}

// leastStudents that an interval is drawn over.
const leastStudents = 3

// Agree compares two raters' folders: those of one recording, or of all their recordings, of which those count that both have labelled.
func Agree(a, b string) (*Agreement, error) {
	first, err := raterFolder(a)
	if err != nil {
		return nil, err
	}
	second, err := raterFolder(b)
	if err != nil {
		return nil, err
	}
	out := &Agreement{labelled: map[string][]rep{}}
	for _, sum := range slices.Sorted(maps.Keys(first)) {
		other, ok := second[sum]
		if !ok {
			continue
		}
		if err := out.add(first[sum], other); err != nil {
			return nil, err
		}
	}
	if len(out.Recordings) == 0 {
		return nil, fmt.Errorf("%s and %s: no recording is labelled in both", a, b)
	}
	for _, kind := range Kinds {
		if steps := out.labelled[kind]; len(steps) > 0 {
			out.Kinds = append(out.Kinds, judge(kind, steps))
		}
	}
	if len(out.Kinds) == 0 {
		return nil, fmt.Errorf("%s and %s: no step of a student is labelled in both", a, b)
	}
	return out, nil
}

// labelled is a recording's folder of labels.
type labelled struct {
	folder string
	about  dataset.Labels
}

// raterFolder finds a rater's recordings, by their SHA-256: the folder itself, or those in it.
func raterFolder(dir string) (map[string]labelled, error) {
	found := map[string]labelled{}
	folders := []string{dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, filepath.Join(dir, e.Name()))
		}
	}
	for _, f := range folders {
		about, err := dataset.LoadLabels(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if other, twice := found[about.SHA256]; twice {
			return nil, fmt.Errorf("%s and %s label the same recording: name one rater's folder", other.folder, f)
		}
		found[about.SHA256] = labelled{f, *about}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no labels of classlens label here", dir)
	}
	return found, nil
}

// add compares two raters on one recording, step by step.
func (g *Agreement) add(a, b labelled) error {
	if a.about.Timeline != b.about.Timeline {
		return fmt.Errorf("%s and %s were labelled on different results of analyze: S01 may be two students", a.folder, b.folder)
	}
	l, err := readLesson(filepath.Join(a.folder, timelineName))
	if err != nil {
		return err
	}
	var said [2]map[string]string
	for i, r := range []labelled{a, b} {
		if sum, err := safefile.Sum(filepath.Join(r.folder, timelineName)); err != nil || sum != r.about.Timeline {
			return fmt.Errorf("%s: %w", filepath.Join(r.folder, timelineName), cmpErr(err, errors.New("changed since the labels were begun")))
		}
		given, err := openLabels(filepath.Join(r.folder, IntervalsName), l)
		if err != nil {
			return err
		}
		said[i] = map[string]string{}
		for _, v := range given.all {
			for step := v.First; step < v.End; step++ {
				said[i][v.Kind+"\x00"+v.Student+"\x00"+strconv.Itoa(step)] = v.Label
			}
		}
		if r.about.Proposals {
			g.Notes = append(g.Notes, fmt.Sprintf("%s: the network's proposals were shown to %s", r.about.Recording, r.about.Rater))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(said[0])) {
		if other, ok := said[1][key]; ok {
			parts := strings.Split(key, "\x00")
			g.labelled[parts[0]] = append(g.labelled[parts[0]], rep{a.about.Recording + "/" + parts[1], said[0][key], other})
		}
	}
	g.Recordings = append(g.Recordings, a.about.Recording)
	g.Raters = [2]string{a.about.Rater, b.about.Rater}
	if a.about.Sample == nil || b.about.Sample == nil {
		g.Notes = append(g.Notes, a.about.Recording+": the moments were chosen, not drawn (--sample)")
	}
	return nil
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// judge counts one kind.
func judge(kind string, all []rep) KindAgreement {
	k := KindAgreement{Kind: kind}
	var a, b []int
	var groups []string
	seen := map[string]bool{}
	for _, r := range all {
		if r.a == timeline.Unknown || r.b == timeline.Unknown {
			k.Unknown++
			continue
		}
		seen[r.a], seen[r.b] = true, true
	}
	for _, v := range Values[kind] {
		if seen[v] {
			k.Labels = append(k.Labels, v)
		}
	}
	students := map[string]bool{}
	for _, r := range all {
		if i, j := slices.Index(k.Labels, r.a), slices.Index(k.Labels, r.b); i >= 0 && j >= 0 && r.a != timeline.Unknown && r.b != timeline.Unknown {
			a, b, groups = append(a, i), append(b, j), append(groups, r.group)
			students[r.group] = true
		}
	}
	k.Steps, k.Students = len(a), len(students)
	k.Confusion = metrics.Confusion(a, b, len(k.Labels))
	k.Percent = k.figure(groups, a, b, agreed)
	k.Kappa = k.figure(groups, a, b, func(a, b []int) float64 { return metrics.Cohen(a, b, len(k.Labels)) })
	if kind == "engagement" {
		level := func(v []int) []int { // the distance between levels, not between those that occur
			out := make([]int, len(v))
			for i, x := range v {
				out[i], _ = strconv.Atoi(k.Labels[x]) // one of Values: a digit
			}
			return out
		}
		w := k.figure(groups, level(a), level(b), func(a, b []int) float64 { return metrics.Order(a, b, len(Values[kind])).Kappa })
		k.Weighted = &w
	}
	return k
}

func agreed(a, b []int) float64 {
	n := 0
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return float64(n) / float64(max(len(a), 1))
}

// figure measures all, and draws students anew for the interval.
func (k KindAgreement) figure(groups []string, a, b []int, measure func(a, b []int) float64) Figure {
	f := Figure{Value: measure(a, b)}
	if k.Students >= leastStudents {
		if v, ok := metrics.Bootstrap(groups, 1, func(at []int) float64 { return measure(metrics.Pick(a, at), metrics.Pick(b, at)) }); ok {
			f.Interval = &v
		}
	}
	return f
}

// Text is the agreement as a table for people.
func (g *Agreement) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s and %s on %s\n", g.Raters[0], g.Raters[1], strings.Join(g.Recordings, ", "))
	for _, k := range g.Kinds {
		fmt.Fprintf(&b, "%s: agreement %s, Cohen's kappa %s", k.Kind, k.Percent.text(), k.Kappa.text())
		if k.Weighted != nil {
			fmt.Fprintf(&b, ", quadratic weighted %s", k.Weighted.text())
		}
		fmt.Fprintf(&b, "; %d steps of %d students", k.Steps, k.Students)
		if k.Unknown > 0 {
			fmt.Fprintf(&b, ", %d more that one of them could not tell", k.Unknown)
		}
		b.WriteString("\n")
		k.table(&b, g.Raters)
	}
	for _, n := range g.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return b.String()
}

func (f Figure) text() string {
	if f.Interval == nil {
		return fmt.Sprintf("%.3f", f.Value)
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f]", f.Value, f.Interval.Low, f.Interval.High)
}

// table is the confusion: a row a label of the first rater.
func (k KindAgreement) table(b *strings.Builder, raters [2]string) {
	if len(k.Labels) == 0 {
		return
	}
	fmt.Fprintf(b, "  %-14s", raters[0]+" \\ "+raters[1])
	for _, l := range k.Labels {
		fmt.Fprintf(b, " %12s", l)
	}
	b.WriteString("\n")
	for i, l := range k.Labels {
		fmt.Fprintf(b, "  %-14s", l)
		for _, n := range k.Confusion[i] {
			fmt.Fprintf(b, " %12d", n)
		}
		b.WriteString("\n")
	}
}
