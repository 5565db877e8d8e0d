package features

import "encoding/json"

// storedCohort is a Cohort as JSON: null stands for NaN, which JSON does not have.
type storedCohort struct {
	*plainCohort
	Left   *float32 `json:"left"`
	Handed *float32 `json:"handed"`
	Score  *float32 `json:"score"`
}

type plainCohort Cohort

// MarshalJSON writes what is not known as null.
func (c *Cohort) MarshalJSON() ([]byte, error) {
	maybe := func(v float32) *float32 {
		if !known(v) {
			return nil
		}
		return &v
	}
	return json.Marshal(storedCohort{(*plainCohort)(c), maybe(c.Left), maybe(c.Handed), maybe(c.Score)})
}

// UnmarshalJSON reads null as NaN.
func (c *Cohort) UnmarshalJSON(data []byte) error {
	s := storedCohort{plainCohort: (*plainCohort)(c)}
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	for to, v := range map[*float32]*float32{&c.Left: s.Left, &c.Handed: s.Handed, &c.Score: s.Score} {
		*to = nan
		if v != nil {
			*to = *v
		}
	}
	return nil
}
