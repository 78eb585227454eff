//! A registry as a file: one record per line.
//!
//! A line is a JSON object with the members `key`, `value` (null removes), and often `timestamp` (milliseconds since
//! the epoch), as records stand in the reference's topic. Lines with a `NOOP` key may have a member `muster`, for what
//! the log cannot say: the format of the file, the highest id of a context, where an id leads that an import has
//! replaced, and at the end how many lines there were and their checksum. Whoever feeds keys and values into a topic
//! loses no more than that.
//!
//! A line may also be a key and a value with a tab or other white space between them, which is how Kafka's console
//! consumer prints them (`--property print.key=true`).

use std::io::{self, BufRead, Read as _, Write};

use muster_schema::{Context, Guid, SchemaId, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest::Checksum;
use super::order::{Step, steps};
use super::record::Record;
use super::replay::{Override, Replay};
use crate::store::Snapshot;

/// The format of files written here, and the newest that is read.
const FORMAT: u32 = 1;
/// Longest line read, in bytes.
const LINE_BYTES: u64 = 256 << 20;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// A line is no record.
    #[error("line {line} is no record: {reason}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was written by a newer release.
    #[error("the file is of format {0}; this release reads up to {FORMAT}")]
    Newer(u32),
    /// The file begins as one of ours and has no end.
    #[error("the file is cut off: it has no last line with a checksum")]
    Cut,
    /// The file is not what was written.
    #[error("the file is damaged: its checksum or number of lines does not fit")]
    Damaged,
    /// There is nothing in it.
    #[error("the file holds no records")]
    Empty,
}

/// What only Muster says.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Note {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_id: Option<i32>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    used: Option<Use>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Use {
    id: i32,
    subject: String,
    version: Option<i32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ContentId {
    guid: Guid,
    id: Option<i32>,
}

/// Writes a snapshot, in an order that depends on nothing else; returns the number of lines. `progress` is told how
/// many versions were written, of how many.
///
/// Errors: those of `out`.
pub fn write(
    snapshot: &Snapshot,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64, u64),
) -> io::Result<u64> {
    let mut lines = Lines { out, count: 0, checksum: Checksum::new() };
    lines.note(&Note { format: Some(FORMAT), ..Note::default() })?;
    walk(snapshot, progress, |step| match step {
        Step::Record(record, timestamp_ms) => {
            let (key, value) = record.encode();
            lines.record(&key, value.as_deref(), timestamp_ms)
        }
        Step::Override(what) => lines.note(&Note::of(&what)),
    })?;
    let end = Note { lines: Some(lines.count), checksum: Some(lines.checksum.hex()), ..Note::default() };
    lines.note(&end)?;
    lines.out.flush()?;
    Ok(lines.count)
}

/// Writes a snapshot as lines of a key, a tab and a value, which is what Kafka's console producer takes
/// (`--property parse.key=true`); returns the number of lines. What the log cannot say is left out. `progress` is told
/// how many versions were written, of how many.
///
/// Errors: those of `out`.
pub fn write_log(
    snapshot: &Snapshot,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64, u64),
) -> io::Result<u64> {
    let mut count = 0;
    walk(snapshot, progress, |step| {
        let Step::Record(record, _) = step else { return Ok(()) };
        let (key, value) = record.encode();
        count += 1;
        // Both are JSON, where tabs and line ends are escaped.
        writeln!(out, "{key}\t{}", value.as_deref().unwrap_or("null"))
    })?;
    out.flush()?;
    Ok(count)
}

fn walk(
    snapshot: &Snapshot,
    progress: &mut dyn FnMut(u64, u64),
    mut each: impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    let total = snapshot.counts().versions as u64;
    let mut written = 0;
    steps(snapshot, |step| {
        if matches!(step, Step::Record(Record::Schema { .. }, _)) {
            written += 1;
            if written % 1000 == 0 {
                progress(written, total.max(written));
            }
        }
        each(step)
    })?;
    progress(total, total);
    Ok(())
}

/// Applies the records of a file. `progress` is told how many bytes were read.
///
/// A file of ours is read only if it is whole; its checksum and number of lines must fit. Any other sequence of
/// records is read as the reference reads its log: what cannot be decoded is skipped and counted
/// ([`Summary`](super::Summary)), but a line that is not even JSON is an error.
pub fn read(
    input: &mut dyn BufRead,
    replay: &mut Replay,
    progress: &mut dyn FnMut(u64),
) -> Result<(), ReadError> {
    let mut line = Vec::new();
    let (mut number, mut bytes, mut checksum) = (0, 0, Checksum::new());
    let (mut ours, mut ended) = (false, false);
    loop {
        line.clear();
        let count = (&mut *input).take(LINE_BYTES).read_until(b'\n', &mut line)?;
        if count == 0 {
            break;
        }
        number += 1;
        bytes += count as u64;
        let wrong = |reason: String| ReadError::Line { line: number, reason };
        if count as u64 == LINE_BYTES {
            return Err(wrong(format!("longer than {LINE_BYTES} bytes")));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if ended {
            return Err(ReadError::Damaged);
        }
        let (key, value, timestamp_ms, note) = take_apart(&line).map_err(wrong)?;
        if let Some(note) = note {
            if let Some(format) = note.format {
                if format > FORMAT {
                    return Err(ReadError::Newer(format));
                }
                ours = true;
            }
            if let (Some(lines), Some(stated)) = (note.lines, &note.checksum) {
                ended = true;
                if lines != number - 1 || *stated != checksum.hex() {
                    return Err(ReadError::Damaged);
                }
            }
            for what in note.overrides().map_err(wrong)? {
                replay.set(what);
            }
        } else {
            match Record::decode(&key, value.as_ref(), timestamp_ms) {
                Ok(record) => replay.apply(record, number, timestamp_ms),
                Err(error) => replay.skip(number, error.to_string()),
            }
        }
        checksum.update(&line);
        if number % 1000 == 0 {
            progress(bytes);
        }
    }
    progress(bytes);
    match (number, ours, ended) {
        (0, _, _) => Err(ReadError::Empty),
        (_, true, false) => Err(ReadError::Cut),
        _ => Ok(()),
    }
}

struct Lines<'o> {
    out: &'o mut dyn Write,
    count: u64,
    checksum: Checksum,
}

impl Lines<'_> {
    fn record(&mut self, key: &str, value: Option<&str>, timestamp: Option<i64>) -> io::Result<()> {
        // Both are JSON already.
        let value = value.unwrap_or("null");
        let timestamp = timestamp.map(|ms| format!(r#","timestamp":{ms}"#)).unwrap_or_default();
        self.line(format!(r#"{{"key":{key},"value":{value}{timestamp}}}"#))
    }

    fn note(&mut self, note: &Note) -> io::Result<()> {
        let (key, _) = Record::Noop.encode();
        let note = serde_json::to_string(note)?;
        self.line(format!(r#"{{"key":{key},"value":null,"muster":{note}}}"#))
    }

    fn line(&mut self, mut line: String) -> io::Result<()> {
        line.push('\n');
        self.checksum.update(line.as_bytes());
        self.count += 1;
        self.out.write_all(line.as_bytes())
    }
}

type Parts = (Value, Option<Value>, Option<i64>, Option<Note>);

/// What a gzip stream begins with (RFC 1952 §2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];

fn take_apart(line: &[u8]) -> Result<Parts, String> {
    if line.starts_with(GZIP) {
        return Err("this is compressed with gzip; unpack it first".to_owned());
    }
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let first = values.next().ok_or("nothing there")?.map_err(|error| error.to_string())?;
    let second = values.next().transpose().map_err(|error| error.to_string())?;
    if values.next().is_some() {
        return Err("more than a key and a value".to_owned());
    }
    if second.is_some() {
        return Ok((first, second, None, None));
    }
    let Value::Object(mut members) = first else { return Err("no JSON object".to_owned()) };
    let Some(key) = members.remove("key") else { return Err("no key".to_owned()) };
    let timestamp_ms = members.get("timestamp").and_then(Value::as_i64);
    let note =
        members.remove("muster").map(Note::deserialize).transpose().map_err(|error| error.to_string())?;
    Ok((key, members.remove("value"), timestamp_ms, note))
}

impl Note {
    fn of(what: &Override) -> Self {
        let of = |context: &Context| Self { context: Some(context.to_string()), ..Self::default() };
        match what {
            Override::LastId(context, id) => Self { last_id: Some(id.0), ..of(context) },
            Override::Use(context, id, subject, version) => {
                let version = version.map(|version| version.0);
                Self { used: Some(Use { id: id.0, subject: subject.clone(), version }), ..of(context) }
            }
            Override::Content(context, guid, id) => {
                Self { content: Some(ContentId { guid: *guid, id: id.map(|id| id.0) }), ..of(context) }
            }
        }
    }

    fn overrides(self) -> Result<Vec<Override>, String> {
        let Some(context) = self.context else { return Ok(Vec::new()) };
        let context = Context::parse(&context).map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        found.extend(self.last_id.map(|id| Override::LastId(context.clone(), SchemaId(id))));
        if let Some(Use { id, subject, version }) = self.used {
            found.push(Override::Use(context.clone(), SchemaId(id), subject, version.map(Version)));
        }
        found.extend(
            self.content.map(|content| Override::Content(context, content.guid, content.id.map(SchemaId))),
        );
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portable::Summary;

    fn read_text(text: &str) -> Result<(Snapshot, Summary), ReadError> {
        let mut replay = Replay::new(0);
        read(&mut text.as_bytes(), &mut replay, &mut |_| {})?;
        Ok(replay.finish())
    }

    fn written(snapshot: &Snapshot) -> String {
        let mut out = Vec::new();
        write(snapshot, &mut out, &mut |_, _| {}).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A log with everything that a snapshot is hard put to say again.
    const LOG: &str = r#"
{"key":{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0},"value":{"tenant":"default","context":".c"}}
{"key":{"keytype":"CONFIG","magic":0},"value":{"compatibilityLevel":"FULL"}}
{"key":{"keytype":"CONFIG","subject":"b","magic":0},"value":{"subject":"b","alias":"a"}}
{"key":{"keytype":"MODE","subject":":.c:","magic":0},"value":{"subject":":.c:","mode":"IMPORT"}}
{"key":{"keytype":"SCHEMA","subject":"a","version":1,"magic":1},"value":{"subject":"a","version":1,"id":5,"schema":"A","deleted":false},"timestamp":11}
{"key":{"keytype":"SCHEMA","subject":"b","version":1,"magic":1},"value":{"subject":"b","version":1,"id":5,"schema":"A","deleted":false},"timestamp":12}
{"key":{"keytype":"SCHEMA","subject":"a","version":1,"magic":1},"value":{"subject":"a","version":1,"id":9,"schema":"B","deleted":false},"timestamp":13}
{"key":{"keytype":"SCHEMA","subject":"a","version":2,"magic":1},"value":{"subject":"a","version":2,"id":3,"schema":"C","references":[{"name":"x","subject":"late","version":1}],"metadata":{},"deleted":true},"timestamp":14}
{"key":{"keytype":"SCHEMA","subject":"late","version":1,"magic":1},"value":{"subject":"late","version":1,"id":7,"schema":"L","deleted":false},"timestamp":15}
{"key":{"keytype":"SCHEMA","subject":"late","version":2,"magic":1},"value":{"subject":"late","version":2,"id":6,"schema":"L","deleted":false},"timestamp":16}
{"key":{"keytype":"SCHEMA","subject":":.c:a","version":1,"magic":1},"value":{"subject":":.c:a","version":1,"id":1,"md5":"CV1xzxJVa51eMwrVdbPfXQ==","schema":"A","deleted":false},"timestamp":17}
{"key":{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1},"value":{"subject":"gone","version":1,"id":90,"schema":"G","deleted":false},"timestamp":18}
{"key":{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1},"value":null,"timestamp":19}
{"key":{"keytype":"ASSOC","tenant":"default","resourceName":"t","resourceNamespace":"k","resourceType":"topic","associationType":"value","subject":"a","magic":0},"value":{"guid":"095d71cf-1255-6b9d-5e33-0ad575b3df5d","tenant":"default","resourceName":"t","resourceNamespace":"k","resourceId":"1","resourceType":"topic","associationType":"value","subject":"a","lifecycle":"STRONG","frozen":true,"createTs":5},"timestamp":20}
"#;

    #[test]
    fn a_snapshot_is_read_as_it_was_written() {
        let (snapshot, summary) = read_text(LOG).unwrap();
        assert_eq!(summary.skipped, 0, "{summary:?}");
        assert_eq!(snapshot.counts().versions, 6);
        let text = written(&snapshot);
        let (again, summary) = read_text(&text).unwrap();
        assert_eq!(snapshot.difference(&again), None, "{text}");
        assert_eq!(snapshot, again);
        assert_eq!(summary.skipped, 0, "{summary:?}");
        assert_eq!(written(&again), text);
    }

    #[test]
    fn what_is_referenced_comes_first() {
        let text = written(&read_text(LOG).unwrap().0);
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
        assert!(
            place(r#""subject":"late","version":1,"id":7"#) < place(r#""subject":"a","version":2,"id":3"#)
        );
    }

    #[test]
    fn references_in_a_circle_end() {
        let one = |subject: &str, id, other: &str| {
            format!(
                r#"{{"keytype":"SCHEMA","subject":"{subject}","version":1,"magic":1}} {{"id":{id},"schema":"{id}","references":[{{"name":"n","subject":"{other}","version":1}}]}}"#
            )
        };
        let text = format!("{}\n{}\n", one("a", 1, "b"), one("b", 2, "a"));
        let (snapshot, _) = read_text(&text).unwrap();
        assert_eq!(read_text(&written(&snapshot)).unwrap().0, snapshot);
    }

    #[test]
    fn the_console_producer_is_spoken_to() {
        let (snapshot, _) = read_text(LOG).unwrap();
        let mut out = Vec::new();
        let count = write_log(&snapshot, &mut out, &mut |_, _| {}).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count() as u64, count);
        assert!(
            text.lines().all(|line| line.matches('\t').count() == 1 && !line.contains("muster")),
            "{text}"
        );
        let (again, summary) = read_text(&text).unwrap();
        assert_eq!((again.counts(), summary.skipped), (snapshot.counts(), 0), "{text}");
    }

    #[test]
    fn the_console_consumer_is_understood() {
        let text = "{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":1,\"magic\":1}\t{\"id\":1,\"schema\":\"x\"}\n\
                    {\"keytype\":\"NOOP\",\"magic\":0}\tnull\n";
        let (snapshot, summary) = read_text(text).unwrap();
        assert_eq!((snapshot.counts().versions, summary.records), (1, 2));
    }

    #[test]
    fn a_compressed_file_is_told_from_a_damaged_one() {
        let mut replay = Replay::new(0);
        let error = read(&mut &[0x1f, 0x8b, 8, 0][..], &mut replay, &mut |_| {}).unwrap_err().to_string();
        assert_eq!(error, "line 1 is no record: this is compressed with gzip; unpack it first");
    }

    #[test]
    fn damage_is_told() {
        let text = written(&read_text(LOG).unwrap().0);
        let without_last = &text[..text.trim_end().rfind('\n').unwrap() + 1];
        let cases = [
            (String::new(), "the file holds no records"),
            (without_last.to_owned(), "the file is cut off"),
            (text.replace("\"FULL\"", "\"NONE\""), "the file is damaged"),
            (format!("{text}{text}"), "the file is damaged"),
            (text.replace("{\"format\":1}", "{\"format\":2}"), "the file is of format 2"),
            ("nonsense\n".to_owned(), "line 1 is no record: "),
            ("[]\n".to_owned(), "line 1 is no record: no JSON object"),
            ("{}\n".to_owned(), "line 1 is no record: no key"),
            ("{} {} {}\n".to_owned(), "line 1 is no record: more than a key and a value"),
        ];
        for (text, expected) in cases {
            let error = read_text(&text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
