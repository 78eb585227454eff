-- The memory of a registry. Every write is one event; events are numbered in the order in which they took effect,
-- and that number is the `revision` of whatever they touched.

CREATE TABLE registry (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- The number of the last event.
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO registry (only_row, revision) VALUES (1, 0);

CREATE TABLE contexts (
    context_id INTEGER PRIMARY KEY,
    -- With its leading dot; '.' is the default context.
    name TEXT NOT NULL UNIQUE,
    -- The highest schema id ever given out or imported; never lowered, so that no id is given out twice.
    last_id INTEGER,
    -- Whether a schema was registered here since the context was last deleted.
    listed INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1))
) STRICT;

-- What can be written: a subject, or with an empty name the settings of a context. Rows are kept when their versions
-- go, for the revision.
CREATE TABLE subjects (
    subject_id INTEGER PRIMARY KEY,
    context_id INTEGER NOT NULL REFERENCES contexts,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    -- JSON object, if a config was put.
    config TEXT,
    -- READWRITE, READONLY, READONLY_OVERRIDE, IMPORT or FORWARD, if a mode was put.
    mode TEXT,
    UNIQUE (context_id, name)
) STRICT;

-- Narrow on purpose: deciding about a subject reads all of its rows here, and few of its texts.
CREATE TABLE versions (
    subject_id INTEGER NOT NULL REFERENCES subjects,
    version INTEGER NOT NULL CHECK (version >= 1),
    id INTEGER NOT NULL,
    -- The row of `contents` that belongs to this version alone.
    content_id INTEGER NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    -- When the row was last written, in milliseconds since the epoch.
    ts_ms INTEGER NOT NULL,
    PRIMARY KEY (subject_id, version)
) STRICT, WITHOUT ROWID;

-- Never changed once written. `content_id` is the number of the event that wrote it, so it is never used again, and
-- whoever knows the contents up to one number needs to read only those above it.
CREATE TABLE contents (
    content_id INTEGER PRIMARY KEY,
    guid BLOB NOT NULL CHECK (length(guid) = 16),
    schema_type TEXT NOT NULL,
    -- Canonical text.
    schema TEXT NOT NULL,
    -- JSON; absent and empty differ in `metadata` and `rule_set`.
    refs TEXT,
    metadata TEXT,
    rule_set TEXT
) STRICT;

-- Which version of each subject answers for a schema id: the last one written for it.
CREATE TABLE uses (
    context_id INTEGER NOT NULL REFERENCES contexts,
    id INTEGER NOT NULL,
    subject_id INTEGER NOT NULL REFERENCES subjects,
    version INTEGER NOT NULL,
    -- An import has replaced that version by content with another id; this id still leads there.
    replaced INTEGER NOT NULL DEFAULT 0 CHECK (replaced IN (0, 1)),
    PRIMARY KEY (context_id, id, subject_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX uses_replaced ON uses (subject_id, version) WHERE replaced = 1;

-- The id that content stands for in a context, the last one written for it. Entries outlive all uses of the id.
CREATE TABLE hashes (
    guid BLOB NOT NULL,
    context_id INTEGER NOT NULL REFERENCES contexts,
    id INTEGER NOT NULL,
    PRIMARY KEY (guid, context_id)
) STRICT, WITHOUT ROWID;

-- Who references what. The target is a qualified subject name in canonical form.
CREATE TABLE refs (
    target TEXT NOT NULL,
    target_version INTEGER NOT NULL,
    subject_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (target, target_version, subject_id, version),
    FOREIGN KEY (subject_id, version) REFERENCES versions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX refs_by_referrer ON refs (subject_id, version);
