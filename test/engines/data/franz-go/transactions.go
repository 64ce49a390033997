package main

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func copying(own *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 3, 1, nil, "in")
	must(err)
	_, err = admin.CreateTopic(ctx, 3, 1, nil, "out")
	must(err)
	produce(own, "in", 500, 0)
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(servers), kgo.TransactionalID("copier"), kgo.ConsumerGroup("copier"), kgo.ConsumeTopics("in"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets(), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(200*time.Millisecond))
	must(err)
	turns, committed, aborted := 0, 0, 0
	for committed < 500 {
		fetches := session.PollRecords(ctx, 60)
		must(fetches.Err0())
		if fetches.NumRecords() == 0 {
			continue
		}
		must(session.Begin())
		fetches.EachRecord(func(record *kgo.Record) {
			session.Produce(ctx, &kgo.Record{Topic: "out", Key: record.Key, Value: record.Value}, nil)
		})
		turns++
		done, err := session.End(ctx, kgo.TransactionEndTry(turns%3 != 0))
		must(err)
		if done {
			committed += fetches.NumRecords()
		} else {
			aborted++
		}
	}
	session.Close()
	consumer := client(kgo.ConsumeTopics("out"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer consumer.Close()
	seen := map[string]int{}
	for _, value := range values(consume(consumer, 500)) {
		seen[value]++
	}
	// A coordinator answers a commit before its markers are written.
	until("no lag", func() bool {
		lags, err := admin.Lag(ctx, "copier")
		must(err)
		return lags["copier"].Lag.Total() == 0
	})
	return []any{committed, aborted > 0, len(seen)}
}

func described(own *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "open")
	must(err)
	producer := client(kgo.TransactionalID("open"), kgo.TransactionTimeout(time.Minute))
	must(producer.BeginTransaction())
	produce(producer, "open", 3, 0)
	inOpen := kadm.TopicsSet{}
	inOpen.Add("open", 0)
	producers, err := admin.DescribeProducers(ctx, inOpen)
	must(err)
	one := []any{}
	for _, each := range producers.SortedProducers() {
		one = append(one, []any{each.LastSequence, each.CurrentTxnStartOffset})
	}
	listed, err := admin.ListTransactions(ctx, nil, nil)
	must(err)
	open, err := admin.DescribeTransactions(ctx, "open")
	must(err)
	before := []any{listed["open"].State, open["open"].State, open["open"].TimeoutMillis, fmt.Sprint(open["open"].Topics.Sorted())}
	ends := func() any {
		stable, err := admin.ListCommittedOffsets(ctx, "open")
		must(err)
		end, err := admin.ListEndOffsets(ctx, "open")
		must(err)
		a, _ := stable.Lookup("open", 0)
		b, _ := end.Lookup("open", 0)
		return []any{a.Offset, b.Offset}
	}
	during := ends()
	must(producer.EndTransaction(ctx, kgo.TryAbort))
	until("decided", func() bool { return fmt.Sprint(ends()) == "[4 4]" })
	until("complete", func() bool {
		after, err := admin.DescribeTransactions(ctx, "open")
		must(err)
		return after["open"].State == "CompleteAbort"
	})
	must(producer.BeginTransaction())
	produce(producer, "open", 2, 3)
	second := client(kgo.TransactionalID("open"))
	must(second.BeginTransaction())
	produce(second, "open", 1, 5)
	must(second.EndTransaction(ctx, kgo.TryCommit))
	late := producer.ProduceSync(ctx, &kgo.Record{Topic: "open", Value: []byte("late")}).FirstErr()
	producer.Close()
	second.Close()
	consumer := client(kgo.ConsumeTopics("open"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer consumer.Close()
	return []any{one, before, during, late != nil, values(consume(consumer, 1))}
}
