package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/transactions"
)

const feederID = "feeder" // its transactional id

// feeder writes the scenario's records to the input. If the scenario says so it writes in
// transactions, and aborts some. A record that it fails to write is no part of the input:
// the judge takes the input from the log.
type feeder struct {
	run    *run
	client *kgo.Client // of feed; feed alone replaces it, and holds the token of the input then
}

// begin connects.
func (f *feeder) begin() {
	options := []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.Dialer(f.run.network.dialer(feederParty)), kgo.MaxProduceRequestsInflightPerBroker(1),
	}
	if f.run.scenario.Aborts {
		options = append(options, kgo.TransactionalID(feederID), kgo.TransactionTimeout(10*time.Second))
	}
	f.client = f.run.operator.newClient(options...)
}

func (f *feeder) end() { f.client.Close() }

// feed writes all records, each at its time.
func (f *feeder) feed() {
	r := f.run
	d := dice{rand.New(rand.NewPCG(r.scenario.Seed, 0xfeed))}
	renew := func() {
		f.end()
		f.begin()
	}
	records, made := r.scenario.Records, 0
	for first := 0; first < len(records); {
		past := first + 1
		for past < len(records) && records[past].When == records[first].When {
			past++
		}
		time.Sleep(time.Until(r.begin.Add(records[first].When)))
		r.input.unfed(func() {
			if made != r.input.made { // a client that knows a topic writes to no other one of that name
				made = r.input.made
				renew()
			}
			if !f.feedSome(d, first, past) {
				renew()
			}
		})
		first = past
	}
	f.landed()
}

// landed waits for a minute until nothing of what feed wrote is under way.
func (f *feeder) landed() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return f.client.Flush(ctx) == nil
}

// pause does something while nothing is written to the input, and nothing is under way to it.
// Without transactions feed does not wait for answers, so the token alone is not enough.
func (f *feeder) pause(do func()) {
	f.run.input.unfed(func() {
		if f.landed() { // otherwise another fault holds the records up
			do()
		}
	})
}

// feedSome writes the records [first, past). It is false if the client is of no more use.
func (f *feeder) feedSome(d dice, first, past int) bool {
	client := f.client
	// A client that has records before it has its producer id asks for that without a
	// pause while no broker can be dialled: no virtual time passes.
	if !f.run.operator.insist("producer id", func(ctx context.Context) error {
		_, _, err := client.ProducerID(ctx)
		return err
	}) {
		return false
	}
	scenario := f.run.scenario
	if scenario.Aborts && client.BeginTransaction() != nil {
		return false
	}
	for number := first; number < past; number++ {
		client.Produce(context.Background(), f.kafkaRecord(&scenario.Records[number], number), func(*kgo.Record, error) {})
	}
	if !scenario.Aborts {
		return true
	}
	end := kgo.TransactionEndTry(!d.one(5))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if end == kgo.TryAbort {
		return client.AbortBufferedRecords(ctx) == nil && client.EndTransaction(ctx, end) == nil
	}
	return client.Flush(ctx) == nil && transactions.End(ctx, client, inputTopic, end) == nil
}

// kafkaRecord carries the number of the record in a header, by which the judge knows it.
func (f *feeder) kafkaRecord(record *Record, number int) *kgo.Record {
	return &kgo.Record{
		Topic: inputTopic, Partition: int32(record.Entity) % f.run.input.partitions.Load(), Timestamp: time.UnixMilli(record.At),
		Key: []byte(record.Key), Value: record.Payload,
		Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, number)}},
	}
}

// feedLast feeds each partition once more when all faults have ended. What feed wrote lands before.
func (f *feeder) feedLast() bool {
	r := f.run
	if !f.landed() {
		r.judge.problem("a minute after all faults had ended records of the feeder were still under way")
		return false
	}
	newest := r.scenario.newest()
	var records []*kgo.Record
	for entity := range 3 * int(r.input.partitions.Load()) {
		record := Record{Entity: entity, Key: fmt.Sprintf("e%d", entity), At: newest + quarter, Value: 0.5 + float64(entity)/50}
		record.Payload = point(record.Key, record.Value)
		records = append(records, f.kafkaRecord(&record, len(r.scenario.Records)+len(r.input.last)))
		r.input.last = append(r.input.last, record)
	}
	return r.operator.insist("feed the last records", func(ctx context.Context) error { return f.write(ctx, records) })
}

// write writes in a transaction if the feeder does. Then the last thing in each partition
// is a marker, and the committed offset must lie behind it.
func (f *feeder) write(ctx context.Context, records []*kgo.Record) error {
	operator := f.run.operator
	if !f.run.scenario.Aborts {
		return operator.client.ProduceSync(ctx, records...).FirstErr()
	}
	client := operator.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(feederID))
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	return transactions.End(ctx, client, inputTopic, kgo.TryCommit)
}
