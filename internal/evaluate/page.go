package evaluate

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
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
