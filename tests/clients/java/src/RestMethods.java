import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.RestService;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaEntity;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaTags;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.requests.ConfigUpdateRequest;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.requests.ModeUpdateRequest;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.requests.RegisterSchemaRequest;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.requests.TagSchemaRequest;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import org.apache.flink.avro.shaded.com.fasterxml.jackson.core.type.TypeReference;
import org.apache.flink.avro.shaded.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * Every overload of every method of Confluent's RestService that asks the server: {@code RestMethods URL}.
 *
 * <p>The overloads of one name are given the same subject, version and id, and must answer the same.
 */
final class RestMethods {
  private static final String SUBJECT = Methods.SUBJECT;
  private static final Map<String, String> HEADERS = RestService.DEFAULT_REQUEST_PROPERTIES;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final RestService rest;
  private final Report report;

  private RestMethods(RestService rest, Report report) {
    this.rest = rest;
    this.report = report;
  }

  public static void main(String[] arguments) throws Exception {
    Report report = new Report("Confluent's Java client, RestService");
    RestService rest = new RestService(arguments[0]);
    new RestMethods(rest, report).run();
    report.print();
  }

  private void run() {
    report.step("schemas to ask for", () -> {
      rest.registerSchema(Methods.ORDER_1, SUBJECT);
      rest.registerSchema(Methods.ORDER_2, SUBJECT);
      rest.registerSchema(Methods.record("Line", "{\"name\":\"order\",\"type\":\"shop.Order\"}"), "AVRO", List.of(new SchemaReference("shop.Order", SUBJECT, 1)), "lines");
      rest.setMode("IMPORT", "imported", true);
    });
    String first = "\"schema\":" + quoted(new AvroSchema(Methods.ORDER_1).canonicalString());
    String latest = "\"schema\":" + quoted(new AvroSchema(Methods.ORDER_2).canonicalString());
    each("registerSchema", null, "1|900");
    each("lookUpSubjectVersion", null, first);
    each("getSchemas", null, first, latest);
    each("getId", null, first);
    each("getOnlySchemaById", null, quoted(new AvroSchema(Methods.ORDER_1).canonicalString()));
    each("getSchemaTypes", null, "AVRO", "JSON", "PROTOBUF");
    each("getVersion", null, first, "\"version\":1");
    each("getLatestVersion", null, latest, "\"version\":2");
    each("getVersionSchemaOnly", null, quoted(new AvroSchema(Methods.ORDER_1).canonicalString()));
    each("getLatestVersionSchemaOnly", null, quoted(new AvroSchema(Methods.ORDER_2).canonicalString()));
    each("getReferencedBy", null, "[3]");
    each("getAllVersions", null, "[1,2]");
    each("getAllContexts", null, "[\".\"]");
    each("getAllSubjects", null, "\"" + SUBJECT + "\"");
    each("getAllSubjectsById", null, "[\"" + SUBJECT + "\"]");
    each("getAllVersionsById", null, "[{\"subject\":\"" + SUBJECT + "\",\"version\":1}]");
    each("getClusterId", null, "kafka-cluster", "schema-registry-cluster");
    each("getSchemaRegistryServerVersion", null, "version");
    each("httpRequest", null, "[1,2]");
    each("testCompatibility", null, "[]");
    each("updateCompatibility", null, "\"compatibility\":\"FULL\"");
    each("updateConfig", null, "\"compatibility\":\"FORWARD\"");
    each("getConfig", null, "\"compatibilityLevel\":\"FORWARD\"");
    each("deleteConfig", () -> rest.updateCompatibility("NONE", SUBJECT), "\"compatibilityLevel\":\"NONE\"");
    each("setMode", null, "\"mode\":\"READWRITE\"");
    each("getMode", null, "\"mode\":\"READWRITE\"");
    each("deleteSubjectMode", () -> rest.setMode("READONLY", SUBJECT), "\"mode\":\"READONLY\"");
    each("modifySchemaTags", null, "\"version\":3", "confluent:tags");
    each("getLatestWithMetadata", null, "\"version\":3");
    each("deleteSchemaVersion", () -> rest.registerSchema(Methods.record("Order", Methods.ID), "again"), "1|2");
    each("deleteSubject", () -> rest.registerSchema(Methods.record("Order", Methods.ID), "again"), "[");
    each("getDeletedOnlyVersions", () -> rest.deleteSubject(HEADERS, "lines"), "[1]");
    each("getDeletedOnlySubjects", null, "\"lines\"");
  }

  private static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  /** The methods of this name that ask the server, shortest first. */
  private static List<Method> overloads(String name) {
    return Arrays.stream(RestService.class.getDeclaredMethods())
        .filter(m -> Modifier.isPublic(m.getModifiers()) && Arrays.asList(m.getExceptionTypes()).contains(RestClientException.class))
        .filter(m -> name == null || m.getName().equals(name))
        .sorted(Comparator.comparing(Method::getParameterCount).thenComparing(Report::signature))
        .toList();
  }

  /** Calls each overload; each answer holds all {@code parts}, of which one may be a choice, {@code a|b}. */
  private void each(String name, Report.Call before, String... parts) {
    for (Method method : overloads(null)) {
      report.methods.add(Report.signature(method));
    }
    for (Method method : overloads(name)) {
      report.step(Report.signature(method), () -> {
        if (before != null) {
          before.run();
        }
        report.called.add(Report.signature(method));
        Object value;
        try {
          value = method.invoke(rest, arguments(method));
        } catch (InvocationTargetException thrown) {
          throw (Exception) thrown.getCause();
        }
        String answer = JSON.writeValueAsString(value).replace("\\n", "");
        boolean fits = Arrays.stream(parts).allMatch(part -> Arrays.stream(part.split("\\|")).anyMatch(answer::contains));
        report.equal(Report.signature(method) + " answers " + answer, fits, true);
      });
    }
  }

  /** The texts among a method's parameters, in order. */
  private static List<String> texts(Method method) {
    List<Class<?>> types = List.of(method.getParameterTypes());
    boolean whole = types.contains(RegisterSchemaRequest.class);
    boolean references = types.contains(List.class);
    long count = types.stream().filter(type -> type == String.class).count();
    // Those with an id and a version of the caller's own work in IMPORT mode only.
    String subject = types.contains(int.class) ? "imported" : SUBJECT;
    return switch (method.getName()) {
      case "registerSchema" -> subject.equals("imported") && !references ? List.of("\"bytes\"", subject) : subject.equals("imported") ? List.of("\"bytes\"", "AVRO", subject) : whole ? List.of(subject) : references ? List.of(Methods.ORDER_1, "AVRO", subject) : List.of(Methods.ORDER_1, subject);
      case "lookUpSubjectVersion" -> whole ? List.of(SUBJECT) : references ? List.of(Methods.ORDER_1, "AVRO", SUBJECT) : List.of(Methods.ORDER_1, SUBJECT);
      case "testCompatibility" -> whole ? List.of(SUBJECT, "latest") : references ? List.of(Methods.ORDER_2, "AVRO", SUBJECT, "latest") : count == 3 ? List.of(Methods.ORDER_2, SUBJECT, "latest") : List.of(Methods.ORDER_2, SUBJECT);
      case "getSchemas" -> count == 2 ? Arrays.asList(SUBJECT, null) : List.of(SUBJECT);
      case "updateCompatibility" -> List.of("FULL", SUBJECT);
      case "setMode" -> types.contains(ModeUpdateRequest.class) ? List.of(SUBJECT) : count == 2 ? List.of("READWRITE", SUBJECT) : List.of("READWRITE");
      case "modifySchemaTags" -> List.of(SUBJECT, "2");
      case "deleteSchemaVersion" -> List.of("again", "latest");
      case "deleteSubject" -> List.of("again");
      case "getDeletedOnlyVersions" -> List.of("lines");
      case "getDeletedOnlySubjects" -> List.of("");
      case "httpRequest" -> List.of("subjects/" + SUBJECT + "/versions", "GET");
      default -> Arrays.asList(SUBJECT, SUBJECT);
    };
  }

  private static Object[] arguments(Method method) {
    Iterator<String> texts = texts(method).iterator();
    List<Object> given = new ArrayList<>();
    boolean headers = !method.getName().equals("getLatestWithMetadata") || method.getParameterTypes()[0] == Map.class;
    int numbers = 0;
    for (Class<?> type : method.getParameterTypes()) {
      if (type == String.class) {
        given.add(texts.next());
      } else if (type == Map.class) {
        given.add(headers ? HEADERS : Map.of("confluent:version", "3"));
        headers = false;
      } else if (type == int.class) {
        given.add(numbers++ == 0 ? 1 : 900);
      } else if (type == boolean.class) {
        given.add(false);
      } else if (type == List.class) {
        given.add(List.of());
      } else if (type == RegisterSchemaRequest.class) {
        given.add(new RegisterSchemaRequest(new AvroSchema(Methods.ORDER_1)));
      } else if (type == ConfigUpdateRequest.class) {
        ConfigUpdateRequest request = new ConfigUpdateRequest();
        request.setCompatibilityLevel("FORWARD");
        given.add(request);
      } else if (type == ModeUpdateRequest.class) {
        ModeUpdateRequest request = new ModeUpdateRequest();
        request.setMode("READWRITE");
        given.add(request);
      } else if (type == TagSchemaRequest.class) {
        TagSchemaRequest request = new TagSchemaRequest();
        request.setTagsToAdd(List.of(new SchemaTags(new SchemaEntity("shop.Order.id", SchemaEntity.EntityType.SR_FIELD), List.of("PII"))));
        given.add(request);
      } else if (type == TypeReference.class) {
        given.add(new TypeReference<List<Integer>>() {});
      } else {
        given.add(null);
      }
    }
    return given.toArray();
  }
}
