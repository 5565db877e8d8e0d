package indices

import (
	"encoding/json"
	"math"
)

// MarshalJSON writes what is not known as null.
func (x Indices) MarshalJSON() ([]byte, error) {
	m := map[string]any{"student": x.Student, "weekdays": x.Weekdays, "hours_of_day": x.HoursOfDay}
	for _, c := range Columns {
		v := c.Of(&x)
		m[c.Name] = nil
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			m[c.Name] = v
		}
	}
	return json.Marshal(m)
}
