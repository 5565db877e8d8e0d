package suggest

import "strings"

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
	{"discussion", "taking part in discussions", true, []string{"week_forum", "discussion", "posts"}, []string{"forum_"}},
	{"habits", "regularity of study", true, []string{"regularity", "weekend_share", "again_share", "view_again"}, nil},
	{"lessons", "attention and engagement in lessons", true, []string{"on_task_share", "engagement_mean", "hand_raises"}, []string{"lesson_"}},
	{"activity", "activity in the course's pages", true, []string{"days_recent", "rank_clicks", "rank_days", "rank_recent", "rank_days_recent", "since_seen", "raised_hands",
		"visited_resources", "announcements_view"}, []string{"clicks_", "week_", "view_hours"}},
	{"circumstances", "circumstances, which nobody is to be judged by", false, []string{"registered", "registered_late", "attempts", "credits", "rank_registered", "disability",
		"deprivation", "age", "sex"}, []string{"static_", "gender", "region", "education", "imd", "age_"}},
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

// figureTexts say what a column is, for people.
var figureTexts = map[string]string{
	"handed_share": "share of what was due that is handed in", "handed_weight": "the same by weight", "since_handed": "days since something was handed in",
	"backlog_tma": "tutor-marked pieces due and missing", "backlog_cma": "computer-marked pieces due and missing", "backlog_last": "the latest piece is missing",
	"backlog_run": "latest pieces missing in a row", "late_count": "pieces handed in late", "early_mean": "days before the due day, on average",
	"early_last": "days before the due day, latest piece", "early_least": "days before the due day, at worst", "score_mean": "mean score", "score_weighted": "mean score by weight", "score_last": "latest score",
	"score_least": "lowest score", "score_first": "first score", "score_trend": "latest score less the mean of those before", "low_count": "scores below 40", "points_mean": "points so far, share",
	"points_share": "points so far by weight, share", "points_so_far": "points of the whole course so far", "points_lost": "points of the whole course that are lost",
	"weight_left": "share of the course's weight still to come", "points_needed": "mean score the rest must have to pass", "overdue_last": "days the latest piece is overdue",
	"overdue_run": "days since the first of the missing pieces in a row was due", "handed_recent": "share handed in, the latest counting most",
	"missed_last": "the latest piece is missing", "missed_second": "the one before it is missing", "missed_third": "the one before that is missing", "missed_tma": "the latest tutor-marked piece is missing",
	"relative_early": "days handed in before the course's median, on average", "relative_least": "the same, at worst", "relative_last": "the same, latest piece", "relative_change": "the same, latest less the average", "clicks_recent": "clicks of the last two weeks, log(1+n)", "days_recent": "active days of the last two weeks",
	"clicks_total": "clicks so far, log(1+n)", "clicks_days": "active days so far", "since_seen": "days since last seen", "week_forum": "forum clicks of the week, log(1+n)",
	"view_hours": "hours of viewing, log(1+h)", "view_hours_week": "hours of viewing of the week, log(1+h)", "view_again": "share of clicks on what was seen before",
	"week_days": "active days of the week", "regularity": "regularity of active days, 0 to 1", "again_share": "share of repeated views", "clicks_change": "change of clicks in two weeks, log",
}

func figureText(column string) string {
	if t, ok := figureTexts[column]; ok {
		return t
	}
	return strings.ReplaceAll(column, "_", " ")
}
