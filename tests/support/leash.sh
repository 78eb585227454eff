#!/bin/sh
# leash.sh FOLDER COMMAND...: runs COMMAND until it ends, or until whoever started this is gone (its end of our standard
# input closes); then COMMAND is killed and FOLDER removed. Nothing that a test started may outlive the test process.
folder=$1
shift
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
echo "pid $child"
(
  cat <&3 >/dev/null
  kill -9 "$child" 2>/dev/null
  rm -rf "$folder"
) &
watcher=$!
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
