package timeline

import "math"

// Summary is the class as a whole; shares are null if nothing is sure.
type Summary struct {
	Students       int                `json:"students"`
	Teacher        bool               `json:"teacher"`
	OnTaskShare    *float64           `json:"on_task_share"`
	EngagementMean *float64           `json:"engagement_mean"`
	HandRaises     int                `json:"hand_raises"`
	Behaviours     map[string]float64 `json:"behaviour_shares"` // of student-steps that are sure
	VisibleShare   *float64           `json:"visible_share"`    // of student-steps
	UnknownShare   *float64           `json:"unknown_share"`    // of visible student-steps: attention not known
	Turned         *Turned            `json:"turned,omitempty"`
}

// Summary sums up the students, without the teacher.
func (t *Timeline) Summary() Summary {
	s := Summary{Behaviours: map[string]float64{}}
	teacher := map[string]bool{}
	for _, x := range t.Students {
		if x.Teacher {
			s.Teacher, teacher[x.ID] = true, true
			continue
		}
		s.Students++
		s.HandRaises += x.HandRaises
	}
	var n tally
	all := 0
	for _, r := range t.Rows {
		if teacher[r.Student] {
			continue
		}
		all++
		n.add(r)
		if r.Sure {
			s.Behaviours[r.Behaviour]++
		}
	}
	for b, steps := range s.Behaviours {
		s.Behaviours[b] = fourDecimals(steps / float64(n.sure))
	}
	s.OnTaskShare, s.EngagementMean = share(n.onTask, n.known), share(n.engaged, n.sure)
	s.VisibleShare, s.UnknownShare = share(n.visible, all), share(n.visible-n.known, n.visible)
	if v := t.Turned; v != nil {
		s.Turned = &Turned{Found: fourDecimals(v.Found), Usual: v.Usual, Strength: v.Strength, Taken: fourDecimals(v.Taken)}
	}
	return s
}

// share is a ratio to four decimals; nil when b is 0.
func share(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	v := fourDecimals(float64(a) / float64(b))
	return &v
}

func fourDecimals(v float64) float64 { return math.Round(v*1e4) / 1e4 }
