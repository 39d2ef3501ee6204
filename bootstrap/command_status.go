package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"anomalydetector/cluster"
	"anomalydetector/configs"
	"anomalydetector/messages"
)

// asking is the flags of commands that ask a running node.
type asking struct {
	Conf    string        `arg:"" name:"conf" help:"Configuration that the process to ask runs with."`
	Node    string        `help:"host:port of the node to ask instead: its [cluster] listen."`
	Timeout time.Duration `default:"2s" help:"How long to wait, at most 1m (default ${default})."`
	JSON    bool          `name:"json" help:"Print JSON."`
}

type statusCommand struct{ asking }

type entityCommand struct {
	asking
	Key    string `arg:"" help:"The entity: the values of key_field, joined with commas."`
	Window bool   `help:"Also print the points of its window."`
}

// asker asks a process at an address.
type asker interface {
	Status(ctx context.Context, address string) (messages.ClusterStatus, error)
	Entity(ctx context.Context, address, detector, key string) (messages.EntityAnswer, error)
}

// ask puts a question to the process at its [cluster] listen, or at its [http] listen if it has no
// [cluster] section.
func (a *asking) ask(world *World, question func(context.Context, asker, *configs.Config) error) error {
	world.Release()
	config, err := configs.Load(a.Conf, world.Env)
	if err != nil {
		return err
	}
	if a.Timeout <= 0 || a.Timeout > time.Minute {
		return usageError("--timeout is " + a.Timeout.String() + ", want at most 1m")
	}
	ctx, cancel := context.WithTimeout(context.Background(), a.Timeout)
	defer cancel()
	if a.Node == "" && config.Cluster.Advertise == "" {
		if a.Node, err = siteOf(ctx, config); err != nil {
			return err
		}
		return question(ctx, siteAsker{}, config)
	}
	a.Node = cmp.Or(a.Node, config.Cluster.Advertise)
	_, client, err := clusterTLS(&config.Cluster).Load()
	if err != nil {
		return fmt.Errorf("[cluster]: %w", err)
	}
	return question(ctx, cluster.NewAsker(client), config)
}

// Run prints the nodes and their partitions.
func (c *statusCommand) Run(world *World) error {
	return c.ask(world, func(ctx context.Context, asker asker, _ *configs.Config) error {
		status, err := asker.Status(ctx, c.Node)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return printJSON(world.Stdout, status)
		}
		return printStatus(world.Stdout, status)
	})
}

// Run prints what is known of an entity. An unknown entity is an error. With --json it prints the
// answer that nodes give each other, whichever address it asks.
func (c *entityCommand) Run(world *World) error {
	return c.ask(world, func(ctx context.Context, asker asker, config *configs.Config) error {
		if _, people := asker.(siteAsker); people && !c.JSON {
			if told, err := c.tell(ctx, world, config); told {
				return err
			}
		}
		found, err := asker.Entity(ctx, c.Node, config.Name, c.Key)
		if err != nil {
			return err
		}
		for i := range found.Found {
			if c.JSON && !c.Window {
				found.Found[i].Window = nil
			}
		}
		if c.JSON {
			err = printJSON(world.Stdout, found)
		} else {
			err = printEntity(world.Stdout, found, c.Window)
		}
		if err != nil || len(found.Found) > 0 {
			return err
		}
		return c.unknown(ctx, asker, config)
	})
}

// unknown is the error for an unknown entity. It names known entities with similar keys.
func (c *entityCommand) unknown(ctx context.Context, asker asker, config *configs.Config) error {
	address := c.Node
	if _, people := asker.(siteAsker); !people {
		address, _ = siteOf(ctx, config) // only the API knows names; the process may not have one
	}
	if address == "" {
		return c.nothingKnown(config, nil)
	}
	return c.nothingKnown(config, c.reader(address).Similar(ctx, config.Name, c.Key))
}

func (c *entityCommand) nothingKnown(config *configs.Config, similar []string) error {
	problem := fmt.Sprintf("nothing is known of entity %s of %s", printable(c.Key), config.Name)
	for i, key := range similar {
		if i == 0 {
			problem += "; similar entities:"
		}
		problem += "\n  " + printable(key)
	}
	return errors.New(problem)
}

func printStatus(out io.Writer, status messages.ClusterStatus) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "node\tversion\tup\tdetector\tstate\tstep\tpartitions\tstandby for\tentities\tlag\tdata until")
	for _, node := range status.Nodes {
		if node.Problem != "" {
			printf(table, "%s\t-\t-\t-\tno answer\t-\t-\t-\t-\t-\t-\n", node.Address)
			continue
		}
		for _, d := range node.Detectors {
			owned, standby, entities, lag, until := 0, 0, 0, int64(0), int64(0)
			for _, p := range d.Partitions {
				until = max(until, p.StreamTime)
				if p.Role == messages.RoleStandby {
					standby++
					continue
				}
				owned++
				entities += p.Entities
				lag += p.Lag
			}
			printf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", node.Address, node.Version,
				status.At.Sub(node.Started).Truncate(time.Second), d.Detector, d.State, cmp.Or(d.Step, "-"), owned, standby, entities, lag, streamTime(until))
		}
	}
	fmt.Fprintln(table, "\t\t\t\t\t\t\t\t\t\t")
	fmt.Fprintln(table, "detector\tpartition\trole\tphase\tnode\toffset\tlag\tentities\tto replay")
	for _, row := range rowsOf(status) {
		p := row.partition
		printf(table, "%s\t%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\n", row.detector, p.Partition, p.Role, p.Phase, row.node, p.Offset, p.Lag, p.Entities, p.Pending)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, none := range status.Unowned {
		printf(out, "no node owns partition %d of %s at the moment\n", none.Partition, none.Detector)
	}
	for _, node := range status.Nodes {
		if node.Problem != "" {
			fmt.Fprintln(out, lines(node.Problem))
		}
		for _, d := range node.Detectors {
			if d.Problem != "" {
				fmt.Fprintln(out, lines(fmt.Sprintf("node %s, detector %s: %s", printable(node.Address), printable(d.Detector), d.Problem)))
			}
		}
	}
	printPartial(out, status.Partial, status.Problems)
	return nil
}

// streamTime prints the stream time, or a dash if there is none yet.
func streamTime(at int64) string {
	if at == 0 {
		return "-"
	}
	return utc(at)
}

// statusRow is a partition on a node.
type statusRow struct {
	detector, node string
	partition      messages.PartitionStatus
}

// rowsOf are all partitions by detector and number, the assigned one before its standbys.
func rowsOf(status messages.ClusterStatus) (rows []statusRow) {
	for _, node := range status.Nodes {
		for _, d := range node.Detectors {
			for _, p := range d.Partitions {
				rows = append(rows, statusRow{d.Detector, node.Address, p})
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b statusRow) int {
		return cmp.Or(cmp.Compare(a.detector, b.detector), cmp.Compare(a.partition.Partition, b.partition.Partition),
			cmp.Compare(a.partition.Role, b.partition.Role))
	})
	return rows
}

func printPartial(out io.Writer, partial bool, problems []string) {
	if partial {
		fmt.Fprintln(out, "This answer is not complete: a part of the cluster could not be asked.")
	}
	for _, problem := range problems {
		fmt.Fprintln(out, lines(problem))
	}
}

func printEntity(out io.Writer, answer messages.EntityAnswer, window bool) error {
	for _, e := range answer.Found {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		printf(table, "entity\t%s\n", answer.Entity)
		printf(table, "partition\t%d, %s (%s) on node %s, as of offset %d\n", e.Partition, e.Role, e.Phase, e.Address, e.Offset)
		printf(table, "points\t%d of %d (coverage %.0f %%); %d are needed\n", e.Points, e.Full, 100*e.Coverage, e.Needed)
		if last := len(e.Window) - 1; last >= 0 {
			printf(table, "last point\t%s at %s\n", number(&e.Window[last].Value), utc(e.Window[last].At))
		}
		printf(table, "its deviation\t%s\n", number(e.LastDeviation))
		if e.Habit != nil {
			last, at := judged{}, time.UnixMilli(e.Habit.Next)
			if j := e.Habit.Last; j != nil {
				last = judged{j.Expected, j.Low, j.High, j.Mean, j.UsualMean}
			}
			printHabit(table, &last, &next{&at, e.Median, e.Scale, e.Low, e.High})
		} else {
			printf(table, "median\t%s\n", number(e.Median))
			printf(table, "scale\t%s\n", number(e.Scale))
			printf(table, "normal from, to\t%s, %s\n", number(e.Low), number(e.High))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if window {
			for i, point := range e.Window {
				of := ""
				if e.Habit != nil && i < len(e.Habit.Expected) && e.Habit.Expected[i].Known {
					x := &e.Habit.Expected[i]
					of = expectation(&x.Expected, &x.Low, &x.High, x.Exact)
				}
				printf(out, "%s  %s%s\n", time.UnixMilli(point.At).UTC().Format("2006-01-02T15:04:05.000Z"), number(&point.Value), of)
			}
		}
	}
	printPartial(out, answer.Partial, answer.Problems)
	return nil
}

// number prints a number exactly, or a dash if there is none.
func number(x *float64) string {
	if x == nil {
		return "-"
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}
