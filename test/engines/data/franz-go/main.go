// What franz-go sees of a broker: `<servers>`; prints one JSON object, check by check.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var servers = os.Args[1]

// Of the check that runs: none waits longer.
var ctx, cancel = context.WithCancel(context.Background())

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func client(options ...kgo.Opt) *kgo.Client {
	patient := []kgo.Opt{kgo.DialTimeout(60 * time.Second), kgo.RequestTimeoutOverhead(60 * time.Second)}
	common := append(patient, kgo.SeedBrokers(servers), kgo.FetchMaxWait(200*time.Millisecond))
	made, err := kgo.NewClient(append(common, options...)...)
	must(err)
	return made
}

// The error's name in the protocol; other errors are told whole.
func nameOf(err error) any {
	if err == nil {
		return nil
	}
	if known := kerr.TypedErrorForCode(codeOf(err)); known != nil {
		return known.Message
	}
	return err.Error()
}

func codeOf(err error) int16 {
	for err != nil {
		if known, is := err.(*kerr.Error); is {
			return known.Code
		}
		inner, is := err.(interface{ Unwrap() error })
		if !is {
			return 0
		}
		err = inner.Unwrap()
	}
	return 0
}

func produce(made *kgo.Client, topic string, count int, from int) []*kgo.Record {
	records := []*kgo.Record{}
	for i := from; i < from+count; i++ {
		records = append(records, &kgo.Record{Topic: topic, Key: []byte(fmt.Sprintf("k%d", i)), Value: []byte(fmt.Sprintf("v%d", i))})
	}
	must(made.ProduceSync(ctx, records...).FirstErr())
	return records
}

// Polls until so many records came.
func consume(made *kgo.Client, count int) []*kgo.Record {
	records := []*kgo.Record{}
	for len(records) < count {
		fetches := made.PollFetches(ctx)
		must(fetches.Err0())
		for _, one := range fetches.Errors() {
			must(one.Err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

func values(records []*kgo.Record) []string {
	found := []string{}
	for _, record := range records {
		found = append(found, string(record.Value))
	}
	return found
}

func until(what string, holds func() bool) {
	for !holds() {
		if ctx.Err() != nil {
			panic("never: " + what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func main() {
	own := client()
	admin := kadm.NewClient(own)
	checks := []struct {
		name string
		run  func(*kgo.Client, *kadm.Client) any
	}{
		{"records of every codec", codecs},
		{"headers, nulls and timestamps", fields},
		{"a cooperative group that is shared and left", sharedGroup},
		{"a group of the next generation (KIP-848)", nextGroup},
		{"a static member that comes back", staticMember},
		{"offsets by time, seeking", seeking},
		{"a copy by transactions", copying},
		{"large records", large},
		{"topics, partitions and configs", topics},
		{"groups, offsets and lag", groups},
		{"producers and transactions described", described},
		{"deleted records and log dirs", deleted},
		{"errors", errors},
		{"a topic made again under its name", again},
	}
	found := map[string]any{}
	for _, check := range checks {
		found[check.name] = attempt(func() any { return check.run(own, admin) })
	}
	own.Close()
	out, err := json.Marshal(found)
	must(err)
	fmt.Println(string(out))
}

func attempt(run func() any) (result any) {
	defer func() {
		cancel()
		if failure := recover(); failure != nil {
			result = fmt.Sprintf("failed: %v", failure)
		}
	}()
	ctx, cancel = context.WithTimeout(context.Background(), 120*time.Second)
	return run()
}
