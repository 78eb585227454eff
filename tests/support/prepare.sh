# Sourced by tests/run, tests/bench and tests/walkthrough.sh: fetches what they need into a cache folder outside git.
#
#   MUSTER_CACHE   the folder; default ${XDG_CACHE_HOME:-$HOME/.cache}/muster
#
# Sets kafka_libs (Kafka's jars) and clients_python (an interpreter with the Python clients). The other clients that
# tests/clients drives are in javascript/, go/, java/ and schemathesis/ of the folder; the Rust one is built beside the binary.

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

# fetch_clients: the Python clients.
fetch_clients() { fetch_python clients "$tests_folder/clients/requirements.txt"; }

# fetch_python NAME REQUIREMENTS: a virtual environment of its own in the cache, once per version of the requirements.
fetch_python() {
  local folder=$cache/$1 requirements=$2 stamp
  stamp=$(cksum <"$requirements")
  [ "$(cat "$folder/complete" 2>/dev/null)" = "$stamp" ] && "$folder/bin/python" -c '' 2>/dev/null && return 0
  require python3 python3 || return 1
  echo "installing Python packages into $folder"
  rm -rf "$folder"
  mkdir -p "$cache"
  if ! python3 -m venv "$folder" </dev/null; then
    # Debian ships venv apart.
    rm -rf "$folder"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      apt-get update -qq </dev/null >/dev/null 2>&1 || true
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv </dev/null >/dev/null || true
    fi
    python3 -m venv "$folder" </dev/null || return 1
  fi
  "$folder/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" </dev/null || return 1
  echo "$stamp" >"$folder/complete"
}

# up_to_date STAMP-FILE FILE...: whether STAMP-FILE holds the checksum of these files, which goes to $stamp.
up_to_date() {
  local file=$1
  shift
  stamp=$(cat "$@" | cksum)
  [ "$(cat "$file" 2>/dev/null)" = "$stamp" ]
}

# have COMMAND PACKAGE...: as require, for a tool whose absence only leaves a client out; the reason goes to $missing.
have() {
  require "$@" >/dev/null 2>&1 && return 0
  missing="no $1 on this machine"
  return 1
}

# prepare_client NAME: what the driver of a client needs. 0 done, 1 failed, 3 a tool is missing ($missing says which).
prepare_client() {
  missing=
  case $1 in
    python) fetch_clients ;;
    schemathesis) fetch_python schemathesis "$tests_folder/clients/schemathesis/requirements.txt" ;;
    javascript) prepare_javascript ;;
    go) prepare_go ;;
    java) prepare_java ;;
    rust) cargo build --locked --manifest-path "$tests_folder/clients/rust/Cargo.toml" --target-dir "${CARGO_TARGET_DIR:-target}" ;;
    *) echo "unknown client $1" >&2; return 1 ;;
  esac
}

prepare_javascript() {
  local source=$tests_folder/clients/javascript folder=$cache/javascript stamp
  have node nodejs && have npm npm || return 3
  up_to_date "$folder/complete" "$source/package.json" "$source/package-lock.json" && return 0
  echo "installing the JavaScript client into $folder"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$source/package.json" "$source/package-lock.json" "$folder"
  # Scripts of packages are not run: none is needed.
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null) || return 1
  echo "$stamp" >"$folder/complete"
}

# The oldest Go that can build the clients; see the go line of their modules.
go_is_new_enough() {
  local version
  version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [ "${version:-0}" -ge 24 ] && return 0
  missing="Go 1.24 or newer is needed, not 1.${version:-?}"
  return 1
}

prepare_go() {
  local source=$tests_folder/clients/go folder=$cache/go stamp
  have go golang-go && go_is_new_enough || return 3
  # librdkafka comes built, as a library to link.
  have cc gcc libc6-dev || return 3
  up_to_date "$folder/complete" "$source"/*.go "$source/go.mod" "$source/go.sum" && [ -x "$folder/clients" ] && return 0
  echo "building the Go clients in $folder"
  mkdir -p "$folder"
  rm -f "$folder/complete" "$folder/clients"
  (cd "$source" && GOTOOLCHAIN=local GOFLAGS='-mod=readonly -modcacherw -buildvcs=false' CGO_ENABLED=1 \
    GOMODCACHE=$folder/modules GOCACHE=$folder/build go build -o "$folder/clients" . </dev/null) || return 1
  echo "$stamp" >"$folder/complete"
}

prepare_java() {
  local source=$tests_folder/clients/java folder=$cache/java stamp
  have java openjdk-17-jre-headless && have javac openjdk-17-jdk-headless && have mvn maven || return 3
  up_to_date "$folder/complete" "$source/pom.xml" "$source"/src/*.java && return 0
  echo "fetching the Java client into $folder"
  rm -rf "$folder"
  mkdir -p "$folder/classes"
  mvn --batch-mode --quiet --file "$source/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$folder/jars" </dev/null || return 1
  javac -encoding UTF-8 -nowarn -Xlint:-options -d "$folder/classes" -cp "$folder/jars/*" "$source"/src/*.java || return 1
  echo "$stamp" >"$folder/complete"
}

# kafka_java OPTION... CLASS ARGUMENT...: runs Java with Kafka on the class path.
kafka_java() {
  java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$kafka_libs/*" \
    "-Dlog4j2.configurationFile=$tests_folder/kafka/log4j2.properties" "$@"
}
