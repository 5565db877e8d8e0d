package evaluate

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"strings"

	"classlens/model/metrics"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"three":   func(v float64) string { return fmt.Sprintf("%.3f", v) },
	"percent": func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
	"share": func(n int, row []int) float64 {
		sum := 0
		for _, v := range row {
			sum += v
		}
		return float64(n) / float64(max(sum, 1))
	},
	"plural": func(by string) string { return plural[by] },
	"words":  func(name string) string { return strings.ReplaceAll(name, "_", " ") },
	"sub":    func(a, b float64) float64 { return a - b },
	"auc": func(j *Judgement, i int) string {
		if i < len(j.AUC) && j.AUC[i] != nil {
			return fmt.Sprintf("%.3f", *j.AUC[i])
		}
		return "–"
	},
	"fade": func(n int, bins []metrics.Bin) float64 {
		most := 1
		for _, b := range bins {
			most = max(most, b.N)
		}
		return 0.15 + 0.85*math.Sqrt(float64(n)/float64(most))
	},
	"line": func(points []metrics.Point) string {
		var b strings.Builder
		for i, p := range points {
			fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(i, 1)], 30+260*p.Coverage, 270-260*p.Accuracy)
		}
		return b.String()
	},
	"x": func(v float64) float64 { return 30 + 260*v },
	"y": func(v float64) float64 { return 270 - 260*v },
	"h": func(v float64) float64 { return 260 * v },
}).Parse(pageText))

// page is the judgement as one self-contained HTML page.
func (j *Judgement) page() ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, j)
	return b.Bytes(), err
}
