package suggest

import (
	"fmt"

	"classlens/internal/learner/models"
)

// Cases are the students of a set who are there on the day of the prediction. days
// are those of a student who was there from the start; late-comers have the last
// of them.
func Cases(s *models.Set, days []int) ([]Case, error) {
	var all []Case
	for _, r := range s.Rows {
		if !r.Present {
			continue
		}
		if len(r.Steps) > len(days) {
			return nil, fmt.Errorf("%w: student %s has %d steps, there are %d days", ErrInput, r.Student, len(r.Steps), len(days))
		}
		all = append(all, Case{r.Student, r.Module, r.Steps, days[len(days)-len(r.Steps):], r.Repeats})
	}
	return all, nil
}

// askAtOnce is how many altered students a model gets in one call.
const askAtOnce = 2048

// Asking asks a fitted model for the chance to pass.
func Asking(m models.Model, columns []string) Predict {
	return func(cases []Case) ([]float64, error) {
		out := make([]float64, 0, len(cases))
		for from := 0; from < len(cases); from += askAtOnce {
			set := &models.Set{Columns: columns}
			for _, c := range cases[from:min(from+askAtOnce, len(cases))] {
				set.Rows = append(set.Rows, models.Row{Student: c.Student, Module: c.Module, Steps: c.Steps, Truth: make([][models.Targets]float32, len(c.Steps)), Present: true, Repeats: c.Repeats})
			}
			p, err := m.Predict(set)
			if err != nil {
				return nil, err
			}
			for i := range p {
				out = append(out, p[i][models.Passed])
			}
		}
		return out, nil
	}
}
