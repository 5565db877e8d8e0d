package features

import (
	"fmt"
	"math"
	"slices"

	"classlens/internal/learner/logs"
)

// plan is what a course asks for, exams left out, in the order of due days.
type plan struct {
	course *logs.Course
	tasks  []task
	byID   map[int]int // assessment index to task
	form   logs.ClickForm
	kinds  []int // column of each kind of activity
}

// task is one assessment. Key names it across presentations: kind and ordinal.
type task struct {
	key    string
	tutor  bool
	due    int
	weight float64
}

func planOf(l *logs.Log, course int) *plan {
	c := &l.Courses[course]
	p := &plan{course: c, byID: map[int]int{}, form: l.Clicks}
	for _, kind := range l.Kinds {
		p.kinds = append(p.kinds, groupColumn(kind))
	}
	order := slices.Clone(c.Assessments)
	slices.SortStableFunc(order, func(a, b int) int { return l.Assessments[a].Due - l.Assessments[b].Due })
	count := map[string]int{}
	for _, i := range order {
		a := l.Assessments[i]
		if a.Exam() {
			continue
		}
		count[a.Kind]++
		p.byID[i] = len(p.tasks)
		p.tasks = append(p.tasks, task{key: fmt.Sprint(a.Kind, count[a.Kind]), tutor: a.Kind == "TMA", due: a.Due, weight: a.Weight})
	}
	return p
}

// handed is one submission of a student, known by the day in question.
type handed struct {
	task   int
	day    int
	banked bool
	score  float64
}

// work gives what the student had handed in by the day, in that order.
func (p *plan) work(e *logs.Enrolment, day int) []handed {
	var out []handed
	for _, s := range e.Submissions {
		if t, ok := p.byID[s.Assessment]; ok && s.Day <= day {
			out = append(out, handed{t, s.Day, s.Banked, s.Score})
		}
	}
	return out
}

// own fills the columns that need no cohort.
func (p *plan) own(row []float32, e *logs.Enrolment, work []handed, day int, o Options) {
	for i := range row {
		row[i] = nan
	}
	row[progress] = float32(day) / float32(p.course.Length)
	row[weeks] = float32(day) / 7
	p.backlog(row, work, day)
	p.punctual(row, work, day)
	p.scores(row, work)
	p.points(row, work, day)
	p.reachable(row, work, day)
	p.overdue(row, work, day)
	row[registered] = nan
	if e.Registered != logs.NoDay {
		row[registered], row[registeredLate] = float32(e.Registered), float32(max(0, e.Registered))
	}
	row[attempts], row[credits] = float32(e.Attempts), float32(e.Credits)
	if o.Clicks {
		p.clicked(row, e, day)
	}
	if o.Daily {
		p.daily(row, e, day)
	}
}

func (p *plan) backlog(row []float32, work []handed, day int) {
	done := make([]bool, len(p.tasks))
	for _, h := range work {
		done[h.task] = true
	}
	var due, got, weight, gotWeight, missing [2]float64 // by tutor marked or not; weights in slot 0
	run, last := 0, false
	ahead := 0
	for i, t := range p.tasks {
		if t.due > day {
			if done[i] {
				ahead++
			}
			continue
		}
		k := 0
		if !t.tutor {
			k = 1
		}
		due[0]++
		weight[0] += t.weight
		if done[i] {
			got[0]++
			gotWeight[0] += t.weight
			run, last = 0, false
		} else {
			missing[k]++
			run, last = run+1, true
		}
	}
	row[dueCount], row[dueWeight] = float32(due[0]), float32(weight[0]/100)
	if due[0] > 0 {
		row[handedShare] = float32(got[0] / due[0])
		row[handedWeight] = row[handedShare]
		if weight[0] > 0 {
			row[handedWeight] = float32(gotWeight[0] / weight[0])
		}
	}
	row[backlogTMA], row[backlogCMA], row[backlogLast], row[backlogRun], row[aheadCount] = float32(missing[0]), float32(missing[1]), truth(last), float32(run), float32(ahead)
}

func (p *plan) punctual(row []float32, work []handed, day int) {
	var sum, n, late float64
	least, lastDay := math.Inf(1), min(0, day)
	for _, h := range work {
		if h.banked {
			continue
		}
		early := float64(max(-30, min(30, p.tasks[h.task].due-h.day)))
		sum, n, least = sum+early, n+1, min(least, early)
		row[earlyLast] = float32(early)
		if early < 0 {
			late++
		}
		lastDay = max(lastDay, h.day)
	}
	if n > 0 {
		row[earlyMean], row[earlyLeast] = float32(sum/n), float32(least)
	}
	row[lateCount] = float32(late)
	if n == 0 && !slices.ContainsFunc(p.tasks, func(t task) bool { return t.due <= day }) {
		return // nothing was asked for yet: who has handed in nothing is not behind
	}
	row[handedAny], row[sinceHanded] = truth(n > 0), float32(day-lastDay)
}

func (p *plan) scores(row []float32, work []handed) {
	var all, weights []float64
	var kinds [2][]float64
	banked, bankedSum, bankedScored, low := 0.0, 0.0, 0.0, 0
	for _, h := range work {
		if h.banked {
			banked++
			if !math.IsNaN(h.score) {
				bankedSum, bankedScored = bankedSum+h.score, bankedScored+1
			}
		}
		if math.IsNaN(h.score) {
			continue
		}
		t := p.tasks[h.task]
		all, weights = append(all, h.score), append(weights, t.weight)
		k := 0
		if !t.tutor {
			k = 1
		}
		kinds[k] = append(kinds[k], h.score)
		if h.score < 40 {
			low++
		}
	}
	row[lowCount], row[bankedCount] = float32(low), float32(banked)
	if bankedScored > 0 {
		row[bankedMean] = float32(bankedSum / bankedScored)
	}
	n := len(all)
	if n == 0 {
		return
	}
	row[scoreMean], row[scoreWeighted] = float32(mean(all)), float32(weighted(all, weights))
	row[scoreLast], row[scoreFirst], row[scoreLeast] = float32(all[n-1]), float32(all[0]), float32(slices.Min(all))
	row[scoreSpread], row[scoreTrend] = float32(spread(all)), 0
	if n > 1 {
		row[scoreTrend] = float32(all[n-1] - mean(all[:n-1]))
	}
	for k, column := range []int{scoreTMA, scoreCMA} {
		if len(kinds[k]) > 0 {
			row[column] = float32(mean(kinds[k]))
		}
	}
}

// points are those of all that was due; what was not handed in has none.
func (p *plan) points(row []float32, work []handed, day int) {
	var sum, weight, plain, n float64
	for _, t := range p.tasks {
		if t.due <= day {
			weight, n = weight+t.weight, n+1
		}
	}
	for _, h := range work {
		if t := p.tasks[h.task]; t.due <= day && !math.IsNaN(h.score) {
			sum, plain = sum+t.weight*h.score, plain+h.score
		}
	}
	if n > 0 {
		row[pointsMean] = float32(plain / n)
		row[pointsShare] = row[pointsMean]
		if weight > 0 {
			row[pointsShare] = float32(sum / weight)
		}
	}
}

// passMark is the score that a course must have in the whole to be passed, at the Open University.
const passMark = 40

// shares gives each piece's share of the course's weight. One without weight counts a
// quarter of the others' mean: it is practice, and says something. All without: alike.
func (p *plan) shares() []float64 {
	sum, n := 0.0, 0.0
	for _, t := range p.tasks {
		if t.weight > 0 {
			sum, n = sum+t.weight, n+1
		}
	}
	out, all := make([]float64, len(p.tasks)), 0.0
	for i, t := range p.tasks {
		switch {
		case n == 0:
			out[i] = 1
		case t.weight == 0:
			out[i] = sum / n / 4
		default:
			out[i] = t.weight
		}
		all += out[i]
	}
	for i := range out {
		out[i] /= all
	}
	return out
}

// reachable is what the student has of the whole course's points and what is still to be had.
func (p *plan) reachable(row []float32, work []handed, day int) {
	if len(p.tasks) == 0 {
		return
	}
	share := p.shares()
	points, lost, left := 0.0, 0.0, 0.0
	done := make([]bool, len(p.tasks))
	for _, h := range work {
		score := h.score
		if math.IsNaN(score) {
			score = 0
		}
		if !done[h.task] {
			points, lost = points+share[h.task]*score, lost+share[h.task]*(100-score)
		}
		done[h.task] = true
	}
	for i, t := range p.tasks {
		switch {
		case done[i]:
		case t.due <= day:
			lost += 100 * share[i]
		default:
			left += share[i]
		}
	}
	row[pointsSoFar], row[pointsLost], row[weightLeft] = float32(points), float32(lost), float32(left)
	row[pointsNeeded] = float32(max(-50, min(150, (passMark-points)/max(left, .05))))
}

// overdue says how long, and which of the latest pieces, are missing.
func (p *plan) overdue(row []float32, work []handed, day int) {
	done := make([]bool, len(p.tasks))
	for _, h := range work {
		done[h.task] = true
	}
	last, run, got, all := 0.0, 0.0, 0.0, 0.0
	var missing []float32 // of what is due, in order
	for i, t := range p.tasks {
		if t.due > day {
			continue
		}
		age := float64(day - t.due)
		weight := math.Exp(-age / 28)
		all += weight
		missing = append(missing, truth(!done[i]))
		if t.tutor {
			row[missedTMA] = truth(!done[i])
		}
		if done[i] {
			got, last, run = got+weight, 0, 0
			continue
		}
		last = min(60, age)
		if run == 0 {
			run = min(150, age+1)
		}
	}
	row[overdueLast], row[overdueRun] = float32(last), float32(run)
	for k, column := range []int{missedLast, missedSecond, missedThird} {
		if at := len(missing) - 1 - k; at >= 0 {
			row[column] = missing[at]
		}
	}
	if all > 0 {
		row[handedRecent] = float32(got / all)
	}
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// weighted is the weighted mean, or the plain one when all weights are 0.
func weighted(v, w []float64) float64 {
	sum, weight := 0.0, 0.0
	for i := range v {
		sum, weight = sum+v[i]*w[i], weight+w[i]
	}
	if weight == 0 {
		return mean(v)
	}
	return sum / weight
}

func spread(v []float64) float64 {
	m, sum := mean(v), 0.0
	for _, x := range v {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / float64(len(v)))
}
