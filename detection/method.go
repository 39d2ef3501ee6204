package detection

// Method says how a value is judged: it names the type of the state that each entity has.
type Method uint8

const (
	// OriginalMethod compares a value with the median of the last hours: Window.
	OriginalMethod Method = iota
	// HabitMethod compares it with what is usual at its time of day: Habit.
	HabitMethod
)

// The method's names in a .conf file.
var methods = [...]string{OriginalMethod: "original", HabitMethod: "habit"}

// String is the method's name in a .conf file.
func (m Method) String() string {
	if int(m) < len(methods) {
		return methods[m]
	}
	return "unknown"
}

// ParseMethod is the method with a name.
func ParseMethod(name string) (m Method, ok bool) {
	for i := range methods {
		if methods[i] == name {
			return Method(i), true
		}
	}
	return 0, false
}

// Test is a question that a method asks about a point.
type Test uint8

const (
	// ValueTest asks whether the value is far from what is expected.
	ValueTest Test = iota
	// MeanTest asks whether the last values are so on average.
	MeanTest
)

// String is the test's name in logs and outputs.
func (t Test) String() string {
	switch t {
	case ValueTest:
		return "value"
	case MeanTest:
		return "mean"
	}
	return "unknown"
}

// Judgement is what a method other than the original says of a point. A further method returns one, too. Unlike
// Window's, its Verdict is complete for each point that is scored, and Median is the expected value. It is all zero but for
// Reason if the point is not scored.
type Judgement struct {
	Verdict
	// Low and High are the ends of the band of usual values: Median ± threshold * Scale.
	Low, High float64
	// Test is the one that Deviation is of: the one whose limit the point exceeds by the larger factor.
	Test Test
	// Mean is how far the last values lie from what was expected of them, on average, and Usual how far that is
	// usual: MeanTest compares these two.
	Mean, Usual float64
}
