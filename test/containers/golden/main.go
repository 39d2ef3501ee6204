// Command golden feeds a golden case to a broker that a detector reads from, and
// checks the anomalies that come back.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
)

func main() { os.Exit(run()) }

func run() int {
	broker := flag.String("broker", "localhost:29092", "address of a broker")
	dir := flag.String("case", "testdata/golden/hegemony_mean", "folder of the case")
	input := flag.String("input", "ihr_hegemony", "topic to feed")
	output := flag.String("output", "ihr_hegemony_anomalies_ipv4", "topic to read back")
	group := flag.String("group", "ihr_hegemony_anomaly_detection_ipv4", "consumer group of the detector")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := check(ctx, *broker, *dir, *input, *output, *group); err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		return 1
	}
	return 0
}

func check(ctx context.Context, broker, dir, input, output, group string) error {
	c, err := golden.Load(dir)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.DefaultProduceTopic(input), kgo.UnknownTopicRetries(-1))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.ProduceSync(ctx, c.Records...).FirstErr(); err != nil {
		return fmt.Errorf("feed %s: %w", input, err)
	}
	admin := kadm.NewClient(client)
	for {
		lags, err := admin.Lag(ctx, group)
		if lag, ok := lags[group]; err == nil && ok && lag.Error() == nil && len(lag.Lag) > 0 && lag.Lag.Total() == 0 {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the detector: %w", ctx.Err())
		}
	}
	anomalies, err := golden.Read(output, kgo.SeedBrokers(broker))
	if err != nil {
		return err
	}
	problems := c.Verify(anomalies, len(c.Records))
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d problems", len(problems))
	}
	fmt.Printf("%d records fed, %d anomalies read back, all as expected\n", len(c.Records), len(anomalies))
	return nil
}
