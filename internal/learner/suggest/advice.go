package suggest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Advice is something that has helped, the figures that it rests on, and the study
// that says so. docs/suggestions.md has what each study found and its limits.
type Advice struct {
	For     string   `json:"for"` // the group of figures
	Text    string   `json:"text"`
	Because string   `json:"because"`
	Studies []string `json:"studies"` // keys of Studies
	Doc     string   `json:"doc"`     // where to read on
}

// Study is a publication.
type Study struct{ Key, Title string }

// Studies that advice cites.
var Studies = []Study{
	{"Ariely & Wertenbroch 2002", "D. Ariely, K. Wertenbroch: Procrastination, deadlines, and performance: self-control by precommitment. Psychological Science 13(3), 219–224, 2002"},
	{"Arnold & Pistilli 2012", "K. E. Arnold, M. D. Pistilli: Course Signals at Purdue: using learning analytics to increase student success. LAK '12, 267–270, 2012"},
	{"Bunce et al. 2010", "D. M. Bunce, E. A. Flens, K. Y. Neiles: How long can students pay attention in class? A study of student attention decline using clickers. Journal of Chemical Education 87(12), 1438–1443, 2010"},
	{"Cepeda et al. 2006", "N. J. Cepeda, H. Pashler, E. Vul, J. T. Wixted, D. Rohrer: Distributed practice in verbal recall tasks: a review and quantitative synthesis. Psychological Bulletin 132(3), 354–380, 2006"},
	{"Chi & Wylie 2014", "M. T. H. Chi, R. Wylie: The ICAP framework: linking cognitive engagement to active learning outcomes. Educational Psychologist 49(4), 219–243, 2014"},
	{"Dawson et al. 2017", "S. Dawson, J. Jovanovic, D. Gašević, A. Pardo: From prediction to impact: evaluation of a learning analytics retention program. LAK '17, 474–478, 2017"},
	{"Dunlosky et al. 2013", "J. Dunlosky, K. A. Rawson, E. J. Marsh, M. J. Nathan, D. T. Willingham: Improving students' learning with effective learning techniques. Psychological Science in the Public Interest 14(1), 4–58, 2013"},
	{"Freeman et al. 2014", "S. Freeman et al.: Active learning increases student performance in science, engineering, and mathematics. PNAS 111(23), 8410–8415, 2014"},
	{"Gollwitzer & Sheeran 2006", "P. M. Gollwitzer, P. Sheeran: Implementation intentions and goal achievement: a meta-analysis of effects and processes. Advances in Experimental Social Psychology 38, 69–119, 2006"},
	{"Hattie & Timperley 2007", "J. Hattie, H. Timperley: The power of feedback. Review of Educational Research 77(1), 81–112, 2007"},
	{"Roediger & Karpicke 2006", "H. L. Roediger, J. D. Karpicke: Test-enhanced learning: taking memory tests improves long-term retention. Psychological Science 17(3), 249–255, 2006"},
	{"Steel 2007", "P. Steel: The nature of procrastination: a meta-analytic and theoretical review of quintessential self-regulatory failure. Psychological Bulletin 133(1), 65–94, 2007"},
	{"Szpunar et al. 2013", "K. K. Szpunar, N. Y. Khan, D. L. Schacter: Interpolated memory tests reduce mind wandering and improve learning of online lectures. PNAS 110(16), 6313–6317, 2013"},
	{"VanLehn 2011", "K. VanLehn: The relative effectiveness of human tutoring, intelligent tutoring systems, and other tutoring systems. Educational Psychologist 46(4), 197–221, 2011"},
}

// rule ties a group to an advice.
type rule struct {
	group, text, doc string
	studies          []string
}

var rules = []rule{
	{"handing in", "Ask what stands in the way of the next piece, cut it into smaller steps, and agree on when and where the first one is done.", "handing-in", []string{"Gollwitzer & Sheeran 2006", "Ariely & Wertenbroch 2002"}},
	{"timing", "Set intermediate deadlines with a small weight, spread evenly, rather than one at the end.", "timing", []string{"Ariely & Wertenbroch 2002", "Steel 2007"}},
	{"scores", "Go through the latest piece together: what was the goal, how far is it, what is the next step; then short tests with answers on just that.", "scores", []string{"Hattie & Timperley 2007", "Roediger & Karpicke 2006", "VanLehn 2011"}},
	{"points", "Go through what is missing and what was lost, and choose the one piece that gains most.", "scores", []string{"Hattie & Timperley 2007"}},
	{"activity", "Write a short personal message that names one concrete next thing to do in the course.", "activity", []string{"Arnold & Pistilli 2012", "Dawson et al. 2017"}},
	{"habits", "Suggest several short sittings on fixed days, with a few questions on what came before, instead of long and repeated reading.", "habits", []string{"Cepeda et al. 2006", "Dunlosky et al. 2013"}},
	{"discussion", "Give a small task that needs another student's answer: explain, compare, agree on one.", "discussion", []string{"Chi & Wylie 2014", "Freeman et al. 2014"}},
	{"lessons", "Put a question to all every few minutes and let neighbours compare answers.", "lessons", []string{"Freeman et al. 2014", "Bunce et al. 2010"}},
}

func adviceOf(group, because string) (Advice, bool) {
	for _, r := range rules {
		if r.group == group {
			return Advice{r.group, r.text, because, r.studies, "docs/suggestions.md#" + r.doc}, true
		}
	}
	return Advice{}, false
}

// adviceFor gives the advice for the two strongest reasons that can be acted on.
func adviceFor(reasons []Reason) []Advice {
	var all []Advice
	for _, r := range reasons {
		if !r.actable() || len(all) == 2 {
			continue
		}
		f := r.Figures[0]
		if a, ok := adviceOf(r.Group, fmt.Sprintf("%s: %s, peers %s", f.Text, f.own(), f.peers())); ok {
			all = append(all, a)
		}
	}
	return all
}

// actable tells whether there is something to act on: a figure on the worse side of the peers'.
func (r Reason) actable() bool {
	return r.Act && len(r.Figures) > 0 && toldOf(r.Figures[0].Column).worse != either
}

// common gives the advice for what at least a third of the listed share (and at
// least three): then it may be the course.
func common(listed []Student) []Advice {
	count := map[string]int{}
	for _, s := range listed {
		for i, r := range s.Reasons {
			if r.actable() && i < 2 {
				count[r.Group]++
			}
		}
	}
	var names []string
	for g, n := range count {
		if n >= 3 && 3*n >= len(listed) {
			names = append(names, g)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	var all []Advice
	for _, g := range names {
		text, _ := textOf(g)
		if a, ok := adviceOf(g, fmt.Sprintf("%s: %d of the %d listed", text, count[g], len(listed))); ok {
			all = append(all, a)
		}
	}
	return all
}

// short writes three digits, whole numbers whole.
func short(v float64) string {
	text := fmt.Sprintf("%.3g", v)
	if math.Abs(v) >= 100 {
		text = fmt.Sprintf("%.0f", v)
	}
	if zero := strings.TrimLeft(text, "-0."); zero == "" {
		return "0"
	}
	return text
}
