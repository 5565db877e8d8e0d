package judge

import "encoding/json"

// MarshalJSON writes null for what is no number, as the AUC of a group of which all passed.
func (v Value) MarshalJSON() ([]byte, error) {
	maybe := func(x float64) any {
		if x != x {
			return nil
		}
		return x
	}
	return json.Marshal(map[string]any{"value": maybe(v.Value), "low": maybe(v.Low), "high": maybe(v.High)})
}
