import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import org.apache.flink.avro.shaded.com.fasterxml.jackson.databind.ObjectMapper;

/** What every driver of a client hands back: which methods there are, which were not called, and what was wrong. */
final class Report {
  interface Part {
    void run() throws Exception;
  }

  interface Call {
    Object run() throws Exception;
  }

  private static final ObjectMapper JSON = new ObjectMapper();
  private final String client;
  final Set<String> methods = new TreeSet<>();
  final Set<String> called = new TreeSet<>();
  private final List<String> failures = new ArrayList<>();
  private int checks;

  Report(String client) {
    this.client = client;
  }

  /** A failing check is noted and the run goes on, so that one run shows everything. */
  void equal(String what, Object got, Object wanted) {
    checks++;
    if (got instanceof Collection<?> all && wanted instanceof List<?>) {
      got = new ArrayList<>(all);
    }
    if (!Objects.equals(got, wanted)) {
      failures.add(what + ": got " + got + ", wanted " + wanted);
    }
  }

  void sameText(String what, String got, String wanted) throws Exception {
    equal(what, JSON.readTree(got), JSON.readTree(wanted));
  }

  /** The call must end in the client's registry error with this HTTP status and error code. */
  void refused(String what, int status, int code, Call call) {
    checks++;
    try {
      failures.add(what + ": got " + call.run() + ", wanted error " + code);
    } catch (Throwable thrown) {
      Throwable error = thrown;
      while (!(error instanceof RestClientException) && error.getCause() != null) {
        error = error.getCause();
      }
      boolean as_wanted = error instanceof RestClientException rest && rest.getStatus() == status && rest.getErrorCode() == code;
      if (!as_wanted) {
        failures.add(what + ": got " + error + ", wanted " + code + " with status " + status);
      }
    }
  }

  /** Runs one part of a scenario; an exception fails that part alone. */
  void step(String name, Part part) {
    try {
      part.run();
    } catch (Throwable thrown) {
      Throwable error = thrown instanceof InvocationTargetException && thrown.getCause() != null ? thrown.getCause() : thrown;
      List<String> at = new ArrayList<>();
      for (StackTraceElement frame : thrown.getStackTrace()) {
        if (frame.getClassName().matches("[A-Z]\\w*")) {
          at.add(frame.getFileName() + ":" + frame.getLineNumber());
        }
      }
      failures.add(name + ": " + error + " at " + at);
    }
  }

  /** The name of a method with the types of its parameters. */
  static String signature(Method method) {
    List<String> types = new ArrayList<>();
    for (Class<?> type : method.getParameterTypes()) {
      types.add(type.getSimpleName());
    }
    return method.getName() + "(" + String.join(", ", types) + ")";
  }

  void print() throws Exception {
    Set<String> uncalled = new TreeSet<>(methods);
    uncalled.removeAll(called);
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("client", client);
    answer.put("methods", methods);
    answer.put("uncalled", uncalled);
    answer.put("checks", checks);
    answer.put("failures", failures);
    System.out.println(JSON.writeValueAsString(answer));
  }
}
