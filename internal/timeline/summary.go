package timeline

import "math"

// Summary is the class as a whole; shares are null where nothing is sure.
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

// Summary sums the students up, without the teacher.
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
	on, sure, engaged, decided, visible, all := 0, 0, 0, 0, 0, 0
	for _, r := range t.Rows {
		if teacher[r.Student] {
			continue
		}
		if all++; !r.Visible {
			continue
		}
		if visible++; r.Behaviour == "" {
			continue
		}
		if r.Sure {
			decided++
			engaged += r.Engagement
			s.Behaviours[r.Behaviour]++
		}
		if r.Attention != Unknown {
			sure++
		}
		if r.Attention == OnTask {
			on++
		}
	}
	for b, n := range s.Behaviours {
		s.Behaviours[b] = fourDecimals(n / float64(max(1, decided)))
	}
	s.OnTaskShare, s.EngagementMean = share(on, sure), share(engaged, decided)
	s.VisibleShare, s.UnknownShare = share(visible, all), share(visible-sure, visible)
	if v := t.Turned; v != nil {
		s.Turned = &Turned{Found: fourDecimals(v.Found), Usual: v.Usual, Strength: v.Strength, Taken: fourDecimals(v.Taken)}
	}
	return s
}

// share is a ratio to four decimals, nil of nothing.
func share(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	v := fourDecimals(float64(a) / float64(b))
	return &v
}

func fourDecimals(v float64) float64 { return math.Round(v*1e4) / 1e4 }
