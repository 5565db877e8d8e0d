package label

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"classlens/internal/dataset"
	"classlens/internal/safefile"
)

// rated makes a rater's folder over a lesson of four students and twelve steps.
func rated(t *testing.T, root, rater string, changes ...change) string {
	t.Helper()
	folder := filepath.Join(root, rater, "lesson")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	text := "time_s,student,x,y,w,h,visible,behaviour\n"
	for _, step := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"} {
		for _, s := range []string{"S01", "S02", "S03", "S04"} {
			text += step + "," + s + ",1,1,5,5,1,read\n"
		}
	}
	own := filepath.Join(folder, timelineName)
	if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := readLesson(own)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := safefile.Sum(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := (dataset.Labels{Form: 1, Rater: rater, Recording: "lesson.mp4", Video: "lesson.mp4", SHA256: "ab", Timeline: sum, Proposals: rater == "ben"}).Save(folder); err != nil {
		t.Fatal(err)
	}
	kept, err := openLabels(filepath.Join(folder, IntervalsName), l)
	if err != nil {
		t.Fatal(err)
	}
	do(t, kept, changes...)
	return folder
}

func said(kind, student, letters string) []change {
	names := map[rune]string{'r': "read", 'w': "write", 't': "turn", 'u': "unknown", '0': "0", '1': "1", '2': "2", '3': "3"}
	var all []change
	for i, c := range letters {
		if c != '.' {
			all = append(all, change{Do: "paint", Student: student, Kind: kind, Label: names[c], First: i, End: i + 1})
		}
	}
	return all
}

// The figures are scikit-learn's (1.9.1, cohen_kappa_score, weights="quadratic" for the levels) of the same steps.
func TestAgreement(t *testing.T) {
	root := t.TempDir()
	join := func(all ...[]change) []change {
		var out []change
		for _, c := range all {
			out = append(out, c...)
		}
		return out
	}
	rated(t, root, "anna", join(said("behaviour", "S01", "rrrrwwwwtt.."), said("behaviour", "S02", "rrwwrrwwttuu"), said("behaviour", "S03", "wwwwww......"), said("engagement", "S01", "012301230123"))...)
	rated(t, root, "ben", join(said("behaviour", "S01", "rrrwwwwwttrr"), said("behaviour", "S02", "rrwwwwwwrtrr"), said("behaviour", "S03", "wwwwwr......"), said("behaviour", "S04", "rrrr........"), said("engagement", "S01", "013301120122"))...)
	g, err := Agree(filepath.Join(root, "anna"), filepath.Join(root, "ben", "lesson"))
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %.12f, want %.12f", what, got, want)
		}
	}
	b, e := g.Kinds[0], g.Kinds[1]
	if b.Steps != 26 || b.Unknown != 2 || b.Students != 3 || e.Steps != 12 || e.Students != 1 || len(g.Kinds) != 2 {
		t.Errorf("%+v %+v", b, e)
	}
	near("agreement", b.Percent.Value, 21.0/26)
	near("kappa", b.Kappa.Value, 0.661458333333)
	near("agreement on levels", e.Percent.Value, 8.0/12)
	near("kappa of levels", e.Kappa.Value, 0.555555555556)
	near("weighted", e.Weighted.Value, 0.857142857143)
	if b.Kappa.Interval == nil || b.Kappa.Interval.Low > b.Kappa.Value || b.Kappa.Interval.High < b.Kappa.Value || e.Kappa.Interval != nil {
		t.Errorf("intervals %+v %+v", b.Kappa.Interval, e.Kappa.Interval)
	}
	text := g.Text()
	for _, want := range []string{"anna and ben on lesson.mp4", "behaviour: agreement 0.808 [", "2 more that one of them could not tell", "proposals were shown to ben", "chosen, not drawn"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
}

func TestAgreementRefuses(t *testing.T) {
	root, other := t.TempDir(), t.TempDir()
	a := rated(t, root, "anna", said("behaviour", "S01", "rr")...)
	b := rated(t, root, "ben", said("behaviour", "S02", "rr")...)
	c := rated(t, other, "carl", said("behaviour", "S01", "rr")...)
	about, err := dataset.LoadLabels(c)
	if err != nil {
		t.Fatal(err)
	}
	about.Timeline = "cd"
	if err := about.Save(c); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]struct{ a, b, want string }{
		"nothing in common":   {a, b, "no step"},
		"other results":       {a, c, "different results"},
		"no labels":           {a, t.TempDir(), "no labels"},
		"no folder":           {a, filepath.Join(root, "eve"), "no such file"},
		"both raters at once": {a, root, "no labels"},
	} {
		if _, err := Agree(d.a, d.b); err == nil || !strings.Contains(err.Error(), d.want) {
			t.Errorf("%s: %v, want %q", name, err, d.want)
		}
	}
}
