import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;

/** A Kafka Streams application, exactly once, of two instances; prints one line for each check: its name, a tab, and JSON of what it saw. */
public class Judged {
  private static final int ROUNDS = 4;
  private static final int LINES_A_ROUND = 1500;
  private static final int KEYS = 50;
  private static final long WINDOW_MS = 10_000;
  private static final long PATIENCE_MS = 90_000;

  private final String servers;
  private final Path states;
  private final Map<String, Long> words = new TreeMap<>();
  private int instances = 0;
  private long line = 0;
  /** Event time begins with a window, and lately: records of long ago are deleted once retention looks at them. */
  private final long beganAt = (System.currentTimeMillis() / WINDOW_MS - 6) * WINDOW_MS;

  private Judged(String servers, Path states) {
    this.servers = servers;
    this.states = states;
  }

  public static void main(String[] args) throws Exception {
    new Judged(args[0], Path.of(args[1])).run();
    System.exit(0);
  }

  private static void tell(String check, Object json) {
    System.out.println(check + "\t" + json);
  }

  private static boolean within(BooleanSupplier isSo) throws InterruptedException {
    for (long end = System.currentTimeMillis() + PATIENCE_MS; System.currentTimeMillis() < end; Thread.sleep(200)) {
      if (isSo.getAsBoolean()) return true;
    }
    return isSo.getAsBoolean();
  }

  private void run() throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers));
        KafkaProducer<String, String> producer =
            new KafkaProducer<>(Map.of("bootstrap.servers", servers), new StringSerializer(), new StringSerializer())) {
      List<NewTopic> topics = new ArrayList<>();
      for (String name : List.of("ks-lines", "ks-users", "ks-counts", "ks-joined", "ks-windows")) {
        topics.add(new NewTopic(name, 3, (short) 1));
      }
      admin.createTopics(topics).all().get();
      for (int key = 0; key < KEYS; key++) producer.send(new ProducerRecord<>("ks-users", "k" + key, "u" + key));
      producer.flush();
      try (KafkaStreams first = start()) {
        KafkaStreams second = start();
        Random random = new Random(1);
        for (int round = 0; round < ROUNDS; round++) {
          produce(producer, random);
          Thread.sleep(500);
          if (round == 1) second.close(Duration.ofSeconds(30));
          if (round == 2) second = start();
        }
        counts();
        joined();
        windows();
        stores(first, second);
        second.close(Duration.ofSeconds(30));
      }
      internalTopics(admin);
      purged(admin);
    }
  }

  private void produce(KafkaProducer<String, String> producer, Random random) {
    for (int i = 0; i < LINES_A_ROUND; i++, line++) {
      List<String> text = new ArrayList<>();
      for (int w = 0; w < 3; w++) {
        String word = "w" + random.nextInt(100);
        text.add(word);
        words.merge(word, 1L, Long::sum);
      }
      // A hundred lines a second of event time.
      producer.send(new ProducerRecord<>("ks-lines", null, beganAt + line * 10, "k" + line % KEYS, String.join(" ", text)));
    }
    producer.flush();
  }

  private KafkaStreams start() throws InterruptedException {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, String> lines = builder.stream("ks-lines");
    lines
        .flatMapValues(text -> List.of(text.split(" ")))
        .groupBy((key, word) -> word, Grouped.as("words"))
        .count(Materialized.as("counts"))
        .toStream()
        .to("ks-counts", Produced.with(Serdes.String(), Serdes.Long()));
    KTable<String, String> users = builder.table("ks-users", Materialized.as("users"));
    lines
        .selectKey((key, text) -> key)
        .join(users, (text, user) -> user, Joined.with(Serdes.String(), Serdes.String(), Serdes.String(), "by-user"))
        .to("ks-joined");
    lines
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMillis(WINDOW_MS)))
        .count(Materialized.as("windows"))
        .toStream((window, count) -> window.key() + "@" + window.window().startTime().toEpochMilli())
        .to("ks-windows", Produced.with(Serdes.String(), Serdes.Long()));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings());
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
    streams.start();
    within(() -> streams.state() == KafkaStreams.State.RUNNING);
    return streams;
  }

  private Properties settings() {
    Properties settings = new Properties();
    settings.put("application.id", "ks");
    settings.put("bootstrap.servers", servers);
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("state.dir", states.resolve("instance-" + instances++).toString());
    settings.put("num.standby.replicas", 1);
    settings.put("commit.interval.ms", 100);
    settings.put("producer.transaction.timeout.ms", 60_000);
    settings.put("repartition.purge.interval.ms", 500);
    settings.put("default.key.serde", Serdes.StringSerde.class);
    settings.put("default.value.serde", Serdes.StringSerde.class);
    settings.put("consumer.auto.offset.reset", "earliest");
    settings.put("consumer.session.timeout.ms", 10_000);
    return settings;
  }

  /** Reads what was committed of a topic until there is enough. */
  private <V> List<ConsumerRecord<String, V>> read(
      String topic, Deserializer<V> values, Predicate<List<ConsumerRecord<String, V>>> enough) {
    List<ConsumerRecord<String, V>> found = new ArrayList<>();
    Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", servers, "group.id", "ks-look-" + topic));
    settings.put("auto.offset.reset", "earliest");
    settings.put("isolation.level", "read_committed");
    try (KafkaConsumer<String, V> consumer = new KafkaConsumer<>(settings, new StringDeserializer(), values)) {
      consumer.subscribe(List.of(topic));
      for (long end = System.currentTimeMillis() + PATIENCE_MS; !enough.test(found) && System.currentTimeMillis() < end; ) {
        consumer.poll(Duration.ofMillis(200)).forEach(found::add);
      }
    }
    return found;
  }

  private static Map<String, Long> last(List<ConsumerRecord<String, Long>> records) {
    Map<String, Long> found = new TreeMap<>();
    for (ConsumerRecord<String, Long> record : records) found.merge(record.key(), record.value(), Math::max);
    return found;
  }

  private static long sum(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(count -> count).sum();
  }

  private void counts() {
    Map<String, Long> found = last(read("ks-counts", new LongDeserializer(), records -> last(records).equals(words)));
    tell("a word count, exactly once, while an instance leaves and comes", found.equals(words) ? line * 3 : "\"" + found + "\"");
  }

  private void joined() {
    List<ConsumerRecord<String, String>> found = read("ks-joined", new StringDeserializer(), records -> records.size() >= line);
    boolean isRight = found.stream().allMatch(record -> record.value().equals(record.key().replace('k', 'u')));
    tell("a stream joined with a table", "[" + found.size() + "," + isRight + "]");
  }

  private void windows() {
    Map<String, Long> counts = last(read("ks-windows", new LongDeserializer(), records -> sum(last(records)) >= line));
    tell("counts by windows of event time", "[" + counts.size() + "," + sum(counts) + "]");
  }

  private void stores(KafkaStreams... streams) throws InterruptedException {
    Map<String, Long> found = new HashMap<>();
    boolean isAll =
        within(
            () -> {
              found.clear();
              for (KafkaStreams each : streams) {
                if (each.state() != KafkaStreams.State.RUNNING) return false;
                ReadOnlyKeyValueStore<String, Long> store = each.store(storeOf("counts"));
                try (var all = store.all()) {
                  all.forEachRemaining(entry -> found.put(entry.key, entry.value));
                }
              }
              return found.equals(words);
            });
    boolean isShared = true;
    for (KafkaStreams each : streams) {
      isShared &= each.metadataForLocalThreads().stream().anyMatch(thread -> !thread.activeTasks().isEmpty());
    }
    tell("state stores asked on both instances, which share the tasks", "[" + isAll + "," + isShared + "]");
  }

  private static StoreQueryParameters<ReadOnlyKeyValueStore<String, Long>> storeOf(String name) {
    return StoreQueryParameters.fromNameAndType(name, QueryableStoreTypes.keyValueStore());
  }

  private void internalTopics(Admin admin) throws Exception {
    List<ConfigResource> asked = new ArrayList<>();
    for (String name : admin.listTopics().names().get()) {
      if (name.matches("ks-.*-(changelog|repartition)")) asked.add(new ConfigResource(ConfigResource.Type.TOPIC, name));
    }
    Map<String, String> found = new TreeMap<>();
    admin.describeConfigs(asked).all().get().forEach((topic, configs) -> found.put(topic.name(), configs.get("cleanup.policy").value()));
    List<String> entries = new ArrayList<>();
    found.forEach((name, policy) -> entries.add('"' + name + "\":\"" + policy + '"'));
    tell("its internal topics and how they are cleaned up", "{" + String.join(",", entries) + "}");
  }

  private void purged(Admin admin) throws Exception {
    Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
    for (int partition = 0; partition < 3; partition++) {
      asked.put(new TopicPartition("ks-words-repartition", partition), OffsetSpec.earliest());
    }
    boolean isPurged = admin.listOffsets(asked).all().get().values().stream().allMatch(found -> found.offset() > 0);
    tell("records of a repartition topic are deleted once they are read", isPurged);
  }
}
