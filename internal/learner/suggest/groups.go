package suggest

import (
	"fmt"
	"math"
	"strings"
)

// group is a kind of activity.
type group struct {
	name, text string
	act        bool // a teacher and a student can change it
	columns    []string
	prefixes   []string
}

// groups, most special first. The columns are those of internal/learner/features;
// what a table of another kind has falls to "other". Columns that are the same for
// a whole course (its plan, its cohort) are nobody's reason and never replaced.
var groups = []group{
	{"course", "the course itself", false, []string{"progress", "weeks", "due_count", "due_weight", "cohort_left", "cohort_handed", "cohort_score"}, nil},
	{"handing in", "work that was due and is not handed in", true,
		[]string{"handed_share", "handed_weight", "since_handed", "handed_any", "ahead_count", "handed_in", "handed_recent", "weight_left"}, []string{"backlog", "overdue_", "missed_"}},
	{"timing", "work handed in late or at the last moment", true, []string{"late_count", "place_early", "rank_early"}, []string{"early_", "late_", "relative_"}},
	{"points", "points so far, missing work counted as none", true, []string{"points_share", "points_mean", "place_zero", "rank_points", "points_so_far", "points_lost", "points_needed"}, nil},
	{"scores", "scores of what was handed in", true, []string{"low_count", "place_mean", "place_last", "rank_score"}, []string{"score_", "banked_", "grade_"}},
	{"discussion", "taking part in discussions", true, []string{"week_forum", "discussion", "text_posts", "text_words", "text_questions"}, nil},
	{"habits", "regularity of study", true, []string{"regularity", "weekend_share", "again_share", "view_again", "study_time"}, nil},
	{"lessons", "attention and engagement in lessons", true, []string{"on_task_share", "engagement_mean", "hand_raises"}, []string{"lesson_"}},
	{"activity", "activity in the course's pages", true, []string{"days_recent", "rank_clicks", "rank_days", "rank_recent", "rank_days_recent", "since_seen", "raised_hands",
		"visited_resources", "announcements_view", "absences", "absent_often"}, []string{"clicks_", "week_", "view_hours"}},
	{"writing", "how the student writes (language, kinds of words, tone)", false, nil, []string{"text_"}},
	{"circumstances", "circumstances, which nobody is to be judged by", false, []string{"registered", "registered_late", "attempts", "credits", "rank_registered", "disability",
		"deprivation", "age", "sex", "travel_time", "earlier_failures", "second_term", oneCourse}, []string{"static_", "gender", "region", "education", "imd", "age_", "parent_"}},
}

// groupOf gives the group of a column.
func groupOf(column string) string {
	for _, g := range groups {
		for _, c := range g.columns {
			if c == column {
				return g.name
			}
		}
		for _, p := range g.prefixes {
			if strings.HasPrefix(column, p) {
				return g.name
			}
		}
	}
	return "other"
}

func textOf(name string) (text string, act bool) {
	for _, g := range groups {
		if g.name == name {
			return g.text, g.act
		}
	}
	return "other figures", false
}

// unit is how a figure is told.
type unit string

// Units: a plain number, a share (percent), yes or no, log(1+n) told as n, log(a/b) told as a/b.
const (
	plain    unit = ""
	share    unit = "share"
	yes      unit = "yes"
	counted  unit = "log(1+n)"
	quotient unit = "log(a/b)"
)

// Which side of the peers is the worse one.
const (
	less, either, more = -1, 0, 1
)

// told says what a column is, for people.
type told struct {
	text  string
	unit  unit
	worse int // less: a student with less than the peers is worse off
}

// figureTexts are the columns of internal/learner/features, text, generic and indices. A test
// holds the list to theirs.
var figureTexts = map[string]told{
	"handed_share": {"share of what was due that is handed in", share, less}, "handed_weight": {"share of what was due that is handed in, by weight", share, less}, "since_handed": {"days since something was handed in", plain, more},
	"handed_any": {"something handed in", yes, less}, "ahead_count": {"pieces handed in ahead of time", plain, less}, "handed_recent": {"share of what was due that is handed in, the latest counting most", share, less},
	"weight_left": {"share of the course's weight still to come", share, either},
	"backlog_tma": {"pieces due and missing", plain, more}, "backlog_cma": {"computer-marked pieces due and missing", plain, more}, "backlog_last": {"latest piece missing", yes, more},
	"backlog_run": {"latest pieces missing in a row", plain, more}, "overdue_last": {"days the latest piece is overdue", plain, more}, "overdue_run": {"days since the first of the missing pieces in a row was due", plain, more},
	"missed_last": {"latest piece missing", yes, more}, "missed_second": {"piece before the latest missing", yes, more}, "missed_third": {"third latest piece missing", yes, more}, "missed_tma": {"latest tutor-marked piece missing", yes, more},
	"late_count": {"pieces handed in late", plain, more}, "early_mean": {"days before the due day, on average", plain, less}, "early_last": {"days before the due day, latest piece", plain, less},
	"early_least": {"days before the due day, at worst", plain, less}, "place_early": {"place in the course by day of handing in, 100 % is first", share, less}, "rank_early": {"rank in the course by days handed in early, 100 % is best", share, less},
	"relative_early": {"days handed in before the course's median, on average", plain, less}, "relative_least": {"days handed in before the course's median, at worst", plain, less},
	"relative_last": {"days handed in before the course's median, latest piece", plain, less}, "relative_change": {"days handed in before the course's median, latest piece less the average", plain, less},
	"score_mean": {"mean score", plain, less}, "score_weighted": {"mean score by weight", plain, less}, "score_last": {"latest score", plain, less}, "score_first": {"first score", plain, less},
	"score_least": {"lowest score", plain, less}, "score_spread": {"spread of the scores", plain, either}, "score_trend": {"latest score less the mean of those before", plain, less},
	"score_tma": {"mean score of tutor-marked pieces", plain, less}, "score_cma": {"mean score of computer-marked pieces", plain, less}, "low_count": {"scores below 40", plain, more},
	"banked_count": {"scores carried over from an earlier attempt", plain, either}, "banked_mean": {"mean of the scores carried over", plain, less},
	"place_mean": {"place of the scores in the course, 100 % is best", share, less}, "place_last": {"place of the latest score in the course, 100 % is best", share, less}, "rank_score": {"rank in the course by mean score, 100 % is best", share, less},
	"place_zero":  {"place of the scores in the course, missing work counted as last", share, less},
	"points_mean": {"points of 100 so far, missing work counted as none", plain, less}, "points_share": {"points of 100 so far by weight, missing work counted as none", plain, less},
	"points_so_far": {"points of the whole course's 100 so far", plain, less}, "points_lost": {"points of the whole course's 100 that are lost", plain, more},
	"points_needed": {"mean score the rest must have to pass", plain, more}, "rank_points": {"rank in the course by points, 100 % is best", share, less},
	"clicks_total": {"clicks so far", counted, less}, "clicks_days": {"active days so far", plain, less}, "clicks_visits": {"visits of pages so far", counted, less}, "clicks_per": {"clicks a visit", plain, either},
	"clicks_spread": {"spread of the clicks a visit", plain, either}, "clicks_recent": {"clicks of the last two weeks", counted, less}, "days_recent": {"active days of the last two weeks", plain, less},
	"clicks_change": {"clicks of the last two weeks as a multiple of the two before", quotient, less}, "rank_clicks": {"rank in the course by clicks, 100 % is most", share, less}, "rank_days": {"rank in the course by active days, 100 % is most", share, less},
	"rank_recent": {"rank in the course by clicks of the last two weeks, 100 % is most", share, less}, "rank_days_recent": {"rank in the course by active days of the last two weeks, 100 % is most", share, less},
	"since_seen": {"days since last seen", plain, more}, "week_content": {"clicks on pages and files in the last week", counted, less}, "week_forum": {"clicks in forums in the last week", counted, less},
	"week_quiz": {"clicks on quizzes in the last week", counted, less}, "week_home": {"clicks on the home page in the last week", counted, less}, "week_live": {"clicks in live sessions in the last week", counted, less},
	"week_other": {"other clicks in the last week", counted, less}, "week_days": {"active days of the last week", plain, less},
	"again_share": {"clicks repeated on the same page and day", share, either}, "regularity": {"regularity of active days, 100 % is evenly spaced", share, less}, "weekend_share": {"active days on weekends", share, either},
	"view_hours": {"hours of viewing so far", counted, less}, "view_hours_week": {"hours of viewing in the last week", counted, less}, "view_again": {"clicks on what was seen on an earlier day", share, either},
	"text_posts": {"posts written", plain, less}, "text_words": {"words written", counted, less}, "text_questions": {"questions asked", counted, less}, "text_question_share": {"sentences that are questions", share, either},
	"text_distinct": {"words that are different ones", share, either}, "text_nouns": {"words that are nouns", share, either}, "text_verbs": {"words that are verbs", share, either}, "text_adjectives": {"words that are adjectives", share, either},
	"text_sentiment": {"tone of what was written, −1 to 1", plain, either}, "text_sentiment_week": {"tone of what was written in the last week, −1 to 1", plain, either}, "text_english_share": {"posts in English", share, either},
	"lesson_on_task": {"time on task in lessons", share, less}, "lesson_engagement": {"engagement in lessons, 0 to 3", plain, less}, "lesson_hands": {"hands raised a lesson", plain, less},
	"lesson_on_task_week": {"time on task in the last week's lessons", share, less}, "lesson_count": {"lessons with the student in view", plain, either},
	"registered": {"day of registration", plain, either}, "registered_late": {"days registered after the start", plain, more}, "attempts": {"earlier attempts", plain, more}, "credits": {"credits studied at once", plain, either},
	"rank_registered": {"rank in the course by day of registration, 100 % is latest", share, more}, oneCourse: {"clicks known", yes, either},
	"raised_hands": {"hands raised", plain, less}, "visited_resources": {"visits of resources", plain, less}, "announcements_view": {"announcements read", plain, less}, "discussion": {"contributions to discussions", plain, less},
	"absent_often": {"absent more than seven days", yes, more}, "second_term": {"in the second term", yes, either}, "parent_answered": {"parents answered the survey", yes, either}, "parent_content": {"parents content with the school", yes, either},
	"study_time": {"study time a week, 1 to 4", plain, less}, "earlier_failures": {"earlier failures", plain, more}, "travel_time": {"way to school, 1 to 4", plain, either}, "absences": {"absences", plain, more},
	"grade_1": {"first grade of 20", plain, less}, "grade_2": {"second grade of 20", plain, less}, "school_support": {"extra support by the school", yes, either}, "paid_classes": {"extra paid classes", yes, either},
	"activities": {"activities beside school", yes, either},
}

// oneCourse is a column of cumulative click files (internal/learner/clickrow.go).
const oneCourse = "one_course"

func toldOf(column string) told {
	if t, ok := figureTexts[column]; ok {
		return t
	}
	return told{strings.ReplaceAll(column, "_", " "), plain, either}
}

// worse tells whether own lies on the worse side of the peers'.
func (t told) worseThan(own, peers float64) bool {
	return t.worse == less && own < peers || t.worse == more && own > peers
}

// natural turns a column's value into what is told of it.
func (u unit) natural(v float64) float64 {
	switch u {
	case counted:
		return math.Expm1(v)
	case quotient:
		return math.Exp(v)
	}
	return v
}

// show writes a natural value.
func (u unit) show(v float64) string {
	switch u {
	case share:
		return fmt.Sprintf("%.0f %%", 100*v)
	case yes:
		if v >= .5 {
			return "yes"
		}
		return "no"
	}
	return short(v)
}
