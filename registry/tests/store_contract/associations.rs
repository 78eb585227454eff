//! Associations of subjects with resources.

use muster_registry::store::{
    Association, AssociationChange, AssociationSelection, AssociationType, Basis, Lifecycle, NewAssociation,
    Resource,
};
use muster_schema::{Guid, Version};

use crate::support::{
    AnyStore, content, everything, history, put_mode, referring, refusal, register, registration, subject,
};

fn resource(id: &str, name: &str) -> Resource {
    Resource {
        id: id.to_owned(),
        kind: "topic".to_owned(),
        namespace: "ns".to_owned(),
        name: name.to_owned(),
    }
}

fn new(
    resource: Resource,
    association_type: AssociationType,
    name: &str,
    lifecycle: Lifecycle,
) -> NewAssociation {
    let mut guid = [0; 16];
    for (slot, byte) in guid.iter_mut().zip(format!("{}{association_type}{name}", resource.id).bytes()) {
        *slot = byte;
    }
    NewAssociation {
        guid: Guid(guid),
        resource,
        association_type,
        subject: subject(name),
        lifecycle,
        frozen: lifecycle.freezes(),
    }
}

fn weak(id: &str, association_type: AssociationType, name: &str) -> NewAssociation {
    new(resource(id, id), association_type, name, Lifecycle::Weak)
}

fn strong(id: &str, name: &str) -> NewAssociation {
    new(resource(id, id), AssociationType::Value, name, Lifecycle::Strong)
}

/// Writes associations of one resource that has these.
fn put(expected: Vec<Association>, put: Vec<NewAssociation>) -> AssociationChange {
    let resource_id = put.first().map(|one| one.resource.id.clone()).unwrap_or_default();
    AssociationChange { expected, resource_id, put, ..AssociationChange::default() }
}

async fn of_id(store: &AnyStore, id: &str) -> Vec<Association> {
    store.associations(&AssociationSelection::ResourceId(id.to_owned())).await.unwrap()
}

/// Resource id, type, subject and lifecycle of some associations.
async fn found(store: &AnyStore, wanted: AssociationSelection) -> Vec<String> {
    let found = store.associations(&wanted).await.unwrap();
    let told = |one: &Association| {
        format!("{} {} {} {}", one.resource.id, one.association_type, one.subject, one.lifecycle)
    };
    found.iter().map(told).collect()
}

pub async fn associations_are_found_by_subject_id_and_name(store: AnyStore) {
    register(&store, "a", "1").await;
    register(&store, ":.c:a", "1").await;
    let key = || weak("r1", AssociationType::Key, "a");
    let value = || weak("r1", AssociationType::Value, ":.c:a");
    store.associate(put(Vec::new(), vec![value(), key()])).await.unwrap();
    store.associate(put(Vec::new(), vec![weak("r2", AssociationType::Value, "a")])).await.unwrap();
    let by_name = |namespace: Option<&str>, name: Option<&str>| AssociationSelection::ResourceName {
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    };
    let (r1k, r1v, r2v) = ("r1 key a WEAK", "r1 value :.c:a WEAK", "r2 value a WEAK");
    let cases = [
        (AssociationSelection::All, vec![r1k, r1v, r2v]),
        (AssociationSelection::Subject(subject("a")), vec![r1k, r2v]),
        (AssociationSelection::Subject(subject(":.c:a")), vec![r1v]),
        (AssociationSelection::Subject(subject(":.d:a")), vec![]),
        (AssociationSelection::ResourceId("r1".to_owned()), vec![r1k, r1v]),
        (AssociationSelection::ResourceId("r".to_owned()), vec![]),
        (by_name(None, None), vec![r1k, r1v, r2v]),
        (by_name(Some("ns"), Some("r2")), vec![r2v]),
        (by_name(None, Some("r1")), vec![r1k, r1v]),
        (by_name(Some("other"), None), vec![]),
    ];
    for (wanted, expected) in cases {
        let told = format!("{wanted:?}");
        assert_eq!(found(&store, wanted).await, expected, "{told}");
    }
    let stored = of_id(&store, "r1").await.remove(0);
    assert_eq!(
        (stored.guid, stored.resource.clone(), stored.frozen),
        (key().guid, resource("r1", "r1"), false)
    );
    assert_eq!(stored.created_ms, stored.updated_ms);
}

pub async fn an_association_registers_what_it_needs_or_nothing_happens(store: AnyStore) {
    let change = AssociationChange {
        registrations: vec![registration("s", content("1"))],
        ..put(Vec::new(), vec![strong("r", "s")])
    };
    let registered = store.associate(change).await.unwrap();
    assert_eq!(registered.iter().map(|v| (v.version.0, v.id.0)).collect::<Vec<_>>(), [(1, 1)]);
    assert_eq!(history(&store, "s").await, [(1, 1, false)]);

    let mut refused = registration("t", content("2"));
    refused.version = Some(Version(7));
    let change = AssociationChange {
        registrations: vec![registration("u", content("3")), refused],
        ..put(Vec::new(), vec![strong("q", "t")])
    };
    assert_eq!(refusal(store.associate(change).await), "version is not one more than the previous version");
    assert_eq!(history(&store, "u").await, []);
    assert_eq!(found(&store, AssociationSelection::All).await, ["r value s STRONG"]);
}

pub async fn a_strong_association_is_a_subjects_only_one(store: AnyStore) {
    for name in ["weak", "strong", "referenced"] {
        register(&store, name, name).await;
    }
    store.register(registration("user", referring("user", &[("referenced", 1)]))).await.unwrap();
    store.associate(put(Vec::new(), vec![weak("r1", AssociationType::Value, "weak")])).await.unwrap();
    store.associate(put(Vec::new(), vec![strong("r2", "strong")])).await.unwrap();
    let cases = [
        (strong("r3", "weak"), "subject weak is associated"),
        (strong("r3", "strong"), "subject strong is associated"),
        (weak("r3", AssociationType::Key, "strong"), "subject strong is associated"),
        (strong("r3", "referenced"), "subject referenced is referenced"),
    ];
    for (association, expected) in cases {
        let told = format!("{association:?}");
        assert_eq!(refusal(store.associate(put(Vec::new(), vec![association])).await), expected, "{told}");
    }
    store.associate(put(Vec::new(), vec![weak("r3", AssociationType::Key, "weak")])).await.unwrap();
}

pub async fn another_change_of_the_resource_or_subject_makes_a_decision_stale(store: AnyStore) {
    register(&store, "s", "1").await;
    let stale = "the state has changed since the decision";
    let state = store.state(&subject("s")).await.unwrap();
    store.associate(put(Vec::new(), vec![weak("r", AssociationType::Value, "s")])).await.unwrap();
    // The resource has an association that was not expected.
    let blind = put(Vec::new(), vec![weak("r", AssociationType::Key, "s")]);
    assert_eq!(refusal(store.associate(blind.clone()).await), stale);
    // The subject was touched by the association.
    let deleted = store.soft_delete(&subject("s"), &[Version(1)], state.basis).await;
    assert_eq!(refusal(deleted), stale);
    let expected = of_id(&store, "r").await;
    store.associate(AssociationChange { expected, ..blind }).await.unwrap();
    let basis = Basis(vec![(subject("s"), 1)]);
    let late = AssociationChange { basis, ..put(Vec::new(), vec![weak("q", AssociationType::Key, "s")]) };
    assert_eq!(refusal(store.associate(late).await), stale);
}

pub async fn a_resource_whose_name_comes_again_takes_the_place_of_the_former(store: AnyStore) {
    register(&store, "s", "1").await;
    register(&store, "t", "2").await;
    let named = |id: &str, association_type, subject: &str| {
        new(resource(id, "orders"), association_type, subject, Lifecycle::Weak)
    };
    let former = vec![named("r1", AssociationType::Value, "s"), named("r1", AssociationType::Key, "t")];
    store.associate(put(Vec::new(), former)).await.unwrap();
    let again = vec![named("r2", AssociationType::Value, "s"), named("r2", AssociationType::Key, "s")];
    store.associate(put(Vec::new(), again)).await.unwrap();
    // The log has one record for a name, type and subject, whatever the resource's id.
    assert_eq!(
        found(&store, AssociationSelection::All).await,
        ["r2 key s WEAK", "r1 key t WEAK", "r2 value s WEAK"]
    );
}

pub async fn removal_takes_subjects_along_if_asked_to(store: AnyStore) {
    register(&store, "s", "1").await;
    register(&store, "t", "2").await;
    store.soft_delete(&subject("t"), &[Version(1)], Basis::default()).await.unwrap();
    register(&store, "t", "3").await;
    put_mode(&store, "t", Some(muster_registry::store::Mode::ReadWrite)).await;
    store.associate(put(Vec::new(), vec![weak("r", AssociationType::Key, "s")])).await.unwrap();
    store.associate(put(Vec::new(), vec![strong("q", "t")])).await.unwrap();
    let removal = |expected: Vec<Association>, delete: &[&str]| AssociationChange {
        resource_id: expected.first().map(|one| one.resource.id.clone()).unwrap_or_default(),
        remove: expected.clone(),
        expected,
        delete: delete.iter().map(|name| subject(name)).collect(),
        ..AssociationChange::default()
    };
    store.associate(removal(of_id(&store, "r").await, &[])).await.unwrap();
    store.associate(removal(of_id(&store, "q").await, &["t"])).await.unwrap();
    assert_eq!(found(&store, AssociationSelection::All).await, Vec::<String>::new());
    assert_eq!(history(&store, "s").await, [(1, 1, false)]);
    assert_eq!(history(&store, "t").await, []);
    assert_eq!(store.state(&subject("t")).await.unwrap().settings.subject.mode, None);
    assert_eq!(store.subjects(&everything()).await.unwrap().len(), 1);
}
