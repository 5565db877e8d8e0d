package features

import (
	"math"
	"slices"
)

// Cohort is what the figures of one student are compared with: the students of a
// course who had registered by Day and not left. Values are sorted.
type Cohort struct {
	Module string               `json:"module"`
	Day    int                  `json:"day"`
	Size   int                  `json:"size"`
	Ranked [][]float32          `json:"ranked"` // one a pair of ranked
	Tasks  map[string]TaskTable `json:"tasks"`  // by kind and ordinal, such as TMA2
	Left   float32              `json:"left"`   // share of the registered who have left
	Handed float32              `json:"handed"` // mean handed_share
	Score  float32              `json:"score"`  // mean of score_mean
}

// TaskTable holds the scores of an assessment and the days before its due day on which it was
// handed in, as far as known on the cohort's day.
type TaskTable struct {
	Scores []float32 `json:"scores"`
	Early  []float32 `json:"early"`
}

// share is the place of v among sorted values: the share below, half of those equal
// counted; NaN when there is nothing to compare.
func share(sorted []float32, v float32) float32 {
	if len(sorted) == 0 || !known(v) {
		return nan
	}
	below, _ := slices.BinarySearch(sorted, v)
	upTo, _ := slices.BinarySearch(sorted, math.Nextafter32(v, float32(math.Inf(1))))
	return float32(below+upTo) / float32(2*len(sorted))
}

// gather makes the cohort from the rows of its members. works are parallel to rows;
// registered counts also those who have left.
func gather(p *plan, day int, rows [][]float32, works [][]handed, registered int) *Cohort {
	c := &Cohort{Module: p.course.Module, Day: day, Size: len(rows), Tasks: map[string]TaskTable{}, Left: nan, Handed: nan, Score: nan}
	for _, pair := range ranked {
		var values []float32
		for _, r := range rows {
			if pair[1] < len(r) && known(r[pair[1]]) {
				values = append(values, r[pair[1]])
			}
		}
		slices.Sort(values)
		c.Ranked = append(c.Ranked, values)
	}
	for i, t := range p.tasks {
		var table TaskTable
		for _, work := range works {
			for _, h := range work {
				if h.task != i || h.banked {
					continue
				}
				table.Early = append(table.Early, float32(t.due-h.day))
				if !math.IsNaN(h.score) {
					table.Scores = append(table.Scores, float32(h.score))
				}
			}
		}
		if len(table.Early) > 0 {
			slices.Sort(table.Early)
			slices.Sort(table.Scores)
			c.Tasks[t.key] = table
		}
	}
	c.Handed, c.Score = columnMean(rows, handedShare), columnMean(rows, scoreMean)
	if registered > 0 {
		c.Left = float32(registered-len(rows)) / float32(registered)
	}
	return c
}

func columnMean(rows [][]float32, column int) float32 {
	sum, n := 0.0, 0
	for _, r := range rows {
		if known(r[column]) {
			sum, n = sum+float64(r[column]), n+1
		}
	}
	if n == 0 {
		return nan
	}
	return float32(sum / float64(n))
}

// compare fills the columns that need the cohort.
func (c *Cohort) compare(p *plan, row []float32, work []handed, day int) {
	for k, pair := range ranked {
		if pair[0] < len(row) {
			row[pair[0]] = share(c.Ranked[k], row[pair[1]])
		}
	}
	row[cohortLeft], row[cohortHanded], row[cohortScore] = c.Left, c.Handed, c.Score
	var places, early, relative []float64
	zero, due := 0.0, 0.0
	for _, t := range p.tasks {
		if t.due <= day {
			due++
		}
	}
	for _, h := range work {
		t := p.tasks[h.task]
		table := c.Tasks[t.key]
		if v := share(table.Scores, float32(h.score)); known(v) {
			places = append(places, float64(v))
			row[placeLast] = v
			if t.due <= day {
				zero += float64(v)
			}
		}
		if v := share(table.Early, float32(t.due-h.day)); known(v) && !h.banked {
			early = append(early, float64(v))
			// sorted, so that its middle is the median
			relative = append(relative, max(-20, min(20, float64(t.due-h.day)))-max(-20, min(20, float64(table.Early[len(table.Early)/2]))))
		}
	}
	if n := len(relative); n > 0 {
		row[relativeEarly], row[relativeLeast], row[relativeLast] = float32(mean(relative)), float32(slices.Min(relative)), float32(relative[n-1])
		row[relativeChange] = row[relativeLast] - row[relativeEarly]
	}
	if len(places) > 0 {
		row[placeMean] = float32(mean(places))
	}
	if len(early) > 0 {
		row[placeEarly] = float32(mean(early))
	}
	if due > 0 {
		row[placeZero] = float32(zero / due)
	}
}

// Tables are cohorts to fall back on, as quantiles, by module and day.
type Tables struct {
	Cohorts []*Cohort `json:"cohorts"`
}

// quantiles kept of each sorted list.
const quantiles = 33

// Thin gives the cohort with each list cut down to at most 33 quantiles.
func (c *Cohort) Thin() *Cohort {
	t := *c
	t.Ranked, t.Tasks = nil, map[string]TaskTable{}
	for _, v := range c.Ranked {
		t.Ranked = append(t.Ranked, thin(v))
	}
	for k, v := range c.Tasks {
		t.Tasks[k] = TaskTable{thin(v.Scores), thin(v.Early)}
	}
	return &t
}

func thin(sorted []float32) []float32 {
	if len(sorted) <= quantiles {
		return sorted
	}
	out := make([]float32, quantiles)
	for i := range out {
		out[i] = sorted[(len(sorted)-1)*i/(quantiles-1)]
	}
	return out
}

// nearest finds the cohort of a module with the day that is nearest; of a module
// that is not there, the largest cohort of the nearest day.
func (t *Tables) nearest(module string, day int) *Cohort {
	if t == nil {
		return nil
	}
	var best *Cohort
	worse := func(c *Cohort) bool {
		switch own, bestOwn := c.Module == module, best.Module == module; {
		case own != bestOwn:
			return own
		case off(c.Day, day) != off(best.Day, day):
			return off(c.Day, day) < off(best.Day, day)
		default:
			return c.Size > best.Size
		}
	}
	for _, c := range t.Cohorts {
		if best == nil || worse(c) {
			best = c
		}
	}
	return best
}

func off(a, b int) int { return max(a-b, b-a) }

// alone is the size below which a cohort says too little and a stored one is taken.
const alone = 20

// reference is the cohort to compare with: the course's own, or a stored one.
func (t *Tables) reference(own *Cohort) *Cohort {
	if own.Size >= alone || t == nil {
		return own
	}
	if stored := t.nearest(own.Module, own.Day); stored != nil {
		return stored
	}
	return own
}
