package evaluate

import (
	"fmt"
	"strings"
)

// plural is what the bootstrap draws, in words.
var plural = map[string]string{"subject": "subjects", "room": "rooms", "recording": "recordings", "media": "pictures"}

// Text is the judgement as tables for people.
func (j *Judgement) Text() string {
	var b strings.Builder
	if j.Seen != "" {
		fmt.Fprintf(&b, "seen: %s\n", j.Seen)
	}
	j.behaviourText(&b)
	if e := j.Engagement; e != nil {
		fmt.Fprintf(&b, "engagement: quadratic weighted kappa %.3f%s, macro MAE %.3f%s, mean-class MSE %.3f%s, MAE %.3f, accuracy %.3f (commonest %.3f), %d samples\n", e.Kappa, span(e.Intervals["quadratic_weighted_kappa"]),
			e.MacroE, span(e.Intervals["macro_mae"]), e.MacroSE, span(e.Intervals["mean_class_mse"]), e.MAE, e.Accuracy, e.Majority, e.N)
	}
	if a := j.Attention; a != nil {
		fmt.Fprintf(&b, "attention: accuracy %.3f%s (commonest %.3f), balanced %.3f%s, macro-F1 %.3f%s, AUC %.3f, ECE %.3f, %d samples\n", a.Accuracy, span(a.Intervals["accuracy"]), a.Majority, a.Balanced,
			span(a.Intervals["balanced_accuracy"]), a.MacroF1, span(a.Intervals["macro_f1"]), a.AUC, a.ECE, a.N)
	}
	if c := j.Against; c != nil {
		b.WriteString(c.text())
	}
	for _, r := range j.Attacks {
		b.WriteString(r.text())
	}
	if j.Grouped != "" {
		fmt.Fprintf(&b, "intervals: 95 %%, bootstrap over %d %s\n", j.Groups, plural[j.Grouped])
	}
	return b.String()
}

func (j *Judgement) behaviourText(b *strings.Builder) {
	s := j.Behaviour
	if s == nil {
		return
	}
	fmt.Fprintf(b, "%s: %d boxes, accuracy %.3f%s (always the commonest class: %.3f), balanced %.3f%s, macro-F1 %.3f%s, AUC %.3f, ECE %.3f\n", j.Set, s.N, s.Accuracy, span(j.Intervals["accuracy"]),
		s.Majority, s.Balanced, span(j.Intervals["balanced_accuracy"]), s.MacroF1, span(j.Intervals["macro_f1"]), j.MeanAUC, j.ECE)
	if t := j.Scaled; t != nil {
		fmt.Fprintf(b, "temperature %.2f, fitted on %s: ECE %.3f, log loss %.3f (before: %.3f, %.3f)\n", t.Temperature, t.FittedOn, t.ECE, t.LogLoss, j.ECE, j.LogLoss)
	}
	fmt.Fprintf(b, "%-16s %9s %9s %9s %9s %9s\n", "class", "precision", "recall", "F1", "AUC", "boxes")
	for i, c := range s.Classes {
		auc := "-"
		if i < len(j.AUC) && j.AUC[i] != nil {
			auc = fmt.Sprintf("%.3f", *j.AUC[i])
		}
		fmt.Fprintf(b, "%-16s %9.3f %9.3f %9.3f %9s %9d\n", j.Classes[i], c.Precision, c.Recall, c.F1, auc, c.Support)
	}
	for _, p := range j.Parts {
		fmt.Fprintf(b, "%-16s accuracy %.3f (commonest %.3f), macro-F1 %.3f, %d boxes\n", p.Name, p.Accuracy, p.Majority, p.MacroF1, p.N)
	}
	b.WriteString("surest share: accuracy ")
	for i, c := range j.Coverage {
		if i%2 == 1 {
			fmt.Fprintf(b, " %.0f %%: %.3f", 100*c.Coverage, c.Accuracy)
		}
	}
	b.WriteString("\n")
}

// span is an interval in brackets; nothing where there is none.
func span(i []float64) string {
	if len(i) != 2 {
		return ""
	}
	return fmt.Sprintf(" [%.3f, %.3f]", i[0], i[1])
}
