// The job of the tutorial stack, run by spark-shell: what stands in a topic of Kafka goes into a table of Cassandra by Structured Streaming.
import org.apache.spark.sql.functions.{col, from_json}

val options = spark.conf
val users = spark.readStream.format("kafka")
  .option("kafka.bootstrap.servers", options.get("spark.judged.kafka"))
  .option("subscribe", options.get("spark.judged.topic"))
  .option("startingOffsets", "earliest")
  .load()
  .select(from_json(col("value").cast("string"), org.apache.spark.sql.types.StructType.fromDDL("id STRING, name STRING")).as("user"))
  .select("user.*")

val query = users.writeStream.format("org.apache.spark.sql.cassandra")
  .option("keyspace", options.get("spark.judged.keyspace"))
  .option("table", options.get("spark.judged.table"))
  .option("checkpointLocation", options.get("spark.judged.checkpoint"))
  .trigger(org.apache.spark.sql.streaming.Trigger.AvailableNow())
  .start()
query.awaitTermination()

val rows = spark.read.format("org.apache.spark.sql.cassandra")
  .option("keyspace", options.get("spark.judged.keyspace"))
  .option("table", options.get("spark.judged.table"))
  .load()
rows.orderBy("id").toJSON.collect().foreach(row => println("row " + row))
System.exit(0)
