package learner

import (
	"context"
	"math"

	"classlens/internal/learner/judge"
	"classlens/internal/learner/models"
)

// Run trains several models on the same rows; what a stack is made of is trained once.
type Run struct {
	data     *Data
	settings Settings
	options  TrainOptions
}

// NewRun begins a run on presentations.
func NewRun(d *Data, s Settings, presentations []string, seed uint64) *Run {
	return &Run{d, s, TrainOptions{Presentations: presentations, Seed: seed, have: &fits{map[string]*models.Fitted{}, map[string]*models.Fitted{}}}}
}

// Brief are the figures of one model among active students, without intervals.
type Brief struct{ AUC, Within, Brier, ECE float64 }

// Judge trains a model and judges it on other presentations. Within is the mean ROC-AUC of the modules.
func (r *Run) Judge(ctx context.Context, kind string, test []string) (Brief, error) {
	o := r.options
	o.Model = kind
	w, err := Train(ctx, r.data, r.settings, o)
	if err != nil {
		return Brief{}, err
	}
	all, err := w.Predict(r.data, test)
	if err != nil {
		return Brief{}, err
	}
	byModule := map[string][2][]float64{}
	var y, p []float64
	for _, x := range all {
		passed := float64(x.Row.Truth[len(x.Row.Truth)-1][models.Passed])
		if x.Left || passed != passed {
			continue
		}
		y, p = append(y, passed), append(p, x.Prediction[models.Passed])
		m := byModule[x.Row.Module]
		byModule[x.Row.Module] = [2][]float64{append(m[0], passed), append(m[1], x.Prediction[models.Passed])}
	}
	b := Brief{AUC: judge.AUC(y, p)}
	for _, m := range byModule {
		b.Within += judge.AUC(m[0], m[1]) / float64(len(byModule))
	}
	var bins [10]float64
	for i := range y {
		b.Brier += (p[i] - y[i]) * (p[i] - y[i]) / float64(len(y))
		bins[min(9, int(10*p[i]))] += p[i] - y[i]
	}
	for _, v := range bins {
		b.ECE += math.Abs(v) / float64(len(y))
	}
	return b, nil
}
