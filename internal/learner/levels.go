package learner

import (
	"math"
	"regexp"
	"slices"

	"classlens/internal/learner/models"
)

// Levels are the pass rates, on the day of the prediction, of the courses that were
// trained on. What a model says of a whole course is drawn towards what was usual for
// it: the order of students within a course carries over to another course, how many
// pass hardly does (docs/measured.md). Only the cohort's features are used for that,
// never its outcomes.
type Levels struct {
	Rates map[string]map[string]float64 `json:"log_odds"` // by module and presentation
}

// How far a course's mean is drawn. Of a module that was there in training drawnSeen of the
// distance, in log-odds. Of a new one nothing is known but what is usual elsewhere, and
// courses do differ: what the model says stands as long as it is within freeUnseen of
// that, and what is beyond is taken back (a model may misread a plan it has never seen, and
// then it misreads the whole course). Chosen on courses of 2013J held out (docs/measured.md).
const (
	drawnSeen  = .7
	freeUnseen = .5
)

// leastCohort is how many students a course's mean needs.
const leastCohort = 20

// levelsOf counts who is there on the day, each enrolment once.
func levelsOf(s *models.Set) *Levels {
	type count struct{ passed, all float64 }
	counts, seen := map[[2]string]*count{}, map[int]bool{}
	for _, r := range s.Rows {
		y := r.Truth[len(r.Truth)-1][models.Passed]
		if !r.Present || seen[r.Enrolment] || y != y {
			continue
		}
		seen[r.Enrolment] = true
		key := [2]string{r.Module, r.Presentation}
		if counts[key] == nil {
			counts[key] = &count{}
		}
		counts[key].all++
		counts[key].passed += float64(y)
	}
	l := &Levels{Rates: map[string]map[string]float64{}}
	for key, c := range counts {
		if c.all < leastCohort {
			continue
		}
		if l.Rates[key[0]] == nil {
			l.Rates[key[0]] = map[string]float64{}
		}
		l.Rates[key[0]][key[1]] = models.Logit((c.passed + 1) / (c.all + 2))
	}
	return l
}

var yearAndSeason = regexp.MustCompile(`^\d{4}(\D+)$`)

// seasonOf is the B of 2013B: when in the year a presentation begins; "" when its name does not say.
func seasonOf(presentation string) string {
	if m := yearAndSeason.FindStringSubmatch(presentation); m != nil {
		return m[1]
	}
	return ""
}

// target is the log-odds that are usual for a course: those of the module's latest
// presentation of the same season; or of its latest, with the mean difference between
// the seasons over the modules that have both; of a module that is new the mean over all
// modules. seen tells whether the module was there in training.
func (l *Levels) target(module, presentation string) (z float64, seen bool) {
	season := seasonOf(presentation)
	if own := l.Rates[module]; len(own) > 0 {
		return l.usual(own, season), true
	}
	for _, own := range l.Rates {
		z += l.usual(own, season) / float64(len(l.Rates))
	}
	return z, false
}

// usual is what the presentations of one module say for a season.
func (l *Levels) usual(own map[string]float64, season string) float64 {
	names := sortedKeys(own)
	slices.Reverse(names) // the latest first
	for _, name := range names {
		if seasonOf(name) == season {
			return own[name]
		}
	}
	return own[names[0]] + l.between(seasonOf(names[0]), season)
}

// between is how much the log-odds of one season differ from another's.
func (l *Levels) between(from, to string) float64 {
	sum, n := 0.0, 0.0
	for _, own := range l.Rates {
		a, b := seasonMean(own, from), seasonMean(own, to)
		if a == a && b == b {
			sum, n = sum+b-a, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

func seasonMean(own map[string]float64, season string) float64 {
	sum, n := 0.0, 0.0
	for name, z := range own {
		if seasonOf(name) == season {
			sum, n = sum+z, n+1
		}
	}
	return sum / n // NaN when there is none
}

// shifts gives what is added to the log-odds to pass of each course, by module and presentation.
// Of a net built on trees, or a stack, the course's mean is first set to what its leader says.
func (w *Weights) shifts(s *models.Set, said []models.Prediction) (map[[2]string]float64, error) {
	level := said
	if m := w.Fitted.Leader(); m != nil && w.Levels != nil {
		var err error
		if level, err = m.Predict(s); err != nil {
			return nil, err
		}
	}
	return w.Levels.shifts(s.Rows, said, level), nil
}

func (l *Levels) shifts(rows []models.Row, said, level []models.Prediction) map[[2]string]float64 {
	if l == nil || len(l.Rates) == 0 {
		return nil
	}
	type course struct {
		logits []float64 // of level
		beyond float64   // their sum less that of said
	}
	courses := map[[2]string]*course{}
	for i, r := range rows {
		if r.Present {
			key := [2]string{r.Module, r.Presentation}
			if courses[key] == nil {
				courses[key] = &course{}
			}
			c, z := courses[key], models.Logit(level[i][models.Passed])
			c.logits, c.beyond = append(c.logits, z), c.beyond+z-models.Logit(said[i][models.Passed])
		}
	}
	out := map[[2]string]float64{}
	for key, c := range courses {
		n := len(c.logits)
		if n < leastCohort {
			continue
		}
		target, seen := l.target(key[0], key[1])
		away := models.Offset(c.logits, sigmoid(target))
		if seen {
			away *= drawnSeen
		} else {
			away = math.Copysign(max(0, math.Abs(away)-freeUnseen), away)
		}
		out[key] = c.beyond/float64(n) + away
	}
	return out
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// leveled is a model whose log-odds to pass are shifted.
type leveled struct {
	models.Model
	shift float64
}

// Predict implements models.Model.
func (m leveled) Predict(s *models.Set) ([]models.Prediction, error) {
	p, err := m.Model.Predict(s)
	for i := range p {
		p[i][models.Passed] = sigmoid(models.Logit(p[i][models.Passed]) + m.shift)
	}
	return p, err
}
