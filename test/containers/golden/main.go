// Command golden feeds a golden case, or a part of it, to the detectors of compose.yaml, and compares
// the committed anomalies with the expected ones. test/containers/run starts it inside their network.
// It never decides what an anomaly is: it imports nothing of ours but the golden cases.
//
//	golden feed CASE TOPIC FROM UNTIL     produce the records FROM to UNTIL (-1: the last)
//	golden verify CASE TOPIC UNTIL GROUP  wait until GROUP has read everything, then compare TOPIC
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
)

const (
	patience = 90 * time.Second // for the detector to start and read everything, also behind a transaction left open
	interval = 250 * time.Millisecond
	settling = 10 * time.Second // for the markers of the last commit to arrive
	shown    = 10               // problems at most
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 5 {
		return errors.New("usage: golden feed CASE TOPIC FROM UNTIL | golden verify CASE TOPIC UNTIL GROUP")
	}
	brokers := kgo.SeedBrokers(os.Getenv("KAFKA_HOST"))
	streams, err := golden.Load(arguments[1])
	if err != nil {
		return fmt.Errorf("load the case: %w", err)
	}
	topic := arguments[2]
	switch arguments[0] {
	case "feed":
		from, err := bound(arguments[3], streams)
		if err != nil {
			return err
		}
		until, err := bound(arguments[4], streams)
		if err != nil {
			return err
		}
		return feed(brokers, streams.Records[from:until], topic)
	case "verify":
		until, err := bound(arguments[3], streams)
		if err != nil {
			return err
		}
		return verify(brokers, streams, topic, until, arguments[4])
	}
	return fmt.Errorf("unknown command %s: want feed or verify", arguments[0])
}

// bound reads the number of a record; -1 means the end of the case.
func bound(text string, streams *golden.Case) (int, error) {
	n, err := strconv.Atoi(text)
	if n == -1 {
		n = len(streams.Records)
	}
	if err != nil || n < 0 || n > len(streams.Records) {
		return 0, fmt.Errorf("%q: want a number of records from 0 to %d, or -1", text, len(streams.Records))
	}
	return n, nil
}

func feed(brokers kgo.Opt, records []*kgo.Record, topic string) error {
	client, err := kgo.NewClient(brokers, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("produce to %s: %w", topic, err)
	}
	fmt.Printf("fed %d records to %s\n", len(records), topic)
	return nil
}

func verify(brokers kgo.Opt, streams *golden.Case, topic string, fed int, group string) error {
	if err := drained(brokers, group); err != nil {
		return err
	}
	var anomalies []*kgo.Record
	var problems []string
	// The marker of a commit may reach the group's offsets before it reaches the anomalies.
	for deadline := time.Now().Add(settling); ; time.Sleep(interval) {
		var err error
		if anomalies, err = golden.Read(topic, brokers); err != nil {
			return err
		}
		problems = streams.Verify(anomalies, fed)
		if len(problems) == 0 || time.Now().After(deadline) {
			break
		}
	}
	for _, problem := range problems[:min(shown, len(problems))] {
		fmt.Println(problem)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d problems in %d anomalies of %d records", len(problems), len(anomalies), fed)
	}
	fmt.Printf("%d anomalies of %d records in %s, each once, bit-equal\n", len(anomalies), fed, topic)
	return nil
}

// drained waits until the group has committed everything in its topics.
func drained(brokers kgo.Opt, group string) error {
	client, err := kgo.NewClient(brokers)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	admin := kadm.NewClient(client)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		lags, err := admin.Lag(ctx, group)
		lag, ok := lags[group]
		if err == nil && ok && lag.Error() == nil && len(lag.Lag) > 0 && lag.Lag.Total() == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s to read everything: lag %d, %w", group, lag.Lag.Total(), errors.Join(err, lag.Error(), ctx.Err()))
		}
	}
}
