import java.nio.ByteBuffer;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import org.apache.avro.Schema;
import org.apache.avro.generic.*;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
/** Says of each entity whether the topic of invoices holds, row for row, what its last sweep says; for a service without a registry. */
public class Completeness {
  public static void main(String[] arguments) throws Exception {
    String topic = System.getenv().getOrDefault("TOPIC", "infakt.invoices"), prefix = topic.substring(0, topic.lastIndexOf('.'));
    for (var sweep : newest(prefix + ".sweeps", "sweep")) {
      if (!topic.equals(prefix + "." + sweep.get("stream"))) continue;
      var rows = newest(topic, "invoice").stream().filter(row -> row.get("entity").equals(sweep.get("entity"))).toList();
      boolean provable = sweep.get("fingerprint_sum") != null && rows.stream().allMatch(row -> sweep.get("fingerprint_definition").equals(row.get("fingerprint_definition")));
      long sum = !provable ? 0 : rows.stream().mapToLong(row -> Long.parseUnsignedLong(row.get("fingerprint").toString(), 16)).sum(); // wraps at 2^64
      boolean equal = provable && sweep.get("living_count").equals((long) rows.size()) && String.format("%016x", sum).equals(sweep.get("fingerprint_sum").toString());
      System.out.println(sweep.get("entity") + " " + rows.size() + (!provable ? " not provable" : equal ? " equal" : " different"));
    }
  }
  /** The last value of each key, up to the end of the topic. */
  static Collection<GenericRecord> newest(String topic, String schema) throws Exception {
    var decoder = new BinaryMessageDecoder<GenericRecord>(GenericData.get(), new Schema.Parser().parse(Path.of("schemas/avro/" + schema + ".avsc").toFile()));
    try (var files = Files.list(Path.of("schemas/released/" + schema))) { for (var file : files.toList()) decoder.addSchema(new Schema.Parser().parse(file.toFile())); }
    var settings = Map.<String, Object>of("bootstrap.servers", System.getenv().getOrDefault("KAFKA_BROKERS", "localhost:9092"), "isolation.level", "read_committed");
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      var partitions = consumer.partitionsFor(topic).stream().map(each -> new TopicPartition(topic, each.partition())).toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      var values = new HashMap<ByteBuffer, GenericRecord>();
      for (var ends = consumer.endOffsets(partitions); ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue());)
        for (var record : consumer.poll(Duration.ofSeconds(1))) values.put(ByteBuffer.wrap(record.key()), record.value() == null ? null : decoder.decode(record.value()));
      return values.values().stream().filter(Objects::nonNull).toList();
    }
  }
}
