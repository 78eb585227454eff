//! One remembered schema.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::SchemaFacts;

/// Facts about one schema and how old they are.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    facts: Arc<SchemaFacts>,
    checked_at: Instant,
    /// Subjects that the registry no longer names, and until when they count all the same.
    lingering: Vec<(Arc<str>, Instant)>,
    /// Set once the registry has denied the whole schema.
    counts_until: Option<Instant>,
}

impl Entry {
    /// What follows from an answer of the registry (`None`: no such schema) and what was known before. `None` if
    /// nothing is left to know.
    pub(super) fn merge(
        old: Option<&Self>,
        answer: Option<SchemaFacts>,
        now: Instant,
        sticky: Duration,
    ) -> Option<Self> {
        let Some(mut facts) = answer else {
            let old = old?;
            let counts_until = old.counts_until.unwrap_or(now + sticky);
            return (counts_until > now).then(|| Self {
                checked_at: now,
                counts_until: Some(counts_until),
                ..old.clone()
            });
        };
        let mut lingering = Vec::new();
        if let Some(old) = old {
            for registration in &old.facts.subjects {
                let subject = &registration.subject;
                if facts.subjects.iter().any(|current| current.subject == *subject) {
                    continue;
                }
                let already = old.lingering.iter().find(|(lingering, _)| lingering == subject);
                let until = already.map_or(now + sticky, |(_, until)| *until);
                if until > now {
                    lingering.push((Arc::clone(subject), until));
                }
            }
        }
        for (subject, _) in &lingering {
            facts = facts.registered(Arc::clone(subject), false);
        }
        Some(Self { facts: Arc::new(facts), checked_at: now, lingering, counts_until: None })
    }

    /// The facts.
    pub(super) fn facts(&self) -> Arc<SchemaFacts> {
        Arc::clone(&self.facts)
    }

    /// When the registry was asked.
    pub(super) fn checked_at(&self) -> Instant {
        self.checked_at
    }
}

#[cfg(test)]
mod tests {
    use muster_schema::SchemaType;

    use super::*;
    use crate::engine::RecordName;

    const STICKY: Duration = Duration::from_secs(120);

    fn facts(subjects: &[&str]) -> Option<SchemaFacts> {
        let facts = SchemaFacts::new(SchemaType::Avro, RecordName::None);
        Some(subjects.iter().fold(facts, |facts, subject| facts.registered(*subject, false)))
    }

    fn subjects(entry: &Entry) -> Vec<&str> {
        entry.facts.subjects.iter().map(|registration| &*registration.subject).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_forgotten_use_counts_for_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let first = Entry::merge(None, facts(&["a", "b"]), at(0), STICKY).unwrap();
        assert_eq!(subjects(&first), ["a", "b"]);
        let second = Entry::merge(Some(&first), facts(&["b"]), at(60), STICKY).unwrap();
        assert_eq!(subjects(&second), ["b", "a"]);
        let third = Entry::merge(Some(&second), facts(&["b"]), at(179), STICKY).unwrap();
        assert_eq!(subjects(&third), ["b", "a"]);
        let fourth = Entry::merge(Some(&third), facts(&["b"]), at(181), STICKY).unwrap();
        assert_eq!(subjects(&fourth), ["b"]);
        let back = Entry::merge(Some(&second), facts(&["a", "b"]), at(100), STICKY).unwrap();
        assert_eq!(subjects(&back), ["a", "b"]);
        assert!(back.lingering.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_forgotten_schema_counts_for_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(Entry::merge(None, None, at(0), STICKY).is_none());
        let known = Entry::merge(None, facts(&["a"]), at(0), STICKY).unwrap();
        let denied = Entry::merge(Some(&known), None, at(60), STICKY).unwrap();
        assert_eq!((subjects(&denied), denied.checked_at()), (vec!["a"], at(60)));
        assert!(Entry::merge(Some(&denied), None, at(179), STICKY).is_some());
        assert!(Entry::merge(Some(&denied), None, at(180), STICKY).is_none());
        let back = Entry::merge(Some(&denied), facts(&["a"]), at(100), STICKY).unwrap();
        assert_eq!(back.counts_until, None);
    }
}
