package score

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestEqualsScorePy compares with what score.py gives for invented data
// (testdata/make.py).
func TestEqualsScorePy(t *testing.T) {
	heads, ignore, err := ReadTruth("testdata/truth")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := ReadRows("testdata/pred.csv")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	r := Score(heads, ignore, rows)
	for name, got := range map[string]float64{
		"times": float64(r.Times), "people": float64(r.People), "visible_heads": float64(r.VisibleHeads),
		"predictions_scored": float64(r.Scored), "dont_care": float64(r.DontCare), "tp": float64(r.TP), "fp": float64(r.FP), "fn": float64(r.FN),
		"id_switches": float64(r.Switches), "fragmentations": float64(r.Fragmentations),
		"recall": r.Recall, "precision": r.Precision, "idf1": r.IDF1, "mean_longest_track_coverage": r.Coverage,
	} {
		if w, ok := want[name].(float64); !ok || math.Abs(got-w) > 1e-9 {
			t.Errorf("%s is %v, score.py says %v", name, got, want[name])
		}
	}
	if len(r.Misses) != r.FN || len(r.False) != r.FP {
		t.Errorf("%d misses and %d false boxes listed, %d and %d counted", len(r.Misses), len(r.False), r.FN, r.FP)
	}
}

func TestNothing(t *testing.T) {
	if r := Score(nil, nil, nil); r.Recall != 0 || r.IDF1 != 0 {
		t.Errorf("got %+v", r)
	}
	if _, _, err := ReadTruth(t.TempDir()); err == nil {
		t.Error("a folder without truth is no error")
	}
}
