//! Which subject the schema of one side of a topic is under (wire format spec §4).

use muster_schema::{Side, SubjectNameStrategy};

use crate::client::RegistryClient;
use crate::error::{InvalidSettings, SubjectError};

/// `key.subject.name.strategy`, `value.subject.name.strategy`.
///
/// ```
/// use muster_serdes::{AssociatedName, SubjectNameStrategy, SubjectNaming};
///
/// assert_eq!(SubjectNaming::default(), AssociatedName::default().into(), "as in the official clients");
/// let plain: SubjectNaming = SubjectNameStrategy::TopicName.into();
/// assert_ne!(plain, SubjectNaming::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectNaming {
    /// By the topic and the schema alone.
    Strategy(SubjectNameStrategy),
    /// As the registry associates it with the topic.
    Associated(AssociatedName),
}

/// AssociatedNameStrategy: the subject that the registry associates with a side of the topic, verbatim; more than one is
/// an error (wire format spec §4.2).
///
/// The registry is asked once per topic and side; how long its answer counts is a setting of the client. A registry that
/// knows no associations has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociatedName {
    /// `subject.name.strategy.kafka.cluster.id`: the namespace of the topic. Default none, which is any.
    pub kafka_cluster_id: Option<String>,
    /// `subject.name.strategy.fallback.type`: what to do without an association; `None` is an error. Default TopicName.
    pub fallback: Option<SubjectNameStrategy>,
}

impl Default for AssociatedName {
    fn default() -> Self {
        Self { kafka_cluster_id: None, fallback: Some(SubjectNameStrategy::TopicName) }
    }
}

impl AssociatedName {
    /// With the fallback that `subject.name.strategy.fallback.type` names: `TOPIC`, `RECORD`, `TOPIC_RECORD` or `NONE`,
    /// in any case.
    ///
    /// Errors: [`InvalidSettings`] for any other name.
    pub fn with_fallback_type(self, name: &str) -> Result<Self, InvalidSettings> {
        let fallback = match name.to_ascii_uppercase().as_str() {
            "TOPIC" => Some(SubjectNameStrategy::TopicName),
            "RECORD" => Some(SubjectNameStrategy::RecordName),
            "TOPIC_RECORD" => Some(SubjectNameStrategy::TopicRecordName),
            "NONE" => None,
            _ => return Err(InvalidSettings("a fallback type is TOPIC, RECORD, TOPIC_RECORD or NONE")),
        };
        Ok(Self { fallback, ..self })
    }
}

impl Default for SubjectNaming {
    fn default() -> Self {
        Self::Associated(AssociatedName::default())
    }
}

impl From<SubjectNameStrategy> for SubjectNaming {
    fn from(strategy: SubjectNameStrategy) -> Self {
        Self::Strategy(strategy)
    }
}

impl From<AssociatedName> for SubjectNaming {
    fn from(associated: AssociatedName) -> Self {
        Self::Associated(associated)
    }
}

impl SubjectNaming {
    /// Whether the subject may depend on the schema.
    pub(crate) fn uses_schema(&self) -> bool {
        match self {
            Self::Strategy(strategy) => strategy.uses_schema(),
            Self::Associated(associated) => associated.fallback.is_some_and(SubjectNameStrategy::uses_schema),
        }
    }

    /// The subject. `record_name`: of what is written or read, if it has a name.
    pub(crate) async fn subject(
        &self,
        client: &RegistryClient,
        topic: &str,
        side: Side,
        record_name: Option<&str>,
    ) -> Result<String, SubjectError> {
        let strategy = match self {
            Self::Strategy(strategy) => *strategy,
            Self::Associated(AssociatedName { kafka_cluster_id, fallback }) => {
                let namespace = kafka_cluster_id.as_deref();
                let subjects = client
                    .associated_subjects(namespace, topic, side)
                    .await
                    .map_err(SubjectError::Registry)?;
                match (&*subjects, fallback) {
                    ([subject], _) => return Ok(subject.clone()),
                    ([], Some(fallback)) => *fallback,
                    ([], None) => return Err(SubjectError::NoAssociation),
                    (many, _) => return Err(SubjectError::ManyAssociations { count: many.len() }),
                }
            }
        };
        strategy.subject(topic, side, record_name).ok_or(SubjectError::NoRecordName)
    }
}
