#!/usr/bin/env bash
# The main job, step by step, on a real Kafka broker: what README tells, as a script that checks itself.
#
#   tests/walkthrough.sh             builds (release), starts everything on free ports, shows each command, cleans up
#   tests/walkthrough.sh --debug     the same with the debug build that tests/run has made
#
# Needs Java 17 and Maven besides the Rust toolchain; Kafka is fetched into the cache folder of tests/run.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/support/prepare.sh

exec 3>&1 # for what is shown of a command whose output is filtered
profile=release
[ "${1:-}" != --debug ] || profile=debug
bin=${CARGO_TARGET_DIR:-target}/$profile

say() { printf '\n# %s\n' "$*"; }
show() { printf '$ %s\n' "$*" >&3; "$@"; }
fail() { echo "walkthrough: $*" >&2; exit 1; }

work=$(mktemp -d)
background=()
clean_up() {
  exec 2>/dev/null # bash tells of each job that was killed
  [ ${#background[@]} = 0 ] || kill -9 "${background[@]}" || true
  wait || true
  rm -rf "$work"
}
trap clean_up EXIT

# start NAME READY COMMAND...: runs COMMAND in the background until it prints READY, and shows that line.
start() {
  local name=$1 ready=$2 i
  shift 2
  : >"$work/$name.log"
  "$@" >"$work/$name.log" 2>&1 </dev/null &
  background+=($!)
  for ((i = 0; i < 600; i++)); do
    grep -m1 -- "$ready" "$work/$name.log" && return 0
    kill -0 "${background[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/$name.log" >&2
  fail "$name did not start"
}

free_ports() { # COUNT: the first of COUNT neighbouring free ports
  python3 - "$1" <<'END'
import random, socket, sys
count = int(sys.argv[1])
while True:
    first = random.randrange(15000, 32000 - count)
    try:
        for port in range(first, first + count):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
    except OSError:
        continue
    print(first)
    break
END
}

if [ $profile = release ]; then
  require make make && require c++ g++
  cargo build --release --locked --quiet
  cargo build --release --locked --quiet -p muster-serdes --features rdkafka --example produce --example consume
fi
fetch_kafka
ports=$(free_ports 8)
broker=127.0.0.1:$ports
gateway=127.0.0.1:$((ports + 4))
registry=http://127.0.0.1:$((ports + 2))

say "An ordinary Kafka broker"
sed -e "s#@port@#$ports#g" -e "s#@controller@#$((ports + 1))#g" -e "s#@folder@#$work#g" \
  tests/kafka/server.properties >"$work/server.properties"
kafka_java kafka.tools.StorageTool format -t 5L6g3nShT-eMCtK--X86sw -c "$work/server.properties" >/dev/null
start kafka 'Kafka Server started' kafka_java -Xmx512m kafka.Kafka "$work/server.properties"

say "The registry"
start registry ready "$bin/muster" serve --listen "127.0.0.1:$((ports + 2))" --store "sqlite:$work/muster.db"

say "The gateway in front of the broker"
start gateway ready "$bin/muster" gateway --listen "$gateway" --bootstrap "$broker" --registry "$registry"

say "Two topics, created with Kafka's own tool; values of the first are to be validated"
topics=(kafka_java org.apache.kafka.tools.TopicCommand --bootstrap-server "$gateway")
show "${topics[@]}" --create --topic orders | tail -n 1
show "${topics[@]}" --create --topic scratch | tail -n 1
show "$bin/muster" topics set orders confluent.value.schema.validation=true --bootstrap "$gateway"
show kafka_java kafka.admin.ConfigCommand --bootstrap-server "$gateway" --entity-type topics --entity-name orders --describe

say "A Rust producer registers its schema by itself; its records arrive and are read back"
show "$bin/examples/produce" --bootstrap "$gateway" --registry "$registry" --topic orders --count 10000
show "$bin/muster" schema list --registry "$registry"
show "$bin/examples/consume" --bootstrap "$gateway" --registry "$registry" --topic orders --count 10000

# offset TOPIC: how many records the broker has, asked at the broker itself.
offset() { kafka_java org.apache.kafka.tools.GetOffsetShell --bootstrap-server "$broker" --topic "$1" | cut -d: -f3; }
# send TOPIC: one record per line, with Kafka's console producer.
send() { kafka_java org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$gateway" --topic "$1" --sync 2>&1 || true; }

say "Records that are not framed, that name an unknown schema, or that of another subject, are refused"
cat >"$work/parcel.avsc" <<'END'
{"type": "record", "name": "Parcel", "fields": [{"name": "id", "type": "long"}]}
END
show "$bin/muster" schema register parcels-value "$work/parcel.avsc" --registry "$registry"
for kind in NO_MAGIC UNKNOWN_ID WRONG_SUBJECT; do
  case $kind in
    NO_MAGIC) record='just text\n' ;;
    UNKNOWN_ID) record='\0\0\0\0\143\2\n' ;;
    WRONG_SUBJECT) record='\0\0\0\0\2\2\n' ;;
  esac
  printf "$ printf '%s' | kafka-console-producer --topic orders\n" "$record"
  # shellcheck disable=SC2059
  answer=$(printf "$record" | send orders)
  grep -o 'InvalidRecordException.*' <<<"$answer" | head -n 1 || fail "not refused: $answer"
  grep -q "$kind" <<<"$answer" && grep -q orders-value <<<"$answer" || fail "the reason is missing: $answer"
done
[ "$(offset orders)" = 10000 ] || fail "the log holds $(offset orders) records"
echo "the log still holds 10000 records"

say "A topic without validation takes anything"
printf 'just text\n' | send scratch
[ "$(offset scratch)" = 1 ] || fail "the record is not in the log"
echo "written"
printf '\nwalkthrough: done\n'
