package main

import (
	"context"
	"fmt"
	"sort"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A member that polls until it is closed, and counts what it is assigned.
type member struct {
	client   *kgo.Client
	assigned atomic.Int32
	read     atomic.Int32
	ended    chan struct{}
}

func join(group string, topic string, options ...kgo.Opt) *member {
	one := &member{ended: make(chan struct{})}
	moved := func(by int32) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			one.assigned.Add(by * int32(len(partitions[topic])))
		}
	}
	one.client = client(append(options,
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(100*time.Millisecond),
		kgo.OnPartitionsAssigned(moved(1)), kgo.OnPartitionsRevoked(moved(-1)), kgo.OnPartitionsLost(moved(-1)))...)
	go func() {
		defer close(one.ended)
		for {
			fetches := one.client.PollFetches(ctx)
			if fetches.IsClientClosed() || ctx.Err() != nil {
				return
			}
			one.read.Add(int32(fetches.NumRecords()))
		}
	}()
	return one
}

func (one *member) leave() {
	must(one.client.CommitUncommittedOffsets(ctx))
	one.client.Close()
	<-one.ended
}

// `how` tells, while two members share the partitions, by which protocol they do.
func shareAndLeave(group string, topic string, own *kgo.Client, admin *kadm.Client, how func() any, options ...kgo.Opt) []any {
	_, err := admin.CreateTopic(ctx, 4, 1, nil, topic)
	must(err)
	produce(own, topic, 200, 0)
	first := join(group, topic, options...)
	until("all partitions", func() bool { return first.assigned.Load() == 4 && first.read.Load() == 200 })
	second := join(group, topic, options...)
	until("halves", func() bool { return first.assigned.Load() == 2 && second.assigned.Load() == 2 })
	shared := how()
	second.leave()
	until("all again", func() bool { return first.assigned.Load() == 4 })
	produce(own, topic, 100, 200)
	until("the rest", func() bool { return first.read.Load() >= 300 })
	first.leave()
	offsets, err := admin.FetchOffsets(ctx, group)
	must(err)
	total := int64(0)
	offsets.Each(func(one kadm.OffsetResponse) { total += one.At })
	return []any{shared, total}
}

func sharedGroup(own *kgo.Client, admin *kadm.Client) any {
	return shareAndLeave("shared", "shared", own, admin, func() any {
		var group kadm.DescribedGroup
		until("stable", func() bool {
			found, err := admin.DescribeGroups(ctx, "shared")
			must(err)
			group = found["shared"]
			return group.State == "Stable"
		})
		return []any{group.ProtocolType, group.Protocol, len(group.Members)}
	})
}

func nextGroup(own *kgo.Client, admin *kadm.Client) any {
	return shareAndLeave("next", "next", own, admin, func() any {
		var group kadm.DescribedConsumerGroup
		until("stable", func() bool {
			found, err := admin.DescribeConsumerGroups(ctx, "next")
			must(err)
			group = found["next"]
			return group.State == "Stable"
		})
		return []any{group.AssignorName, group.Epoch == group.AssignmentEpoch, len(group.Members)}
	}, kgo.ServerSideBalancer())
}

func staticMember(own *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 2, 1, nil, "static")
	must(err)
	produce(own, "static", 10, 0)
	describe := func() (string, int, any) {
		described, err := admin.DescribeGroups(ctx, "static")
		must(err)
		group := described["static"]
		if len(group.Members) == 0 {
			return group.State, 0, nil
		}
		return group.State, len(group.Members), *group.Members[0].InstanceID
	}
	first := join("static", "static", kgo.InstanceID("one"))
	until("assigned", func() bool { return first.assigned.Load() == 2 && first.read.Load() == 10 })
	first.leave()
	state, members, instance := describe()
	second := join("static", "static", kgo.InstanceID("one"))
	until("assigned again", func() bool { return second.assigned.Load() == 2 })
	produce(own, "static", 5, 10)
	until("the rest", func() bool { return second.read.Load() == 5 })
	second.leave()
	left, err := admin.LeaveGroup(ctx, kadm.LeaveGroup("static").InstanceIDs("one"))
	must(err)
	gone, none, _ := describe()
	return []any{state, members, instance, nameOf(left["one"].Err), gone, none}
}

func groups(own *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 2, 1, nil, "lagging")
	must(err)
	produce(own, "lagging", 20, 0)
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "lagging", Partition: 0, At: 3, LeaderEpoch: -1, Metadata: "why"})
	offsets.Add(kadm.Offset{Topic: "lagging", Partition: 1, At: 1, LeaderEpoch: -1})
	committed, err := admin.CommitOffsets(ctx, "lagging", offsets)
	must(err)
	must(committed.Error())
	lags, err := admin.Lag(ctx, "lagging")
	must(err)
	lag := lags["lagging"].Lag.Total()
	fetched, err := admin.FetchOffsets(ctx, "lagging")
	must(err)
	kept, _ := fetched.Lookup("lagging", 0)
	many := admin.FetchManyOffsets(ctx, "lagging", "nobody")
	var topics kadm.TopicsSet
	topics.Add("lagging", 1)
	removed, err := admin.DeleteOffsets(ctx, "lagging", topics)
	must(err)
	left, err := admin.FetchOffsets(ctx, "lagging")
	must(err)
	_, still := left.Lookup("lagging", 1)
	deleted, err := admin.DeleteGroups(ctx, "lagging", "nobody")
	must(err)
	states, err := admin.ListGroups(ctx, "Empty")
	must(err)
	_, listed := states["lagging"]
	names := []string{}
	for name := range many {
		names = append(names, fmt.Sprint(name, len(many[name].Fetched)))
	}
	sort.Strings(names)
	return []any{lag, kept.At, kept.Metadata, names, len(removed), still, nameOf(deleted["lagging"].Err), nameOf(deleted["nobody"].Err), listed}
}
