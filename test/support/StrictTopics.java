import java.util.List;
import java.util.Map;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.server.policy.CreateTopicPolicy;

/** Refuses settings that hosted clusters refuse, and topics with seven partitions whatever their settings are. */
public class StrictTopics implements CreateTopicPolicy {
  @Override
  public void configure(Map<String, ?> settings) {}

  @Override
  public void validate(RequestMetadata request) {
    for (String name : List.of("min.cleanable.dirty.ratio", "segment.ms"))
      if (request.configs().containsKey(name)) throw new PolicyViolationException(name + " is not yours to set here");
    if (Integer.valueOf(7).equals(request.numPartitions()))
      throw new PolicyViolationException("seven partitions are one too many here");
  }

  @Override
  public void close() {}
}
