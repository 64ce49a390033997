package main

import (
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func config(admin *kadm.Client, topic string, name string) any {
	described, err := admin.DescribeTopicConfigs(ctx, topic)
	must(err)
	for _, one := range described[0].Configs {
		if one.Key == name {
			return []any{one.MaybeValue(), one.Source.String()}
		}
	}
	return "missing"
}

// What a controller has accepted the brokers of a cluster show a moment later.
func shown(admin *kadm.Client, name string, value string) any {
	until(name+" "+value, func() bool {
		found, isFound := config(admin, "one", name).([]any)
		return isFound && found[0] == value
	})
	return config(admin, "one", name)
}

func topics(_ *kgo.Client, admin *kadm.Client) any {
	made, err := admin.CreateTopics(ctx, 2, 1, map[string]*string{"retention.ms": kadm.StringPtr("3600000")}, "one", "two")
	must(err)
	created := []any{made["one"].NumPartitions, made["one"].ReplicationFactor, made["one"].ID != kadm.TopicID{}, len(made["one"].Configs) > 20}
	twice, err := admin.CreateTopics(ctx, 2, 1, nil, "one")
	must(err)
	before := config(admin, "one", "retention.ms")
	altered, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("60000")},
		{Op: kadm.AppendConfig, Name: "cleanup.policy", Value: kadm.StringPtr("compact")},
	}, "one")
	must(err)
	after := []any{nameOf(altered[0].Err), shown(admin, "retention.ms", "60000"), shown(admin, "cleanup.policy", "delete,compact")}
	_, err = admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "retention.ms"}}, "one")
	must(err)
	reset := shown(admin, "retention.ms", "604800000")
	wrong, err := admin.ValidateAlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("soon")}}, "one")
	must(err)
	grown, err := admin.UpdatePartitions(ctx, 5, "one")
	must(err)
	shrunk, err := admin.UpdatePartitions(ctx, 1, "one")
	must(err)
	var details kadm.TopicDetails
	until("five partitions", func() bool {
		details, err = admin.ListTopics(ctx, "one", "two", "nothing")
		must(err)
		return len(details["one"].Partitions) == 5
	})
	listed := []any{len(details["one"].Partitions), len(details["two"].Partitions), nameOf(details["nothing"].Err), details["one"].Partitions[4].Leader >= 0, details["one"].Partitions[4].LeaderEpoch >= 0}
	brokers, err := admin.ListBrokers(ctx)
	must(err)
	cluster, err := admin.BrokerMetadata(ctx)
	must(err)
	brokerConfigs, err := admin.DescribeBrokerConfigs(ctx, brokers[0].NodeID)
	must(err)
	removed, err := admin.DeleteTopics(ctx, "two", "nothing")
	must(err)
	return []any{created, nameOf(twice["one"].Err), before, after, reset, nameOf(wrong[0].Err), nameOf(grown["one"].Err), nameOf(shrunk["one"].Err), listed,
		len(brokers), cluster.Cluster != "", cluster.Controller >= 0, len(brokerConfigs[0].Configs) > 20, nameOf(removed["two"].Err), nameOf(removed["nothing"].Err)}
}

func deleted(own *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "deleted")
	must(err)
	produce(own, "deleted", 10, 0)
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "deleted", Partition: 0, At: 4})
	done, err := admin.DeleteRecords(ctx, offsets)
	must(err)
	one, _ := done.Lookup("deleted", 0)
	offsets = kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: "deleted", Partition: 0, At: 40})
	beyond, err := admin.DeleteRecords(ctx, offsets)
	must(err)
	other, _ := beyond.Lookup("deleted", 0)
	consumer := client(kgo.ConsumeTopics("deleted"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.Close()
	first := consume(consumer, 6)[0].Offset
	dirs, err := admin.DescribeAllLogDirs(ctx, nil)
	must(err)
	size := int64(0)
	for _, dir := range dirs {
		dir.EachPartition(func(each kadm.DescribedLogDirPartition) {
			if each.Topic == "deleted" {
				size += each.Size
			}
		})
	}
	elected, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, topicsSet("deleted"))
	must(err)
	return []any{one.LowWatermark, nameOf(one.Err), nameOf(other.Err), first, size > 0, nameOf(elected["deleted"][0].Err)}
}

func topicsSet(topic string) kadm.TopicsSet {
	var set kadm.TopicsSet
	set.Add(topic, 0)
	return set
}

func errors(_ *kgo.Client, admin *kadm.Client) any {
	producer := client(kgo.UnknownTopicRetries(0))
	defer producer.Close()
	missing := producer.ProduceSync(ctx, &kgo.Record{Topic: "not-there", Value: []byte("x")}).FirstErr()
	create := func(name string, partitions int32, replicas int16, configs map[string]*string) any {
		made, err := admin.CreateTopics(ctx, partitions, replicas, configs, name)
		must(err)
		return nameOf(made[name].Err)
	}
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "strict")
	must(err)
	consumer := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"strict": {0: kgo.NewOffset().At(50)}}), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	defer consumer.Close()
	beyond := consumer.PollFetches(ctx).Errors()
	old := client(kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer old.Close()
	stale := old.ProduceSync(ctx, &kgo.Record{Topic: "strict", Value: []byte("x"), Timestamp: time.Now().Add(48 * time.Hour)}).FirstErr()
	return []any{nameOf(missing), create("no spaces", 1, 1, nil), create("many", 1, 3, nil), create("none", 0, 1, nil),
		create("odd", 1, 1, map[string]*string{"no.such": kadm.StringPtr("1")}), nameOf(beyond[0].Err), nameOf(stale)}
}

func again(own *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "again")
	must(err)
	produce(own, "again", 3, 0)
	_, err = admin.DeleteTopic(ctx, "again")
	must(err)
	until("gone", func() bool { _, err := admin.CreateTopic(ctx, 1, 1, nil, "again"); return err == nil })
	producer := client()
	defer producer.Close()
	records := produce(producer, "again", 1, 9)
	consumer := client(kgo.ConsumeTopics("again"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.Close()
	return []any{records[0].Offset, values(consume(consumer, 1))}
}
