import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.SchemaMetadata;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Config;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Metadata;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Rule;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.RuleKind;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.RuleMode;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.RuleSet;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.Schema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SubjectVersion;

/** Every method of Confluent's SchemaRegistryClient for Java against one registry: {@code Methods URL}. */
final class Methods {
  static final String ID = "{\"name\":\"id\",\"type\":\"long\"}";
  static final String ORDER_1 = record("Order", ID);
  static final String ORDER_2 = record("Order", ID + ",{\"name\":\"note\",\"type\":\"string\",\"default\":\"\"}");
  static final String ORDER_BROKEN = record("Order", "{\"name\":\"id\",\"type\":\"string\"}");
  // No letter beyond ASCII: this client would send it as one byte of Latin-1, which no server takes.
  static final String STRANGE = "a/b c%3A:?#+";
  static final String SUBJECT = "orders-value";

  private Methods() {}

  static String record(String name, String fields) {
    return "{\"type\":\"record\",\"name\":\"" + name + "\",\"namespace\":\"shop\",\"fields\":[" + fields + "]}";
  }

  private static AvroSchema avro(String text) {
    return new AvroSchema(text);
  }

  public static void main(String[] arguments) throws Exception {
    Report report = new Report("Confluent's Java client, CachedSchemaRegistryClient");
    scenario(record(new CachedSchemaRegistryClient(arguments[0], 100), report), report);
    report.print();
  }

  /** The client, but each call is written down, and what the client remembers is forgotten before. */
  private static SchemaRegistryClient record(SchemaRegistryClient client, Report report) {
    for (Method method : SchemaRegistryClient.class.getMethods()) {
      report.methods.add(Report.signature(method));
    }
    return (SchemaRegistryClient) Proxy.newProxyInstance(Methods.class.getClassLoader(), new Class<?>[] {SchemaRegistryClient.class}, (proxy, method, given) -> {
      report.called.add(Report.signature(method));
      client.reset();
      try {
        return method.invoke(client, given);
      } catch (InvocationTargetException thrown) {
        throw thrown.getCause();
      }
    });
  }

  @SuppressWarnings("deprecation")
  private static void scenario(SchemaRegistryClient client, Report report) {
    AvroSchema order1 = avro(ORDER_1);
    AvroSchema order2 = avro(ORDER_2);
    AvroSchema broken = avro(ORDER_BROKEN);

    report.step("registration", () -> {
      report.equal("no subjects", client.getAllSubjects(), List.of());
      report.equal("first id", client.register(SUBJECT, order1), 1);
      report.equal("as Avro's own type", client.register(SUBJECT, order1.rawSchema()), 1);
      var again = client.registerWithResponse(SUBJECT, order1, false);
      report.equal("registered again", List.of(again.getId(), again.getVersion()), List.of(1, 1));
      report.sameText("with its text", again.getSchema(), ORDER_1);
      report.equal("second id", client.register(SUBJECT, order2, true), 2);
      report.refused("incompatible", 409, 40901, () -> client.register(SUBJECT, broken));
      report.equal("a strange subject", client.register(STRANGE, order1), 1);
      report.equal("listed as it is", client.getAllSubjects(), List.of(STRANGE, SUBJECT));
      report.equal("deleted", client.deleteSubject(STRANGE), List.of(1));
      report.equal("for good", client.deleteSubject(STRANGE, true), List.of(1));
      report.equal("parsed here", client.parseSchema("AVRO", ORDER_1, List.of()).orElseThrow(), order1);
      report.equal("and with metadata", client.parseSchema("AVRO", ORDER_1, List.of(), null, null).orElseThrow(), order1);
      report.equal("and as sent", client.parseSchema(new Schema(SUBJECT, 1, 1, "AVRO", List.of(), ORDER_1)).orElseThrow(), order1);
    });

    report.step("reads", () -> {
      report.equal("by id", client.getSchemaById(1), order1);
      report.equal("by id and subject", client.getSchemaBySubjectAndId(SUBJECT, 2), order2);
      report.equal("Avro's own by id", client.getById(1), order1.rawSchema());
      report.equal("Avro's own by ID", client.getByID(2), order2.rawSchema());
      report.equal("Avro's own by id and subject", client.getBySubjectAndId(SUBJECT, 1), order1.rawSchema());
      report.equal("Avro's own by ID and subject", client.getBySubjectAndID(SUBJECT, 2), order2.rawSchema());
      report.refused("unknown id", 404, 40403, () -> client.getSchemaById(4711));
      report.equal("all", client.getSchemas(SUBJECT, false, false), List.of(order1, order2));
      report.equal("only the latest", client.getSchemas(SUBJECT, false, true), List.of(order2));
      report.equal("subjects of an id", client.getAllSubjectsById(1), List.of(SUBJECT));
      report.equal("versions of an id", client.getAllVersionsById(2), List.of(new SubjectVersion(SUBJECT, 2)));
      Schema first = client.getByVersion(SUBJECT, 1, false);
      report.equal("by version", List.of(first.getSubject(), first.getId(), first.getVersion()), List.of(SUBJECT, 1, 1));
      SchemaMetadata latest = client.getLatestSchemaMetadata(SUBJECT);
      report.equal("latest", List.of(latest.getId(), latest.getVersion(), latest.getSchemaType()), List.of(2, 2, "AVRO"));
      report.sameText("its text", latest.getSchema(), ORDER_2);
      report.equal("a version", client.getSchemaMetadata(SUBJECT, 1).getId(), 1);
      report.equal("a version, deleted or not", client.getSchemaMetadata(SUBJECT, 2, true).getId(), 2);
      report.refused("no such version", 404, 40402, () -> client.getSchemaMetadata(SUBJECT, 9));
      report.equal("version", client.getVersion(SUBJECT, order2), 2);
      report.equal("version, normalized", client.getVersion(SUBJECT, order1, true), 1);
      report.equal("version of Avro's own", client.getVersion(SUBJECT, order1.rawSchema()), 1);
      report.equal("versions", client.getAllVersions(SUBJECT), List.of(1, 2));
      report.equal("id", client.getId(SUBJECT, order2), 2);
      report.equal("id, normalized", client.getId(SUBJECT, order1, true), 1);
      report.equal("id of Avro's own", client.getId(SUBJECT, order2.rawSchema()), 2);
      report.refused("not there", 404, 40403, () -> client.getId(SUBJECT, avro("\"string\"")));
      report.refused("nowhere", 404, 40401, () -> client.getId("nothing", order1));
      report.equal("by prefix", client.getAllSubjectsByPrefix("ord"), List.of(SUBJECT));
      report.equal("by another prefix", client.getAllSubjectsByPrefix("x"), List.of());
      SchemaReference reference = new SchemaReference("shop.Order", SUBJECT, 1);
      AvroSchema line = new AvroSchema(record("Line", "{\"name\":\"order\",\"type\":\"shop.Order\"}"), List.of(reference), Map.of("shop.Order", ORDER_1), null);
      client.register("lines", line);
      report.equal("references", client.getLatestSchemaMetadata("lines").getReferences(), List.of(reference));
      report.refused("referenced", 422, 42206, () -> client.deleteSchemaVersion(SUBJECT, "1"));
      client.deleteSubject("lines");
      client.deleteSubject("lines", true);
    });

    report.step("metadata and rules", () -> {
      Metadata metadata = new Metadata(Map.of("**.note", Set.of("PII")), Map.of("team", "red", "a", "b"), Set.of("a"));
      Rule rule = new Rule("mask", "hide", RuleKind.TRANSFORM, RuleMode.WRITEREAD, "CEL_FIELD", Set.of("PII"), Map.of("a", "b"), "true", "NONE", "ERROR", false);
      RuleSet rules = new RuleSet(List.of(), List.of(rule));
      client.register("rules", new AvroSchema(ORDER_1, List.of(), Map.of(), metadata, rules, null, false));
      SchemaMetadata got = client.getLatestSchemaMetadata("rules");
      report.equal("metadata", got.getMetadata(), metadata);
      report.equal("rules", got.getRuleSet() == null ? null : got.getRuleSet().getDomainRules(), List.of(rule));
      Metadata blue = new Metadata(null, Map.of("team", "blue"), null);
      client.register("rules", new AvroSchema(ORDER_2, List.of(), Map.of(), blue, null, null, false));
      report.equal("by metadata", client.getLatestWithMetadata("rules", Map.of("team", "red", "a", "b"), false).getVersion(), 1);
      report.equal("newest", client.getLatestWithMetadata("rules", Map.of("team", "blue"), true).getVersion(), 2);
      report.refused("no such", 404, 40403, () -> client.getLatestWithMetadata("rules", Map.of("team", "x"), false));
    });

    report.step("compatibility", () -> {
      report.equal("compatible", client.testCompatibility(SUBJECT, order2), true);
      report.equal("incompatible", client.testCompatibility(SUBJECT, broken), false);
      report.equal("of Avro's own", client.testCompatibility(SUBJECT, broken.rawSchema()), false);
      report.equal("no complaints", client.testCompatibilityVerbose(SUBJECT, order2), List.of());
      report.equal("complaints", client.testCompatibilityVerbose(SUBJECT, broken).isEmpty(), false);
      report.equal("complaints, normalized", client.testCompatibilityVerbose(SUBJECT, broken, true).isEmpty(), false);
      report.equal("set", client.updateCompatibility(null, "FULL"), "FULL");
      report.equal("is set", client.getCompatibility(null), "FULL");
      report.refused("unset", 404, 40408, () -> client.getCompatibility(SUBJECT));
      report.equal("own", client.updateCompatibility(SUBJECT, "none"), "NONE");
      report.equal("own is set", client.getCompatibility(SUBJECT), "NONE");
      client.deleteCompatibility(SUBJECT);
      report.refused("unset again", 404, 40408, () -> client.getCompatibility(SUBJECT));
      Metadata owner = new Metadata(null, Map.of("owner", "shop"), null);
      Config wanted = new Config(null, true, null, "FORWARD", "major", owner, null, null, null);
      report.equal("echo", client.updateConfig("config", wanted).getCompatibilityLevel(), "FORWARD");
      Config got = client.getConfig("config");
      report.equal("config", List.of(got.getCompatibilityLevel(), got.isNormalize(), got.getCompatibilityGroup(), got.getDefaultMetadata()), List.of("FORWARD", true, "major", owner));
      client.deleteConfig("config");
      report.refused("gone", 404, 40408, () -> client.getConfig("config"));
    });

    report.step("modes", () -> {
      report.equal("default", client.getMode(), "READWRITE");
      report.refused("unset", 404, 40409, () -> client.getMode(SUBJECT));
      report.equal("set", client.setMode("READONLY", SUBJECT), "READONLY");
      report.equal("is set", client.getMode(SUBJECT), "READONLY");
      report.refused("read only", 422, 42205, () -> client.register(SUBJECT, avro("\"long\"")));
      client.deleteMode(SUBJECT);
      report.refused("unset again", 404, 40409, () -> client.getMode(SUBJECT));
      report.refused("bad mode", 422, 42204, () -> client.setMode("SOMETIMES", SUBJECT));
      report.refused("not empty", 422, 42205, () -> client.setMode("IMPORT"));
      report.equal("forced", client.setMode("IMPORT", "imported", true), "IMPORT");
      report.equal("with an id", client.register("imported", avro("\"bytes\""), 5, 700), 700);
      report.equal("with a version", client.getAllVersions("imported"), List.of(5));
      report.equal("Avro's own with an id", client.register("imported", avro("\"int\"").rawSchema(), 6, 701), 701);
    });

    report.step("deletion", () -> {
      Map<String, String> headers = Map.of("Accept", "application/json");
      report.equal("softly", client.deleteSchemaVersion(SUBJECT, "1"), 1);
      report.equal("versions", client.getAllVersions(SUBJECT), List.of(2));
      report.equal("with deleted", client.getAllVersions(SUBJECT, true), List.of(1, 2));
      report.refused("once only", 404, 40406, () -> client.deleteSchemaVersion(SUBJECT, "1", false));
      report.equal("for good", client.deleteSchemaVersion(headers, SUBJECT, "1", true), 1);
      report.refused("not without softly", 404, 40407, () -> client.deleteSchemaVersion(SUBJECT, "2", true));
      report.equal("with headers", client.deleteSchemaVersion(headers, "rules", "2"), 2);
      report.equal("the subject", client.deleteSubject(headers, SUBJECT), List.of(2));
      report.equal("not listed", client.getAllSubjects().contains(SUBJECT), false);
      report.equal("unless asked for", client.getAllSubjects(true).contains(SUBJECT), true);
      report.equal("the subject for good", client.deleteSubject(headers, SUBJECT, true), List.of(2));
      report.refused("no more", 404, 40401, () -> client.getAllVersions(SUBJECT));
    });

    report.step("the client itself", () -> {
      report.equal("tenant", client.tenant(), "default");
      report.equal("clock", client.ticker() != null, true);
      client.reset();
      client.close();
    });
  }
}
