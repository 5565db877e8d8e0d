package label

import (
	"cmp"
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

// Agreement is how far two raters agree, for each kind of label.
type Agreement struct {
	Raters     [2]string         `json:"raters"`
	Recordings []string          `json:"recordings"`
	Kinds      []KindAgreement   `json:"kinds"`
	Notes      []string          `json:"notes,omitempty"` // what weakens the figures
	labelled   map[string][]pair // by kind
}

// pair is what the two raters said of one student at one step.
type pair struct {
	student string // with the recording's name
	a, b    string
}

// KindAgreement is the agreement on one kind of label, over the steps that both raters labelled and neither called unknown.
type KindAgreement struct {
	Kind      string   `json:"kind"`
	Steps     int      `json:"steps"`
	Unknown   int      `json:"steps_unknown"` // steps that at least one of them called unknown
	Students  int      `json:"students"`
	Percent   Figure   `json:"agreement"`
	Kappa     Figure   `json:"kappa"`
	Weighted  *Figure  `json:"quadratic_weighted_kappa,omitempty"` // only of ordered labels
	Labels    []string `json:"labels"`
	Confusion [][]int  `json:"confusion"` // rows: the first rater's labels
}

// Figure is a share or a kappa with its 95 % bootstrap interval over students.
type Figure struct {
	Value    float64           `json:"value"`
	Interval *metrics.Interval `json:"interval_95,omitempty"` // nil below three students
}

// leastStudents is the fewest students for which an interval is given.
const leastStudents = 3

// Agree compares the folders of two raters, each the folder of one recording or of all the rater's recordings; only recordings that both labelled count.
func Agree(a, b string) (*Agreement, error) {
	first, err := raterFolder(a)
	if err != nil {
		return nil, err
	}
	second, err := raterFolder(b)
	if err != nil {
		return nil, err
	}
	out := &Agreement{labelled: map[string][]pair{}}
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

// raterFolder finds the labels in a folder and in the folders in it, by their recording's SHA-256.
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
	var said [2]map[labelKey]string
	for i, r := range []labelled{a, b} {
		if said[i], err = r.byStep(l); err != nil {
			return err
		}
		if r.about.Proposals {
			g.Notes = append(g.Notes, fmt.Sprintf("%s: the network's proposals were shown to %s", r.about.Recording, r.about.Rater))
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(said[0]), labelKey.compare) {
		if other, ok := said[1][key]; ok {
			g.labelled[key.kind] = append(g.labelled[key.kind], pair{a.about.Recording + "/" + key.student, said[0][key], other})
		}
	}
	g.Recordings = append(g.Recordings, a.about.Recording)
	g.Raters = [2]string{a.about.Rater, b.about.Rater}
	if a.about.Sample == nil || b.about.Sample == nil {
		g.Notes = append(g.Notes, a.about.Recording+": the moments were chosen, not drawn (--sample)")
	}
	return nil
}

// labelKey is what one label is about: one kind, of one student, at one step.
type labelKey struct {
	kind, student string
	step          int
}

func (k labelKey) compare(o labelKey) int {
	return cmp.Or(cmp.Compare(k.kind, o.kind), cmp.Compare(k.student, o.student), cmp.Compare(k.step, o.step))
}

// byStep reads the rater's labels of the lesson, step by step.
func (r labelled) byStep(l *lesson) (map[labelKey]string, error) {
	name := filepath.Join(r.folder, timelineName)
	sum, err := safefile.Sum(name)
	if err == nil && sum != r.about.Timeline {
		err = errors.New("changed since the labels were begun")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	given, err := openLabels(filepath.Join(r.folder, IntervalsName), l)
	if err != nil {
		return nil, err
	}
	said := map[labelKey]string{}
	for _, v := range given.all {
		for step := v.First; step < v.End; step++ {
			said[labelKey{v.Kind, v.Student, step}] = v.Label
		}
	}
	return said, nil
}

// judge measures the agreement on one kind.
func judge(kind string, all []pair) KindAgreement {
	sure := slices.DeleteFunc(slices.Clone(all), func(p pair) bool { return p.a == timeline.Unknown || p.b == timeline.Unknown })
	k := KindAgreement{Kind: kind, Unknown: len(all) - len(sure), Steps: len(sure)}
	for _, v := range Values[kind] {
		if slices.ContainsFunc(sure, func(p pair) bool { return p.a == v || p.b == v }) {
			k.Labels = append(k.Labels, v)
		}
	}
	var a, b []int // places in Labels
	var groups []string
	students := map[string]bool{}
	for _, p := range sure {
		a, b, groups = append(a, slices.Index(k.Labels, p.a)), append(b, slices.Index(k.Labels, p.b)), append(groups, p.student)
		students[p.student] = true
	}
	k.Students = len(students)
	k.Confusion = metrics.Confusion(a, b, len(k.Labels))
	k.Percent = k.figure(groups, a, b, agreed)
	k.Kappa = k.figure(groups, a, b, func(a, b []int) float64 { return metrics.Cohen(a, b, len(k.Labels)) })
	if kind == "engagement" {
		level := func(v []int) []int { // kappa weighs by the distance between levels, some of which may not occur
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

// figure measures all steps, and bootstraps over students for the interval.
func (k KindAgreement) figure(groups []string, a, b []int, measure func(a, b []int) float64) Figure {
	f := Figure{Value: measure(a, b)}
	if k.Students >= leastStudents {
		if v, ok := metrics.Bootstrap(groups, 1, func(at []int) float64 { return measure(metrics.Pick(a, at), metrics.Pick(b, at)) }); ok {
			f.Interval = &v
		}
	}
	return f
}

// Text gives the agreement as text with tables.
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

// table writes the confusion matrix, one row per label of the first rater.
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
