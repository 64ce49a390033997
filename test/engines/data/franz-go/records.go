package main

import (
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func codecs(_ *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 2, 1, nil, "codecs")
	must(err)
	all := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		producer := client(kgo.ProducerBatchCompression(all[name]))
		for i := range 100 {
			record := &kgo.Record{Topic: "codecs", Value: []byte(strings.Repeat("x", i)), Headers: []kgo.RecordHeader{{Key: "codec", Value: []byte(name)}}}
			producer.Produce(ctx, record, nil)
		}
		must(producer.Flush(ctx))
		producer.Close()
	}
	consumer := client(kgo.ConsumeTopics("codecs"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.Close()
	bytes := map[string]int{}
	for _, record := range consume(consumer, 500) {
		bytes[string(record.Headers[0].Value)] += len(record.Value)
	}
	return bytes
}

func fields(_ *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "fields")
	must(err)
	producer := client()
	defer producer.Close()
	at := time.UnixMilli(1_700_000_000_123)
	headers := []kgo.RecordHeader{{Key: "twice", Value: []byte("1")}, {Key: "twice", Value: nil}, {Key: "", Value: []byte{}}}
	sent := []*kgo.Record{
		{Topic: "fields", Key: nil, Value: nil, Timestamp: at, Headers: headers},
		{Topic: "fields", Key: []byte{}, Value: []byte{}, Timestamp: at.Add(time.Millisecond)},
		{Topic: "fields", Key: []byte("ключ"), Value: []byte{0, 255}, Timestamp: at.Add(-time.Hour)},
	}
	must(producer.ProduceSync(ctx, sent...).FirstErr())
	consumer := client(kgo.ConsumeTopics("fields"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.Close()
	found := []any{}
	for _, record := range consume(consumer, 3) {
		seen := []any{}
		for _, header := range record.Headers {
			seen = append(seen, []any{header.Key, header.Value == nil, len(header.Value)})
		}
		found = append(found, []any{record.Offset, record.Key == nil, string(record.Key), record.Value == nil, len(record.Value), record.Timestamp.UnixMilli(), seen})
	}
	return found
}

func seeking(own *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "times")
	must(err)
	producer := client()
	defer producer.Close()
	for i := range 10 {
		at := time.UnixMilli(1_700_000_000_000 + int64(i)*1000)
		must(producer.ProduceSync(ctx, &kgo.Record{Topic: "times", Value: []byte{byte(i)}, Timestamp: at}).FirstErr())
	}
	offsetOf := func(listed kadm.ListedOffsets, err error) any {
		must(err)
		one, _ := listed.Lookup("times", 0)
		return []any{one.Offset, one.LeaderEpoch >= 0, nameOf(one.Err)}
	}
	after, err := admin.ListOffsetsAfterMilli(ctx, 1_700_000_004_500, "times")
	byTime := offsetOf(after, err)
	beyond := offsetOf(admin.ListOffsetsAfterMilli(ctx, 1_800_000_000_000, "times"))
	ends := offsetOf(admin.ListEndOffsets(ctx, "times"))
	starts := offsetOf(admin.ListStartOffsets(ctx, "times"))
	committed := offsetOf(admin.ListCommittedOffsets(ctx, "times"))
	latest := offsetOf(admin.ListMaxTimestampOffsets(ctx, "times"))

	consumer := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"times": {0: kgo.NewOffset().AfterMilli(1_700_000_007_000)}}))
	defer consumer.Close()
	first := consume(consumer, 3)[0].Offset
	consumer.SetOffsets(map[string]map[int32]kgo.EpochOffset{"times": {0: {Epoch: -1, Offset: 2}}})
	back := consume(consumer, 1)[0].Offset
	return []any{byTime, beyond, ends, starts, committed, latest, first, back}
}

func large(_ *kgo.Client, admin *kadm.Client) any {
	_, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{"max.message.bytes": kadm.StringPtr("3000000")}, "large")
	must(err)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, "small")
	must(err)
	producer := client(kgo.ProducerBatchMaxBytes(8<<20), kgo.MaxBufferedBytes(64<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	defer producer.Close()
	write := func(topic string, size int) any {
		return nameOf(producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: make([]byte, size)}).FirstErr())
	}
	answers := []any{write("large", 2_900_000), write("large", 4_000_000), write("small", 900_000), write("small", 1_100_000)}
	consumer := client(kgo.ConsumeTopics("large", "small"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxPartitionBytes(1000))
	defer consumer.Close()
	sizes := map[string]int{}
	for _, record := range consume(consumer, 2) {
		sizes[record.Topic] = len(record.Value)
	}
	return []any{answers, sizes}
}
