package bootstrap

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/stream"
)

// TestFeederContinuesAfterTheNewestRecord when it starts again. It feeds each bin of the last five days once,
// at the times of the clock.
func TestFeederContinuesAfterTheNewestRecord(t *testing.T) {
	cluster, err := stream.Embedded()
	must(t, err)
	defer cluster.Close()
	brokers := cluster.ListenAddrs()
	now := time.Date(2026, time.March, 5, 12, 7, 0, 0, time.UTC)
	feed := func() {
		o := newOutside(t, map[string]string{"KAFKA_HOST": strings.Join(brokers, ",")})
		o.Now = func() time.Time { return now }
		exit := o.run("demo", "--feed", "--duration", "50ms", "--entities", "20")
		until(t, "the stream is at the present", func() bool { return strings.Contains(o.output.String(), "has reached the present") })
		o.signals <- syscall.SIGTERM
		if code := exits(t, exit, o); code != exitClean {
			t.Errorf("it exits with %d: %s", code, o.output)
		}
	}
	feed()
	first := fedBins(t, brokers)
	if newest := time.Date(2026, time.March, 5, 12, 0, 0, 0, time.UTC); len(first) != 480 || first[newest] == 0 {
		t.Errorf("it fed %d bins and %d points at %s, want 480 bins, the last one then", len(first), first[newest], newest)
	}
	now = now.Add(30 * time.Minute)
	feed()
	second := fedBins(t, brokers)
	if len(second) != 482 {
		t.Errorf("after half an hour there are %d bins, want two more than 480", len(second))
	}
	for bin, points := range first {
		if second[bin] != points {
			t.Errorf("it fed %s again", bin)
		}
	}
}

// fedBins counts the points of each bin in the demo's input topic.
func fedBins(t *testing.T, brokers []string) map[time.Time]int {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("ihr_hegemony"))
	must(t, err)
	defer client.Close()
	offsets, err := kadm.NewClient(client).ListEndOffsets(t.Context(), "ihr_hegemony")
	must(t, err)
	left := int64(0)
	offsets.Each(func(o kadm.ListedOffset) { left += o.Offset })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	bins := make(map[time.Time]int)
	for left > 0 {
		fetches := client.PollFetches(ctx)
		must(t, ctx.Err())
		fetches.EachRecord(func(r *kgo.Record) { bins[r.Timestamp.UTC()]++; left-- })
	}
	return bins
}
