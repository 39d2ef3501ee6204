package bootstrap

import (
	"fmt"
	"slices"
	"strings"

	"anomalydetector/backtest"
	"anomalydetector/configs"
)

// tried is a setting with the values to try.
type tried struct {
	section, key string
	values       []string
}

// mostSettings bounds the combinations of one run: each takes time for each datapoint, and memory for each entity with anomalies.
const mostSettings = 256

// combinations are the settings to try.
func (c *backtestCommand) combinations(file *configs.File, env func(string) string) ([]backtest.Setting, error) {
	var all []tried
	count := 1
	for _, argument := range c.Set {
		one, err := parseSet(argument)
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if other.section == one.section && other.key == one.key {
				return nil, usageError(fmt.Sprintf("--set %s: %s.%s is there twice; give all its values at once", argument, one.section, one.key))
			}
		}
		all = append(all, one)
		if count *= len(one.values); count > mostSettings {
			return nil, usageError(fmt.Sprintf("--set: these are more than %d combinations; try fewer values at a time", mostSettings))
		}
	}
	combined := make([]backtest.Setting, 0, count)
	for i := range count {
		overrides := combination(all, i)
		with, err := file.Load(env, overrides...)
		if err != nil {
			return nil, err
		}
		combined = append(combined, named(with, overrides))
	}
	return combined, nil
}

// parseSet reads an argument such as detection.threshold=3,5.
func parseSet(argument string) (tried, error) {
	name, values, equal := strings.Cut(argument, "=")
	section, key, dot := strings.Cut(name, ".")
	if !equal || !dot || section == "" || key == "" {
		return tried{}, usageError(fmt.Sprintf("--set %s: want section.key=value[,value...], such as detection.threshold=3,5", argument))
	}
	section, key = strings.ToLower(strings.TrimSpace(section)), strings.ToLower(strings.TrimSpace(key))
	switch {
	case section == "detection", section == "io" && key == "time_granularity_min":
	default:
		return tried{}, usageError(fmt.Sprintf("--set %s: %s.%s changes nothing in a backtest; what can be tried is the section detection, and io.time_granularity_min", argument, section, key))
	}
	one := tried{section: section, key: key}
	for value := range strings.SplitSeq(values, ",") {
		if value = strings.TrimSpace(value); value == "" {
			return tried{}, usageError(fmt.Sprintf("--set %s: there is an empty value", argument))
		}
		if slices.Contains(one.values, value) {
			return tried{}, usageError(fmt.Sprintf("--set %s: the value %s is there twice", argument, value))
		}
		one.values = append(one.values, value)
	}
	if section == "io" && len(one.values) > 1 {
		return tried{}, usageError(fmt.Sprintf("--set %s: the time granularity is that of the data: want one value", argument))
	}
	return one, nil
}

// combination is the i-th combination of the values. The values of the last setting change fastest.
func combination(all []tried, i int) []configs.Override {
	overrides := make([]configs.Override, len(all))
	for k := len(all) - 1; k >= 0; k-- {
		one := all[k]
		overrides[k] = configs.Override{Section: one.section, Key: one.key, Value: one.values[i%len(one.values)], Source: "--set"}
		i /= len(one.values)
	}
	return overrides
}

// named is a combination with its name.
func named(config *configs.Config, overrides []configs.Override) backtest.Setting {
	s := backtest.Setting{Name: "as configured", Rules: settings(config), Episodes: episodesOf(config), Values: make(map[string]string)}
	var names []string
	for _, o := range overrides {
		names = append(names, o.Key+"="+o.Value)
		s.Values[o.Section+"."+o.Key] = o.Value
	}
	if names != nil {
		s.Name = strings.Join(names, " ")
	}
	return s
}
