package learner

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"classlens/internal/learner/judge"
	"classlens/internal/safefile"
)

//go:embed eval.html
var evalPage string

// Text is the evaluation as a table for a terminal.
func (e *Evaluation) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "trained on %s, tested on %s; 95 %% intervals by bootstrap over students (%d draws)\n", strings.Join(e.Train, ","), strings.Join(e.Test, ","), e.Draws)
	for _, d := range e.Days {
		for _, population := range sortedKeys(d.Populations) {
			figures := d.Populations[population]
			fmt.Fprintf(&b, "\nday %s, %s: %d students, %.1f %% passed\n", d.Day, population, figures[0].N, 100*figures[0].Passed)
			fmt.Fprintf(&b, "  %-16s %-17s %-17s %-17s %-17s %-6s %-6s %-12s %s\n", "model", "ROC-AUC", "accuracy", "F1 at risk", "PR-AUC at risk", "Brier", "ECE", "4-way acc/F1", "AUC less that of")
			for _, f := range figures {
				four := ""
				if f.Accuracy4 != nil {
					four = dot(f.Accuracy4.Value) + "/" + dot(f.F14.Value)
				}
				fmt.Fprintf(&b, "  %-16s %-17s %-17s %-17s %-17s %-6s %-6s %-12s %s\n", f.Model, span(f.AUC), span(f.Accuracy), span(f.F1), span(f.PRAUC), dot(f.Brier.Value), dot(f.ECE.Value), four, strings.Join(against(f), ", "))
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\n", Note)
	return b.String()
}

// Note is on every page.
const Note = "Not for grading: these are guesses of a statistical model from past courses."

// against says how far a ROC-AUC is above those of other models, with the interval of the paired difference.
func against(f judge.Figures) (parts []string) {
	for _, other := range sortedKeys(f.Against) {
		if strings.HasSuffix(other, StaticSuffix) && !strings.HasSuffix(f.Model, StaticSuffix) {
			continue // what personal attributes are worth is told beside the model that has them
		}
		v := f.Against[other]
		parts = append(parts, fmt.Sprintf("%s %+.3f (%+.3f to %+.3f)", other, v.Value, v.Low, v.High))
	}
	return parts
}

// dot writes .812 for 0.812.
func dot(v float64) string {
	if v != v {
		return "-"
	}
	return strings.Replace(fmt.Sprintf("%.3f", v), "0.", ".", 1)
}

func span(v judge.Value) string {
	if v.Value != v.Value {
		return "-"
	}
	return dot(v.Value) + " " + interval(v)
}

// interval is empty where there is no value.
func interval(v judge.Value) string {
	if v.Value != v.Value {
		return ""
	}
	return dot(v.Low) + "–" + dot(v.High)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// modelsOf are those that have figures in any part: where all or none passed there are none.
func modelsOf(parts []PartFigures) []string {
	names := map[string]bool{}
	for _, p := range parts {
		for name := range p.AUC {
			names[name] = true
		}
	}
	return sortedKeys(names)
}

// aucOf is a model's ROC-AUC in a part, a dash where all or none passed.
func aucOf(p PartFigures, model string) string {
	if v, ok := p.AUC[model]; ok {
		return span(v)
	}
	return "–"
}

// PictureName is the file of the curves by day.
const PictureName = "auc.png"

// WriteFiles writes eval.json, eval.txt, eval.html and auc.png to a folder.
func (e *Evaluation) WriteFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return err
	}
	page, err := e.Page()
	if err != nil {
		return err
	}
	picture, err := e.picture()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"eval.json": append(data, '\n'), "eval.txt": []byte(e.Text()), "eval.html": page, PictureName: picture} {
		if content == nil {
			continue
		}
		if err := safefile.WriteFile(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return nil
}

var evalPages = template.Must(template.New("eval").Funcs(template.FuncMap{"dot": dot, "span": span, "interval": interval, "join": strings.Join, "against": against, "keys": func(m map[string][]judge.Figures) []string { return sortedKeys(m) },
	"fair": func(m map[string][]judge.Fairness) []string { return sortedKeys(m) }, "percent": func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }, "models": modelsOf, "auc": aucOf, "note": func() string { return Note }}).Parse(evalPage))

// Page is one self-contained HTML page; it loads nothing and runs no script.
func (e *Evaluation) Page() ([]byte, error) {
	var b bytes.Buffer
	err := evalPages.Execute(&b, map[string]any{"E": e, "AUC": e.curves(), "Calibration": e.calibrations()})
	return b.Bytes(), err
}
