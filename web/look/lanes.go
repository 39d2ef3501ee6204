package look

// Lanes are the picture of when and where. Widths are fractions of the plot, so that it fits any screen without a
// script.
type Lanes struct {
	Each    []Lane
	Long    bool // the names are long
	Height  int
	Ticks   []Tick
	Holes   []Box
	Gaps    []Box // a pipeline's gaps, over all lanes
	Absent  bool  // a lane has cells of Absent
	Window  *Box  // the time that is chosen
	By      string
	Caption string
}

// Lane is one row.
type Lane struct {
	Label, Full, Href string
	Y                 int
	Cells             []Cell
	All               bool // it stands for the others together
}

// Cell is a span of time in which something happened.
type Cell struct {
	X, Width string
	Y        int
	Class    string // its colour, such as that of Step
	Href     string
	Span     string // the time, for people
	Says     string
}

// Absent is the class of a cell in which an entity is absent.
const Absent = "absent"

const laneStep = 22

// Stack places the lanes one below the other.
func (l *Lanes) Stack() {
	y := 4
	for i := range l.Each {
		lane := &l.Each[i]
		lane.Y = y
		for j := range lane.Cells {
			lane.Cells[j].Y = y
		}
		if y += laneStep; lane.All {
			y += 6
		}
	}
	l.Height = y
}
