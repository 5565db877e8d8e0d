package features

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"classlens/internal/learner/logs"
)

// clicked fills the columns that both forms of click records give. From cumulative
// files they are as of the latest file by the day; a student without a row, who may
// have several courses, has none.
func (p *plan) clicked(row []float32, e *logs.Enrolment, day int) {
	now, before, earlier := p.cumulative(e, day), p.cumulative(e, day-14), p.cumulative(e, day-28)
	if now == nil {
		return
	}
	row[clicksTotal], row[clicksDays], row[clicksVisits] = logOf(now.Clicks), float32(now.ActiveDays), logOf(now.Interactions)
	row[clicksPer], row[clicksSpread] = logOf(now.Daily), logOf(now.Spread)
	zero := &logs.Cumulative{}
	if before == nil {
		before = zero
	}
	if earlier == nil {
		earlier = zero
	}
	row[clicksRecent], row[daysRecent] = logOf(now.Clicks-before.Clicks), float32(now.ActiveDays-before.ActiveDays)
	row[clicksChange] = row[clicksRecent] - logOf(before.Clicks-earlier.Clicks)
}

func logOf(v float64) float32 { return float32(math.Log1p(max(0, v))) }

// cumulative sums up the clicks by a day; nil when nothing is known.
func (p *plan) cumulative(e *logs.Enrolment, day int) *logs.Cumulative {
	if p.form != logs.DailyClicks {
		var last *logs.Cumulative
		for i := range e.Cumulative {
			if e.Cumulative[i].Day <= day {
				last = &e.Cumulative[i]
			}
		}
		return last
	}
	c := &logs.Cumulative{Day: day}
	squares, previous := 0.0, math.MinInt
	for _, a := range e.Activities {
		if int(a.Day) > day {
			break
		}
		if int(a.Day) != previous {
			previous = int(a.Day)
			c.ActiveDays++
		}
		c.Clicks += float64(a.Clicks)
		c.Interactions += float64(a.Sites)
		squares += float64(a.Clicks) * float64(a.Clicks) / max(1, float64(a.Sites))
	}
	if c.Interactions > 0 {
		c.Daily = c.Clicks / c.Interactions
		c.Spread = math.Sqrt(max(0, squares/c.Interactions-c.Daily*c.Daily))
	}
	return c
}

// groups of OULAD's kinds of activity.
var groups = map[string]int{"resource": weekContent, "subpage": weekContent, "oucontent": weekContent, "url": weekContent, "page": weekContent, "glossary": weekContent, "dualpane": weekContent,
	"forumng": weekForum, "ouwiki": weekForum, "quiz": weekQuiz, "externalquiz": weekQuiz, "questionnaire": weekQuiz, "homepage": weekHome, "oucollaborate": weekLive, "ouelluminate": weekLive,
	"dataplus": weekOther, "folder": weekOther, "htmlactivity": weekOther, "repeatactivity": weekOther, "sharedsubpage": weekOther}

// beginnings of the words by which the kinds of other logs are told.
var beginnings = []struct {
	column int
	words  []string
}{{weekForum, []string{"forum", "discuss", "wiki", "chat"}}, {weekLive, []string{"live", "meeting", "webinar", "conference", "collaborat"}}, {weekQuiz, []string{"quiz", "test", "question", "exercise"}},
	{weekHome, []string{"home", "dashboard"}}, {weekContent, []string{"page", "file", "video", "lecture", "resource", "document", "read", "book", "content", "slide"}}}

// groupColumn gives the column in which a kind of activity counts: OULAD's own by their list, others by
// their words (forum_view, VIDEO), what has none of them as other.
func groupColumn(kind string) int {
	if column, ok := groups[kind]; ok {
		return column
	}
	words := strings.FieldsFunc(strings.ToLower(kind), func(r rune) bool { return !unicode.IsLetter(r) })
	for _, b := range beginnings {
		for _, w := range words {
			if slices.ContainsFunc(b.words, func(begin string) bool { return strings.HasPrefix(w, begin) }) {
				return b.column
			}
		}
	}
	return weekOther
}

// daily fills what only daily records tell.
func (p *plan) daily(row []float32, e *logs.Enrolment, day int) {
	var week [dailyColumns]float64
	var gaps []float64
	clicks, again, days, weekend, weekActive, last := 0.0, 0.0, 0.0, 0.0, 0.0, math.MinInt
	for _, a := range e.Activities {
		d := int(a.Day)
		if d > day {
			break
		}
		clicks, again = clicks+float64(a.Clicks), again+float64(a.Again)
		if d > day-7 {
			week[p.kinds[a.Kind]] += float64(a.Clicks)
		}
		if d == last {
			continue
		}
		if last != math.MinInt {
			gaps = append(gaps, float64(d-last))
		}
		last = d
		days++
		if w := ((d % 7) + 7) % 7; w >= 5 {
			weekend++
		}
		if d > day-7 {
			weekActive++
		}
	}
	for c := weekContent; c <= weekOther; c++ {
		row[c] = logOf(week[c])
	}
	row[weekDays] = float32(weekActive)
	row[sinceSeen] = float32(day + 30)
	if days == 0 {
		return
	}
	row[sinceSeen], row[againShare], row[weekendShare] = float32(day-last), float32(again/clicks), float32(weekend/days)
	if len(gaps) > 1 {
		row[regularity] = float32(1 / (1 + spread(gaps)/mean(gaps)))
	}
}
