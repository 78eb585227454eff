# Sourced by tests/run, tests/bench and tests/walkthrough.sh: fetches what they need into a cache folder outside git.
#
#   MUSTER_CACHE   the folder; default ${XDG_CACHE_HOME:-$HOME/.cache}/muster
#
# Sets kafka_libs (Kafka's jars) and clients_python (an interpreter with the Python clients).

tests_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${MUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/muster}
kafka_libs=$cache/kafka-4.3.0
clients_python=$cache/clients/bin/python
export MUSTER_CACHE=$cache

# require COMMAND PACKAGE...: installs Debian packages if COMMAND is missing and we may; fails with a clear line if not.
require() {
  local command=$1
  shift
  command -v "$command" >/dev/null 2>&1 && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing $* (for $command)"
    apt-get update -qq </dev/null >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null || true
  fi
  command -v "$command" >/dev/null 2>&1 || {
    echo "$command is missing; install it (Debian: apt-get install $*)" >&2
    return 1
  }
}

# fetch_kafka: Kafka's jars, from Maven, once.
fetch_kafka() {
  local stamp
  stamp=$(cksum <"$tests_folder/kafka/pom.xml")
  [ "$(cat "$kafka_libs/complete" 2>/dev/null)" = "$stamp" ] && return 0
  require java openjdk-17-jre-headless && require mvn maven || return 1
  echo "fetching Kafka into $kafka_libs"
  rm -rf "$kafka_libs"
  mvn --batch-mode --quiet --file "$tests_folder/kafka/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$kafka_libs" </dev/null || return 1
  echo "$stamp" >"$kafka_libs/complete"
}

# fetch_clients: the Python clients, in a virtual environment of their own, once per version of the requirements.
fetch_clients() {
  local requirements=$tests_folder/clients/requirements.txt stamp
  stamp=$(cksum <"$requirements")
  [ "$(cat "$cache/clients/complete" 2>/dev/null)" = "$stamp" ] && "$clients_python" -c '' 2>/dev/null && return 0
  require python3 python3 || return 1
  echo "installing Python clients into $cache/clients"
  rm -rf "$cache/clients"
  mkdir -p "$cache"
  if ! python3 -m venv "$cache/clients" </dev/null; then
    # Debian ships venv apart.
    rm -rf "$cache/clients"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      apt-get update -qq </dev/null >/dev/null 2>&1 || true
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv </dev/null >/dev/null || true
    fi
    python3 -m venv "$cache/clients" </dev/null || return 1
  fi
  "$cache/clients/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" </dev/null || return 1
  echo "$stamp" >"$cache/clients/complete"
}

# kafka_java OPTION... CLASS ARGUMENT...: runs Java with Kafka on the class path.
kafka_java() {
  java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$kafka_libs/*" \
    "-Dlog4j2.configurationFile=$tests_folder/kafka/log4j2.properties" "$@"
}
