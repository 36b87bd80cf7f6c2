import java.io.File;
import java.math.BigDecimal;
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
        var key = keys.decode(record.key());
        var what = record.value() == null ? key.get("id") + " deleted" : describe(values.decode(record.value()));
        System.out.println(new String(record.headers().lastHeader("op").value()) + " " + key.get("entity") + " " + what);
      }
    }
  }
  static String describe(GenericRecord invoice) { // amounts are integers, in hundredths of the currency
    var gross = invoice.get("gross_price") instanceof Long minor ? BigDecimal.valueOf(minor, 2) : "?";
    return Objects.requireNonNullElse(invoice.get("number"), "-") + " " + gross + " " + invoice.get("currency") + " " + invoice.get("status");
  }
  static BinaryMessageDecoder<GenericRecord> decoder(String name) throws Exception {
    var decoder = new BinaryMessageDecoder<GenericRecord>(GenericData.get(), new Schema.Parser().parse(new File("schemas/avro/" + name + ".avsc")));
    for (var older : new File("schemas/released/" + name).listFiles()) decoder.addSchema(new Schema.Parser().parse(older)); // of older records
    return decoder;
  }
}
