package features

import (
	"slices"
	"strconv"
	"strings"

	"classlens/internal/learner/logs"
)

var regions = []string{"East Anglian Region", "East Midlands Region", "Ireland", "London Region", "North Region", "North Western Region", "Scotland", "South East Region",
	"South Region", "South West Region", "Wales", "West Midlands Region", "Yorkshire Region"}

// educations from lowest to highest.
var educations = []string{"No Formal quals", "Lower Than A Level", "A Level or Equivalent", "HE Qualification", "Post Graduate Qualification"}

func staticNames() []string {
	names := []string{"static_female", "static_disability", "static_age", "static_deprivation", "static_education"}
	for _, r := range regions {
		names = append(names, "static_region_"+strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(r, " Region")), " ", "_"))
	}
	return names
}

// static appends the static columns; what is not known is NaN.
func static(row []float32, e *logs.Enrolment) []float32 {
	row = append(row, truth(e.Gender == "F"), truth(e.Disability), AgeBand(e.Age), Deprivation(e.Deprivation), place(educations, e.Education))
	for _, r := range regions {
		row = append(row, truth(e.Region == r))
	}
	return row
}

// AgeBand is 0, 1 or 2 for OULAD's bands below 35, 35 to 55, above; NaN else.
func AgeBand(band string) float32 { return place([]string{"0-35", "35-55", "55<="}, band) }

// Deprivation is the tenth of an IMD band such as "20-30%": 0 is the most deprived;
// NaN when it is not known.
func Deprivation(band string) float32 {
	low, _, ok := strings.Cut(band, "-")
	v, err := strconv.Atoi(low)
	if !ok || err != nil || v < 0 || v > 90 {
		return nan
	}
	return float32(v / 10)
}

func place(all []string, one string) float32 {
	if i := slices.Index(all, one); i >= 0 {
		return float32(i)
	}
	return nan
}

func truth(v bool) float32 {
	if v {
		return 1
	}
	return 0
}
