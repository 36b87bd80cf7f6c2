import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints every committed record of some topics, from offset 0 to the end at the start of the reading, as one line of JSON each.
 * Takes one reading a line of its input, with tabs between: seconds to finish in, bootstrap servers, topic... After the records of each
 * comes a line {"end":null}, or {"end":"..."} that says why it is not complete. Ends with its input.
 */
public final class CommittedReader {
  public static void main(String[] arguments) throws IOException {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (JsonGenerator json = json()) {
      for (String line = input.readLine(); line != null; line = input.readLine()) {
        List<String> reading = Arrays.asList(line.split("\t"));
        String complaint;
        try {
          complaint = read(json, Duration.ofSeconds(Long.parseLong(reading.get(0))), reading.get(1), reading.subList(2, reading.size()));
        } catch (RuntimeException error) {
          complaint = error.toString();
        }
        json.writeStartObject();
        json.writeStringField("end", complaint);
        json.writeEndObject();
        json.writeRaw('\n');
        json.flush();
      }
    }
  }

  /** Returns what is missing, or null once all is written. */
  private static String read(JsonGenerator json, Duration patience, String bootstrap, List<String> topics) throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    // The end that a read_committed consumer sees is the last stable offset; the true one takes another consumer.
    Map<TopicPartition, Long> ends;
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(bootstrap, "read_uncommitted")) {
      ends = consumer.endOffsets(partitions(consumer, topics), patience);
    }
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(bootstrap, "read_committed")) {
      consumer.assign(ends.keySet());
      consumer.seekToBeginning(ends.keySet());
      List<TopicPartition> behind = behind(consumer, ends);
      while (!behind.isEmpty()) {
        if (System.nanoTime() > deadline) {
          return "Reading up to " + ends + ": expected to finish within " + patience + ", got no further than "
              + positions(consumer, behind) + "; is a transaction still open?";
        }
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          if (record.offset() < ends.get(new TopicPartition(record.topic(), record.partition()))) write(json, record);
        }
        behind = behind(consumer, ends);
      }
    }
    return null;
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, String isolation) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("isolation.level", isolation);
    properties.put("enable.auto.commit", "false");
    properties.put("allow.auto.create.topics", "false");
    properties.put("max.poll.records", "5000");
    properties.put("fetch.max.wait.ms", "50");
    return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, List<String> topics) {
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : topics) {
      var found = consumer.partitionsFor(topic);
      if (found.isEmpty()) throw new IllegalArgumentException("Reading topic " + topic + ": expected it to exist, got none");
      found.forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
    }
    return partitions;
  }

  private static List<TopicPartition> behind(KafkaConsumer<?, ?> consumer, Map<TopicPartition, Long> ends) {
    return ends.keySet().stream().filter(partition -> consumer.position(partition) < ends.get(partition)).toList();
  }

  private static String positions(KafkaConsumer<?, ?> consumer, List<TopicPartition> partitions) {
    List<String> positions = new ArrayList<>();
    partitions.forEach(partition -> positions.add(partition + "=" + consumer.position(partition)));
    return String.join(", ", positions);
  }

  private static JsonGenerator json() throws IOException {
    BufferedOutputStream output = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16);
    return new JsonFactory().createGenerator(output, JsonEncoding.UTF8).setRootValueSeparator(null);
  }

  private static void write(JsonGenerator json, ConsumerRecord<byte[], byte[]> record) throws IOException {
    json.writeStartObject();
    json.writeStringField("topic", record.topic());
    json.writeNumberField("partition", record.partition());
    json.writeNumberField("offset", record.offset());
    json.writeNumberField("timestamp", record.timestamp());
    writeBytes(json, "key", record.key());
    writeBytes(json, "value", record.value());
    json.writeObjectFieldStart("headers");
    for (Header header : record.headers()) {
      byte[] text = header.value();
      json.writeStringField(header.key(), text == null ? null : new String(text, StandardCharsets.UTF_8));
    }
    json.writeEndObject();
    json.writeEndObject();
    json.writeRaw('\n');
  }

  private static void writeBytes(JsonGenerator json, String name, byte[] bytes) throws IOException {
    if (bytes == null) json.writeNullField(name);
    else json.writeBinaryField(name, bytes);
  }
}
