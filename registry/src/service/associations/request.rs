//! What a request to associate says by itself (registry API spec §4.9, rules 1–4).

use muster_schema::{Context, Subject};

use super::super::error::ServiceError;
use super::super::register::Registering;
use super::{AssociationRequest, Manner, TOPIC, WantedAssociation, default_subject};
use crate::store::{AssociationType, Lifecycle, Resource};

/// Longest name of a resource or namespace, in characters.
const LONGEST_NAME: usize = 256;

/// A request whose parts agree with each other.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// The resource; its id may be blank in a dry run.
    pub(super) resource: Resource,
    pub(super) items: Vec<CheckedItem>,
}

/// One association of it.
#[derive(Clone, Debug)]
pub(super) struct CheckedItem {
    pub(super) association_type: AssociationType,
    /// As the request has it; for a strong one the default subject.
    pub(super) subject: Option<Subject>,
    /// As the request has it or as follows from the rest of it. Absent only for [`Manner::Upsert`].
    pub(super) lifecycle: Option<Lifecycle>,
    pub(super) schema: Option<Registering>,
}

/// A value that breaks a rule.
pub(super) fn invalid(property: &'static str, detail: impl Into<String>) -> ServiceError {
    ServiceError::InvalidAssociation { property, detail: detail.into() }
}

/// Checks a request. Without `dry_run` it must have the resource's id.
pub(super) fn check(
    request: &AssociationRequest,
    manner: Manner,
    dry_run: bool,
) -> Result<Checked, ServiceError> {
    let named = &request.resource;
    let name = name_of("resourceName", named.name.as_deref())?;
    let namespace = name_of("resourceNamespace", named.namespace.as_deref())?;
    let id = named.id.clone().unwrap_or_default();
    if id.is_empty() && !dry_run {
        return Err(invalid("resourceId", "must not be null or empty"));
    }
    let kind = named.kind.clone().filter(|kind| !kind.is_empty()).unwrap_or_else(|| TOPIC.to_owned());
    if kind != TOPIC {
        return Err(invalid("resourceType", format!("resource type {kind} is not supported")));
    }
    let wanted = request.associations.as_deref().unwrap_or_default();
    if wanted.is_empty() {
        return Err(invalid("associations", "must not be null or empty"));
    }
    let resource = Resource { id, kind, namespace, name };
    let context = request.context.clone().unwrap_or_else(Context::default_context);
    let mut items: Vec<CheckedItem> = Vec::with_capacity(wanted.len().min(2));
    for one in wanted {
        let item = check_item(one, manner, &resource, &context)?;
        if items.iter().any(|other| other.association_type == item.association_type) {
            let detail = format!("more than one association of type {}", item.association_type);
            return Err(invalid("associationType", detail));
        }
        items.push(item);
    }
    Ok(Checked { resource, items })
}

fn name_of(property: &'static str, text: Option<&str>) -> Result<String, ServiceError> {
    let text = text.unwrap_or_default();
    let known = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    match text.chars().count() {
        0 => Err(invalid(property, "must not be null or empty")),
        1..=LONGEST_NAME if text.chars().all(known) => Ok(text.to_owned()),
        1..=LONGEST_NAME => Err(invalid(property, "has an illegal character")),
        _ => Err(invalid(property, format!("is longer than {LONGEST_NAME} characters"))),
    }
}

fn check_item(
    wanted: &WantedAssociation,
    manner: Manner,
    resource: &Resource,
    context: &Context,
) -> Result<CheckedItem, ServiceError> {
    let type_name = wanted.association_type.as_deref().filter(|name| !name.is_empty()).unwrap_or("value");
    let association_type: AssociationType =
        type_name.parse().map_err(|_| invalid("associationType", format!("unknown type {type_name}")))?;
    let lifecycle = match (wanted.lifecycle, wanted.frozen) {
        (Some(lifecycle), Some(frozen)) if lifecycle.freezes() != frozen => {
            return Err(invalid("frozen", format!("contradicts lifecycle {lifecycle}")));
        }
        (Some(lifecycle), _) => Some(lifecycle),
        (None, Some(true)) => Some(Lifecycle::Strong),
        (None, Some(false)) => Some(Lifecycle::Weak),
        (None, None) if manner == Manner::Upsert => None,
        (None, None) if wanted.schema.is_some() => Some(Lifecycle::Strong),
        (None, None) => Some(Lifecycle::Weak),
    };
    if manner == Manner::Create && wanted.schema.is_some() && lifecycle == Some(Lifecycle::Weak) {
        return Err(invalid("lifecycle", "a schema makes an association STRONG"));
    }
    let subject = wanted.subject.as_deref().map(|text| subject_of(text, context)).transpose()?;
    let default = default_subject(&resource.namespace, &resource.name, association_type.as_str());
    let subject = match (lifecycle, subject) {
        (Some(Lifecycle::Strong), Some(subject)) if subject != default => {
            return Err(invalid("subject", format!("a STRONG association has the subject {default}")));
        }
        (Some(Lifecycle::Strong), _) => Some(default),
        (Some(Lifecycle::Weak), Some(subject)) if subject == default => {
            return Err(invalid("subject", format!("{default} is kept for a STRONG association")));
        }
        (Some(Lifecycle::Weak), None) if manner == Manner::Create => {
            return Err(invalid("subject", "a WEAK association must name its subject"));
        }
        (_, subject) => subject,
    };
    Ok(CheckedItem { association_type, subject, lifecycle, schema: wanted.schema.clone() })
}

fn subject_of(text: &str, context: &Context) -> Result<Subject, ServiceError> {
    let subject = Subject::parse_in(text, context);
    if text.is_empty() || subject.name().is_empty() {
        return Err(invalid("subject", "must not be empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid("subject", "has a control character"));
    }
    Ok(subject)
}

#[cfg(test)]
mod tests {
    use super::super::NamedResource;
    use super::*;

    fn request(wanted: Vec<WantedAssociation>) -> AssociationRequest {
        let text = |text: &str| Some(text.to_owned());
        AssociationRequest {
            resource: NamedResource { id: text("r"), kind: None, namespace: text("ns"), name: text("t") },
            associations: Some(wanted),
            context: None,
        }
    }

    fn wanted(
        subject: &str,
        lifecycle: Option<Lifecycle>,
        frozen: Option<bool>,
        schema: bool,
    ) -> WantedAssociation {
        WantedAssociation {
            subject: Some(subject.to_owned()).filter(|subject| !subject.is_empty()),
            association_type: None,
            lifecycle,
            frozen,
            schema: schema.then(Registering::default),
        }
    }

    /// The subject and lifecycle that a request comes to; `None` if it is refused.
    fn checked(manner: Manner, wanted: WantedAssociation) -> Option<(Option<String>, Option<Lifecycle>)> {
        let checked = check(&request(vec![wanted]), manner, false).ok()?;
        let item = checked.items.into_iter().next()?;
        Some((item.subject.map(|subject| subject.to_string()), item.lifecycle))
    }

    #[test]
    fn strong_means_frozen_with_the_default_subject_and_weak_the_opposite() {
        use Lifecycle::{Strong, Weak};
        use Manner::{Create, Upsert};
        let default = || Some(":.ns:t-value".to_owned());
        let named = || Some("s".to_owned());
        let cases = [
            (Create, wanted("", None, None, true), Some((default(), Some(Strong)))),
            (Create, wanted("", Some(Strong), None, false), Some((default(), Some(Strong)))),
            (Create, wanted(":.ns:t-value", Some(Strong), Some(true), true), Some((default(), Some(Strong)))),
            (Create, wanted("s", None, None, false), Some((named(), Some(Weak)))),
            (Create, wanted("s", None, Some(false), false), Some((named(), Some(Weak)))),
            (Create, wanted("s", None, Some(true), false), None),
            (Create, wanted("s", Some(Strong), None, true), None),
            (Create, wanted("s", Some(Weak), Some(true), false), None),
            (Create, wanted("s", Some(Weak), None, true), None),
            (Create, wanted("", None, None, false), None),
            (Create, wanted(":.ns:t-value", Some(Weak), None, false), None),
            (Upsert, wanted("", None, None, false), Some((None, None))),
            (Upsert, wanted("s", None, None, true), Some((named(), None))),
            (Upsert, wanted("s", Some(Weak), None, true), Some((named(), Some(Weak)))),
            (Upsert, wanted("", Some(Weak), None, false), Some((None, Some(Weak)))),
        ];
        for (manner, wanted, expected) in cases {
            let told = format!("{manner:?} {wanted:?}");
            assert_eq!(checked(manner, wanted), expected, "{told}");
        }
    }

    #[test]
    fn names_types_and_ids_are_checked() {
        let weak = || wanted("s", None, None, false);
        let of = |change: &dyn Fn(&mut AssociationRequest), dry_run| {
            let mut request = request(vec![weak()]);
            change(&mut request);
            check(&request, Manner::Create, dry_run).is_ok()
        };
        let text = |text: &str| Some(text.to_owned());
        assert!(of(&|_| {}, false));
        assert!(!of(&|r| r.resource.id = None, false));
        assert!(of(&|r| r.resource.id = None, true));
        assert!(!of(&|r| r.resource.name = None, true));
        assert!(!of(&|r| r.resource.name = text("a.b"), false));
        assert!(!of(&|r| r.resource.namespace = Some("n".repeat(257)), false));
        assert!(of(&|r| r.resource.namespace = Some("n".repeat(256)), false));
        assert!(!of(&|r| r.resource.kind = text("table"), false));
        assert!(!of(&|r| r.associations = None, false));
        assert!(!of(&|r| r.associations = Some(vec![weak(), weak()]), false));
        let key = || WantedAssociation { association_type: text("key"), ..weak() };
        assert!(of(&|r| r.associations = Some(vec![weak(), key()]), false));
        let odd = || WantedAssociation { association_type: text("VALUE"), ..weak() };
        assert!(!of(&|r| r.associations = Some(vec![odd()]), false));
        assert!(!of(&|r| r.associations = Some(vec![wanted("a\nb", None, None, false)]), false));
    }

    #[test]
    fn an_unqualified_subject_is_taken_in_the_requests_context() {
        let mut request = request(vec![wanted("s", None, None, false)]);
        request.context = Context::parse(".c").ok();
        let checked = check(&request, Manner::Create, false).unwrap();
        assert_eq!(checked.items[0].subject.as_ref().unwrap().to_string(), ":.c:s");
    }
}
