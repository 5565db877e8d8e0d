package learner

import (
	"fmt"
	"io"
	"strconv"

	"encoding/csv"

	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
)

// Predicted is what a model says of an enrolment.
type Predicted struct {
	Row        models.Row
	Left       bool // had left by the day: p is 0
	Prediction models.Prediction
}

// Result is the likeliest result: Withdrawn for who has left.
func (p Predicted) Result() logs.Result {
	if p.Left {
		return logs.Withdrawn
	}
	best, r := 0, p.Prediction.Results()
	for k := range r {
		if r[k] > r[best] {
			best = k
		}
	}
	return logs.Result(best)
}

// Predict gives a prediction for each enrolment of the presentations that had
// registered by the day.
func (w *Weights) Predict(d *Data, presentations []string) ([]Predicted, error) {
	set, err := d.Assemble(w.Settings, w.Tables, presentations, false)
	if err != nil {
		return nil, err
	}
	return w.say(set)
}

// Absent counts the enrolments of presentations that had not registered by the day, or of which
// that is not known: nobody predicts them. A flat table has none.
func (d *Data) Absent(presentations []string, day Day) (n int) {
	if d.Log == nil {
		return 0
	}
	courses, err := d.Log.In(presentations...)
	if err != nil {
		return 0
	}
	for _, c := range courses {
		when := day.In(d.Log.Courses[c])
		for _, i := range d.Log.Courses[c].Enrolments {
			if !d.Log.Enrolments[i].RegisteredBy(when) {
				n++
			}
		}
	}
	return n
}

func (w *Weights) say(set *Assembled) ([]Predicted, error) {
	if err := sameColumns(w.Columns, set.Columns); err != nil {
		return nil, err
	}
	said, err := w.Fitted.Predict(set.Set)
	if err != nil {
		return nil, err
	}
	shifts, err := w.shifts(set.Set, said)
	if err != nil {
		return nil, err
	}
	out := make([]Predicted, 0, len(set.Rows)+len(set.Left))
	for i, r := range set.Rows {
		if z := shifts[[2]string{r.Module, r.Presentation}]; z != 0 {
			said[i][models.Passed] = sigmoid(models.Logit(said[i][models.Passed]) + z)
		}
		for t, v := range said[i] {
			if v != v {
				return nil, fmt.Errorf("%s: student %s of %s: target %d is no number", w.Kind, r.Student, r.Module, t)
			}
		}
		out = append(out, Predicted{Row: r, Prediction: said[i]})
	}
	for _, r := range set.Left {
		p := Predicted{Row: r, Left: true}
		p.Prediction[models.Withdrew] = 1
		out = append(out, p)
	}
	return out, nil
}

// predictionColumns are those of a predictions file; more follow with all targets.
var predictionColumns = []string{"code_module", "code_presentation", "id_student", "day", "p_pass", "result"}

var targetColumns = []string{"p_withdrawn", "p_fail", "p_plain_pass", "p_distinction", "score", "p_next_score_not_worse"}

// WritePredictions writes one row an enrolment. With targets it adds the
// probabilities of the four results, the final score (0 to 1) and the chance that
// the next score is at least the mean of those so far; the last two are empty for
// who has left.
func WritePredictions(w io.Writer, all []Predicted, targets bool) error {
	out := csv.NewWriter(w)
	header := predictionColumns
	if targets {
		header = append(append([]string{}, header...), targetColumns...)
	}
	rows := [][]string{header}
	for _, p := range all {
		line := []string{p.Row.Module, p.Row.Presentation, p.Row.Student, strconv.Itoa(p.Row.Day), decimal(p.Prediction[models.Passed]), p.Result().String()}
		if targets {
			for _, v := range p.Prediction.Results() {
				line = append(line, decimal(v))
			}
			if p.Left {
				line = append(line, "", "")
			} else {
				line = append(line, decimal(p.Prediction[models.Score]), decimal(p.Prediction[models.Trend]))
			}
		}
		rows = append(rows, line)
	}
	return out.WriteAll(rows)
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }
