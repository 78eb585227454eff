-- Which subject holds the schemas of a resource (a topic), as key or as value.

CREATE TABLE associations (
    -- The id, kind, namespace and name of the resource. A resource keeps its id while its name may come again.
    resource_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_namespace TEXT NOT NULL,
    resource_name TEXT NOT NULL,
    association_type TEXT NOT NULL CHECK (association_type IN ('key', 'value')),
    subject_id INTEGER NOT NULL REFERENCES subjects,
    guid BLOB NOT NULL UNIQUE CHECK (length(guid) = 16),
    lifecycle TEXT NOT NULL CHECK (lifecycle IN ('STRONG', 'WEAK')),
    frozen INTEGER NOT NULL CHECK (frozen IN (0, 1)),
    -- In milliseconds since the epoch.
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    -- A resource has one key and one value.
    PRIMARY KEY (resource_id, resource_type, association_type)
) STRICT, WITHOUT ROWID;

CREATE INDEX associations_by_name ON associations (resource_namespace, resource_name);

CREATE INDEX associations_by_subject ON associations (subject_id);

-- A subject belongs to one resource alone if it belongs to it strongly.
CREATE UNIQUE INDEX associations_strong ON associations (subject_id) WHERE lifecycle = 'STRONG';
