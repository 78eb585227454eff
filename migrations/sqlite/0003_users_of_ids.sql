-- Who uses an id is read in one place, not in as many as there are users: an id may have as many uses as there are
-- subjects. The number of a subject and its name belong together for good.

ALTER TABLE uses ADD COLUMN name TEXT NOT NULL DEFAULT '';

-- The spread hash of the subject's qualified name, which tells where the reference keeps it among the users of an id.
ALTER TABLE uses ADD COLUMN spread INTEGER NOT NULL DEFAULT 0;

UPDATE uses SET name = (SELECT s.name FROM subjects s WHERE s.subject_id = uses.subject_id);

-- Java's hash of a text, by UTF-16 units; characters from 65536 on are two of them. SQLite has no exclusive or.
UPDATE uses SET spread = (
    WITH RECURSIVE text (rest, hash) AS (
        SELECT CASE c.name WHEN '.' THEN uses.name ELSE ':' || c.name || ':' || uses.name END, 0
        FROM contexts c WHERE c.context_id = uses.context_id
        UNION ALL
        SELECT substr(rest, 2),
            CASE WHEN unicode(rest) < 65536 THEN hash * 31 + unicode(rest)
                ELSE hash * 961 + (55232 + (unicode(rest) >> 10)) * 31 + 56320 + (unicode(rest) & 1023)
            END & 4294967295
        FROM text WHERE rest <> ''
    )
    SELECT ((hash | (hash >> 16)) - (hash & (hash >> 16))) & 2147483647 FROM text WHERE rest = ''
);
