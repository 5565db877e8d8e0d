// Package features turns a learning log into figures for each student and week,
// strictly by day: the row of day t holds nothing that was not known on day t. A
// score counts as known on the day of submission; exams are never looked at. The
// course's plan (length, what is due when, with which weight) is known from the
// start, but what is not yet due counts only once it was handed in.
//
// A *cohort* is the students of one course on one day: registered and not left.
// Ranks are within it. Cohorts can be stored, as quantiles, so that one student can
// be scored without the others.
package features

import (
	"math"
	"slices"
)

// Options say which columns there are.
type Options struct {
	Static bool `json:"static"` // gender, age, deprivation, disability, region, highest education
	Clicks bool `json:"clicks"` // from either form of click records
	Daily  bool `json:"daily"`  // from daily click records: kinds of activity, regularity, last seen
}

// Columns in order. A value that does not exist (no score yet) is NaN.
const (
	progress       = iota // share of the course's days
	weeks                 // weeks since the start
	dueCount              // assessments due so far
	dueWeight             // their weight, share of the course's mark
	handedShare           // of them handed in, share
	handedWeight          // the same by weight
	backlogTMA            // due and not handed in, tutor marked
	backlogCMA            // the same, computer marked
	backlogLast           // the latest due one is not handed in
	backlogRun            // how many of the latest due ones in a row are not
	lateCount             // handed in after the due day
	aheadCount            // handed in and not yet due
	earlyMean             // days before the due day, mean
	earlyLast             // of the latest handed in
	earlyLeast            // of the latest of all
	sinceHanded           // days since something was handed in, at most those since the start; not known before anything is due or handed in
	handedAny             // 1 once something was handed in; not known before anything is due
	scoreMean             // of what was handed in
	scoreWeighted         // by weight
	scoreLast             //
	scoreFirst            //
	scoreLeast            //
	scoreSpread           // standard deviation
	scoreTrend            // last less the mean of those before
	scoreTMA              // mean of tutor marked
	scoreCMA              // mean of computer marked
	lowCount              // scores below 40
	pointsShare           // of the points of all that was due, weighted; what is missing has none
	pointsMean            // the same, each assessment alike
	bankedCount           // carried over from an earlier presentation
	bankedMean            // their mean score
	placeMean             // place of the scores among the course's, 0 to 1, mean
	placeLast             // of the latest
	placeZero             // mean over all due, 0 for what is missing
	placeEarly            // place of the days of submission, 1 is earliest, mean
	rankPoints            // rank in the cohort by pointsMean
	rankScore             // by scoreWeighted
	rankEarly             // by earlyMean
	rankRegistered        // by day of registration, 1 is latest
	cohortLeft            // share of the registered who have left
	cohortHanded          // the cohort's mean handedShare
	cohortScore           // the cohort's mean score
	registered            // day of registration
	registeredLate        // days after the start
	attempts              // earlier attempts at the module
	credits               // studied at once
	pointsSoFar           // of the whole course's, 0 to 100: Σ weight·score
	pointsLost            // of the whole course's: what was handed in and not full, or is due and missing
	weightLeft            // share of the course's weight that is neither handed in nor due
	pointsNeeded          // mean score that the rest must have for 40 in the whole, -50 to 150
	overdueLast           // days since the latest due one was due, if it is not handed in; at most 60
	overdueRun            // days since the first of the latest missing ones in a row was due; at most 150
	missedLast            // 1 when the latest due one is missing: backlogLast, but not known before anything is due
	missedSecond          // the one before it
	missedThird           // the one before that
	missedTMA             // the latest due tutor marked one
	handedRecent          // handedShare, each piece weighing exp(-age/28 days)
	relativeEarly         // days before the due day, less the cohort's median for that piece, mean
	relativeLeast         // the least
	relativeLast          // of the latest handed in
	relativeChange        // relativeLast less relativeEarly
	baseColumns
)

// Columns with Options.Clicks, from baseColumns on.
const (
	clicksTotal    = baseColumns + iota // log(1+clicks)
	clicksDays                          // active days
	clicksVisits                        // log(1+visits of sites)
	clicksPer                           // clicks a visit
	clicksSpread                        // their standard deviation
	clicksRecent                        // log(1+clicks) of the last two weeks
	daysRecent                          // active days of the last two weeks
	clicksChange                        // clicksRecent less that of the two weeks before
	rankClicks                          // rank in the cohort by clicksTotal
	rankDays                            // by clicksDays
	rankRecent                          // by clicksRecent
	rankDaysRecent                      // by daysRecent
	clickColumns
)

// Columns with Options.Daily, from clickColumns on.
const (
	sinceSeen    = clickColumns + iota // days since the last click
	weekContent                        // log(1+clicks) of the last seven days: pages, files, videos
	weekForum                          // forum, wiki, chat
	weekQuiz                           // quizzes and questionnaires
	weekHome                           // home page
	weekLive                           // live sessions
	weekOther                          //
	weekDays                           // active days of the last seven
	againShare                         // of all clicks those beyond the first on a site and day
	regularity                         // 1 when active days are evenly spaced: 1/(1+variation of the gaps)
	weekendShare                       // of active days (day 0 is taken for a Monday)
	dailyColumns
)

var columnNames = []string{"progress", "weeks", "due_count", "due_weight", "handed_share", "handed_weight", "backlog_tma", "backlog_cma", "backlog_last", "backlog_run", "late_count", "ahead_count",
	"early_mean", "early_last", "early_least", "since_handed", "handed_any", "score_mean", "score_weighted", "score_last", "score_first", "score_least", "score_spread", "score_trend", "score_tma",
	"score_cma", "low_count", "points_share", "points_mean", "banked_count", "banked_mean", "place_mean", "place_last", "place_zero", "place_early", "rank_points", "rank_score", "rank_early",
	"rank_registered", "cohort_left", "cohort_handed", "cohort_score", "registered", "registered_late", "attempts", "credits",
	"points_so_far", "points_lost", "weight_left", "points_needed", "overdue_last", "overdue_run", "missed_last", "missed_second", "missed_third", "missed_tma", "handed_recent",
	"relative_early", "relative_least", "relative_last", "relative_change",
	"clicks_total", "clicks_days", "clicks_visits", "clicks_per", "clicks_spread", "clicks_recent", "days_recent", "clicks_change", "rank_clicks", "rank_days", "rank_recent", "rank_days_recent",
	"since_seen", "week_content", "week_forum", "week_quiz", "week_home", "week_live", "week_other", "week_days", "again_share", "regularity", "weekend_share"}

// ranked pairs each rank with the column it ranks.
var ranked = [][2]int{{rankPoints, pointsMean}, {rankScore, scoreWeighted}, {rankEarly, earlyMean}, {rankRegistered, registered},
	{rankClicks, clicksTotal}, {rankDays, clicksDays}, {rankRecent, clicksRecent}, {rankDaysRecent, daysRecent}}

// Names gives the columns' names in order.
func (o Options) Names() []string {
	names := slices.Clone(columnNames[:o.temporal()])
	if o.Static {
		names = append(names, staticNames()...)
	}
	return names
}

// temporal is how many columns there are without static ones.
func (o Options) temporal() int {
	switch {
	case o.Daily:
		return dailyColumns
	case o.Clicks:
		return clickColumns
	}
	return baseColumns
}

// Width is how many columns there are.
func (o Options) Width() int { return len(o.Names()) }

var nan = float32(math.NaN())

func known(v float32) bool { return v == v }
