import java.math.BigDecimal;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import org.apache.avro.Schema;
import org.apache.avro.generic.*;
import org.apache.avro.message.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Prints new, changed and deleted invoices of a service that runs without a schema registry. */
public class Invoices {
  public static void main(String[] arguments) throws Exception {
    String topic = System.getenv().getOrDefault("TOPIC", "infakt.invoices");
    var settings = Map.<String, Object>of(
        "bootstrap.servers", System.getenv().getOrDefault("KAFKA_BROKERS", "localhost:9092"),
        "group.id", "print-java-" + topic,
        "auto.offset.reset", "earliest", // the first start reads the present state of every invoice
        "isolation.level", "read_committed"); // otherwise records of aborted transactions are shown too
    BinaryMessageDecoder<GenericRecord> keys = decoder("invoice-key"), values = decoder("invoice");
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(topic));
      while (true) for (var record : consumer.poll(Duration.ofSeconds(1))) {
        var op = new String(record.headers().lastHeader("op").value());
        var key = keys.decode(record.key());
        var invoice = record.value() == null ? null : values.decode(record.value());
        var what = invoice == null ? key.get("id") + " deleted" : describe(invoice);
        System.out.println(op + " " + key.get("entity") + " " + what);
      }
    }
  }
  static String describe(GenericRecord invoice) { // amounts are integers, in hundredths of the currency
    var gross = invoice.get("gross_price") instanceof Long minor ? BigDecimal.valueOf(minor, 2) : "?";
    return Objects.requireNonNullElse(invoice.get("number"), "-") + " " + gross + " " + invoice.get("currency") + " " + invoice.get("status");
  }
  static BinaryMessageDecoder<GenericRecord> decoder(String name) throws Exception {
    return new BinaryMessageDecoder<>(GenericData.get(), new Schema.Parser().parse(Path.of("schemas/avro/" + name + ".avsc").toFile()));
  }
}
