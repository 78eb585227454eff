//! Topic settings through the admin APIs.

use kafka_protocol::messages::alter_configs_request::{
    AlterConfigsResource as ReplaceResource, AlterableConfig as Replacement,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, ApiKey, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, TopicName,
};
use muster_validator::gateway::{Gateway, admin};

use crate::client::{Client, batch, good};
use crate::harness::{Harness, VALIDATION, config, creatable, create, eventually, text};

const STRATEGY: &str = "confluent.value.subject.name.strategy";
const TOPIC: i8 = 2;

async fn refuses_plain(client: &mut Client, topic: &str) -> bool {
    match client.produce(topic, &[batch(&[b"plain"])]).await[0].0 {
        0 => false,
        87 => true,
        other => panic!("{other}"),
    }
}

/// Value and source of the settings asked for; `None` asks for all.
async fn describe(client: &mut Client, topic: &str, keys: Option<&[&str]>) -> Vec<(String, String, i8)> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configuration_keys(keys.map(|keys| keys.iter().map(|key| text(key)).collect()));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let response: DescribeConfigsResponse = client.call(ApiKey::DescribeConfigs, 4, &request).await;
    let configs = response.results[0].configs.iter();
    configs
        .map(|config| {
            (config.name.to_string(), config.value.as_ref().unwrap().to_string(), config.config_source)
        })
        .collect()
}

fn setting(name: &str, value: &str, source: i8) -> (String, String, i8) {
    (name.to_owned(), value.to_owned(), source)
}

async fn alter(
    client: &mut Client,
    topic: &str,
    operations: &[(&str, i8, Option<&str>)],
    validate_only: bool,
) -> (i16, String) {
    let configs = operations.iter().map(|(name, operation, value)| {
        AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(*operation)
            .with_value(value.map(text))
    });
    let resource = AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configs(configs.collect());
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![resource])
        .with_validate_only(validate_only);
    let response: IncrementalAlterConfigsResponse =
        client.call(ApiKey::IncrementalAlterConfigs, 1, &request).await;
    let result = &response.responses[0];
    (result.error_code, result.error_message.as_ref().map(ToString::to_string).unwrap_or_default())
}

#[tokio::test]
async fn topics_are_created_with_settings() {
    let harness = Harness::start().await;
    for version in 2..=7 {
        let topic = format!("t{version}");
        let mut client = harness.client().await;
        let response =
            create(&mut client, version, &topic, &[(VALIDATION, "true"), ("cleanup.policy", "delete")]).await;
        let result = &response.topics[0];
        assert_eq!(result.error_code, 0, "version {version}");
        if version >= 5 {
            let configs: Vec<_> = result
                .configs
                .as_ref()
                .unwrap()
                .iter()
                .map(|config| setting(&config.name, config.value.as_ref().unwrap(), config.config_source))
                .collect();
            assert!(configs.contains(&setting(VALIDATION, "true", 1)), "{configs:?}");
            assert!(configs.contains(&setting("confluent.key.schema.validation", "false", 5)));
            assert!(configs.contains(&setting("retention.ms", "v", 5)), "the broker's own are there too");
        }
        assert!(refuses_plain(&mut client, &topic).await);
        let configs = harness.broker.state.topics.lock().unwrap()[&topic].configs.clone();
        assert_eq!(
            configs.into_iter().collect::<Vec<_>>(),
            [("cleanup.policy".to_owned(), "delete".to_owned())]
        );
    }
}

#[tokio::test]
async fn a_value_that_is_not_allowed_creates_nothing() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    for (name, value) in [
        (VALIDATION, "maybe"),
        (VALIDATION, ""),
        (STRATEGY, "NoSuchStrategy"),
        (STRATEGY, "topicnamestrategy"),
    ] {
        let response = create(&mut client, 7, "t", &[(name, value)]).await;
        assert_eq!(response.topics[0].error_code, 40);
        assert!(response.topics[0].error_message.as_ref().unwrap().contains(name));
    }
    let response = create(&mut client, 7, "u", &[("no.such.config", "x")]).await;
    assert_eq!(response.topics[0].error_code, 0, "not ours to judge, and this broker takes anything");
    assert!(!harness.broker.state.topics.lock().unwrap().contains_key("t"));
    // Of several topics, only the one with the wrong value is refused; answers come in the order of the request.
    let request = CreateTopicsRequest::default().with_topics(vec![
        creatable("a", &[(VALIDATION, "maybe")]),
        creatable("b", &[(VALIDATION, "TRUE")]),
        creatable("c", &[]),
    ]);
    let response: CreateTopicsResponse = client.call(ApiKey::CreateTopics, 7, &request).await;
    let codes: Vec<_> =
        response.topics.iter().map(|topic| (topic.name.to_string(), topic.error_code)).collect();
    assert_eq!(codes, [("a", 40), ("b", 0), ("c", 0)].map(|(name, code)| (name.to_owned(), code)));
    assert!(refuses_plain(&mut client, "b").await);
    assert!(!refuses_plain(&mut client, "c").await);
}

#[tokio::test]
async fn validating_only_stores_nothing() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    let request = CreateTopicsRequest::default()
        .with_topics(vec![creatable("t", &[(VALIDATION, "true")])])
        .with_validate_only(true);
    let response: CreateTopicsResponse = client.call(ApiKey::CreateTopics, 7, &request).await;
    assert_eq!(response.topics[0].error_code, 0);
    harness.broker.create("t");
    assert!(!refuses_plain(&mut client, "t").await);
    assert_eq!(alter(&mut client, "t", &[(VALIDATION, 0, Some("true"))], true).await.0, 0);
    assert_eq!(alter(&mut client, "t", &[(VALIDATION, 0, Some("maybe"))], true).await.0, 40);
    assert!(!refuses_plain(&mut client, "t").await);
    assert!(harness.broker.log("_muster_topic_settings").is_empty());
}

#[tokio::test]
async fn settings_change_step_by_step() {
    let harness = Harness::start().await;
    harness.broker.create("t");
    let mut client = harness.client().await;
    let (set, delete, append, subtract) = (0, 1, 2, 3);
    type Case<'a> = (&'a [(&'a str, i8, Option<&'a str>)], i16, bool);
    let cases: &[Case<'_>] = &[
        (&[(VALIDATION, set, Some("true"))], 0, true),
        (&[(VALIDATION, set, Some("False")), ("retention.ms", set, Some("1"))], 0, false),
        (&[(VALIDATION, set, Some("true")), (STRATEGY, set, Some("RecordNameStrategy"))], 0, true),
        (&[(VALIDATION, set, Some("maybe"))], 40, true),
        (&[(STRATEGY, set, Some("Nonsense")), (VALIDATION, set, Some("false"))], 40, true),
        (&[(VALIDATION, append, Some("false"))], 40, true),
        (&[(VALIDATION, subtract, Some("true"))], 40, true),
        (&[(VALIDATION, set, None)], 42, true),
        (&[(VALIDATION, 9, Some("false"))], 42, true),
        (&[(VALIDATION, set, Some("false")), (VALIDATION, delete, None)], 42, true),
        (&[], 0, true),
        (&[(VALIDATION, delete, None)], 0, false),
        (&[(VALIDATION, delete, None)], 0, false),
    ];
    for (operations, code, validates) in cases {
        let (answer, message) = alter(&mut client, "t", operations, false).await;
        assert_eq!(answer, *code, "{operations:?} {message}");
        assert_eq!(refuses_plain(&mut client, "t").await, *validates, "{operations:?}");
    }
    assert_eq!(alter(&mut client, "nowhere", &[(VALIDATION, set, Some("true"))], false).await.0, 3);
    assert_eq!(
        describe(&mut client, "t", Some(&[STRATEGY])).await,
        [setting(STRATEGY, "RecordNameStrategy", 1)]
    );
}

#[tokio::test]
async fn the_broker_decides_who_may_change_what() {
    let harness = Harness::start().await;
    harness.broker.create("t");
    harness.broker.trick(|tricks| tricks.deny_admin = true);
    let mut client = harness.client().await;
    assert_eq!(alter(&mut client, "t", &[(VALIDATION, 0, Some("true"))], false).await.0, 29);
    assert_eq!(create(&mut client, 7, "new", &[(VALIDATION, "true")]).await.topics[0].error_code, 29);
    assert_eq!(describe(&mut client, "t", None).await, []);
    harness.broker.trick(|tricks| tricks.deny_admin = false);
    harness.broker.create("new");
    for topic in ["t", "new"] {
        assert!(!refuses_plain(&mut client, topic).await);
    }
}

#[tokio::test]
async fn the_old_way_replaces_everything() {
    let harness = Harness::start().await;
    harness.broker.create("t");
    let mut client = harness.client().await;
    let replace = |configs: &[(&str, Option<&str>)]| {
        let configs = configs
            .iter()
            .map(|(name, value)| Replacement::default().with_name(text(name)).with_value(value.map(text)));
        AlterConfigsRequest::default().with_resources(vec![
            ReplaceResource::default()
                .with_resource_type(TOPIC)
                .with_resource_name(text("t"))
                .with_configs(configs.collect()),
        ])
    };
    for (configs, code, expected) in [
        (&[(VALIDATION, Some("true")), (STRATEGY, Some("TopicNameStrategy"))][..], 0, ("true", 1, 1)),
        (&[(VALIDATION, Some("true"))], 0, ("true", 1, 5)),
        (&[(VALIDATION, Some("nope"))], 40, ("true", 1, 5)),
        (&[(VALIDATION, None)], 42, ("true", 1, 5)),
        (&[(VALIDATION, Some("false")), (VALIDATION, Some("true"))], 42, ("true", 1, 5)),
        (&[("retention.ms", Some("5"))], 0, ("false", 5, 5)),
    ] {
        let response: AlterConfigsResponse = client.call(ApiKey::AlterConfigs, 2, &replace(configs)).await;
        assert_eq!(response.responses[0].error_code, code, "{configs:?}");
        let described = describe(&mut client, "t", Some(&[VALIDATION, STRATEGY])).await;
        assert_eq!((described[0].1.as_str(), described[0].2, described[1].2), expected, "{configs:?}");
    }
}

#[tokio::test]
async fn settings_are_described_among_the_brokers_own() {
    let harness = Harness::start().await;
    harness.broker.create("t");
    let mut client = harness.client().await;
    alter(&mut client, "t", &[(VALIDATION, 0, Some("true"))], false).await;
    let class = "io.confluent.kafka.serializers.subject.TopicNameStrategy";
    let ours = [
        setting("confluent.key.schema.validation", "false", 5),
        setting(VALIDATION, "true", 1),
        setting("confluent.key.subject.name.strategy", class, 5),
        setting(STRATEGY, class, 5),
        setting("muster.validation.level", "id", 5),
        setting("muster.validation.framing", "prefix", 5),
    ];
    let theirs = [setting("cleanup.policy", "v", 5), setting("retention.ms", "v", 5)];
    let all: Vec<_> = theirs.iter().chain(&ours).cloned().collect();
    for keys in [None, Some(&[][..])] {
        assert_eq!(describe(&mut client, "t", keys).await, all, "no list and an empty one ask for all");
    }
    assert_eq!(
        describe(&mut client, "t", Some(&[VALIDATION])).await,
        ours[1..2],
        "nothing that was not asked for"
    );
    assert_eq!(
        describe(&mut client, "t", Some(&["retention.ms", STRATEGY])).await,
        [theirs[1].clone(), ours[3].clone()]
    );
    assert_eq!(describe(&mut client, "t", Some(&["cleanup.policy"])).await, theirs[..1]);
    assert_eq!(describe(&mut client, "nowhere", None).await, []);

    // Synonyms and documentation if asked; nothing for other resources.
    let topic = DescribeConfigsResource::default().with_resource_type(TOPIC).with_resource_name(text("t"));
    let topic = topic.with_configuration_keys(Some(vec![text(VALIDATION)]));
    let broker = DescribeConfigsResource::default().with_resource_type(4).with_resource_name(text("7"));
    let broker = broker.with_configuration_keys(None);
    for version in 1..=4 {
        let request = DescribeConfigsRequest::default()
            .with_resources(vec![topic.clone(), broker.clone()])
            .with_include_synonyms(true)
            .with_include_documentation(version >= 3);
        let response: DescribeConfigsResponse = client.call(ApiKey::DescribeConfigs, version, &request).await;
        let config = &response.results[0].configs[0];
        let synonyms: Vec<_> = config
            .synonyms
            .iter()
            .map(|synonym| (synonym.value.as_ref().unwrap().to_string(), synonym.source))
            .collect();
        assert_eq!(synonyms, [("true".to_owned(), 1), ("false".to_owned(), 5)]);
        if version >= 3 {
            assert_eq!((config.config_type, config.documentation.is_some()), (1, true));
        }
        assert_eq!(response.results[1].configs.len(), 2);
    }
}

#[tokio::test]
async fn settings_survive_a_restart_and_reach_other_gateways() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    let second = harness.another_gateway().await.unwrap();
    let mut through_second = Client::connect(second.local_addr()).await;
    assert!(refuses_plain(&mut through_second, "t").await, "known before the port opened");

    let mut client = harness.client().await;
    harness.broker.create("u");
    let started = tokio::time::Instant::now();
    assert_eq!(alter(&mut client, "u", &[(VALIDATION, 0, Some("true"))], false).await.0, 0);
    eventually("the other gateway follows", || async {
        let mut client = Client::connect(second.local_addr()).await;
        refuses_plain(&mut client, "u").await
    })
    .await;
    assert!(started.elapsed() < std::time::Duration::from_secs(1), "{:?}", started.elapsed());
    // Changes through either do not undo the other's.
    assert_eq!(
        alter(&mut through_second, "u", &[(STRATEGY, 0, Some("RecordNameStrategy"))], false).await.0,
        0
    );
    assert_eq!(
        alter(&mut client, "u", &[("confluent.key.schema.validation", 0, Some("true"))], false).await.0,
        0
    );
    let set: Vec<_> =
        describe(&mut client, "u", None).await.into_iter().filter(|setting| setting.2 == 1).collect();
    assert_eq!(set.len(), 3, "{set:?}");
}

#[tokio::test]
async fn settings_end_with_their_topic() {
    let harness = Harness::start().await;
    for version in [1, 5, 6] {
        let topic = format!("t{version}");
        harness.validated(&topic).await;
        let mut client = harness.client().await;
        let request = if version >= 6 {
            DeleteTopicsRequest::default()
                .with_topics(vec![DeleteTopicState::default().with_name(Some(TopicName(text(&topic))))])
        } else {
            DeleteTopicsRequest::default().with_topic_names(vec![TopicName(text(&topic))])
        };
        let response: DeleteTopicsResponse = client.call(ApiKey::DeleteTopics, version, &request).await;
        assert_eq!(response.responses[0].error_code, 0);
        assert_eq!(create(&mut client, 7, &topic, &[]).await.topics[0].error_code, 0);
        assert!(!refuses_plain(&mut client, &topic).await, "version {version}");
    }
    // And after a restart there is nothing to remember.
    let second = harness.another_gateway().await.unwrap();
    let mut client = Client::connect(second.local_addr()).await;
    assert!(!refuses_plain(&mut client, "t6").await);
}

#[tokio::test]
async fn a_topic_made_anew_behind_the_gateways_back_starts_clean() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.validated("u").await;
    let mut client = harness.client().await;
    harness.broker.delete("t");
    harness.broker.create("t");
    eventually("the new topic is free", || async {
        let mut client = harness.client().await;
        !refuses_plain(&mut client, "t").await
    })
    .await;
    assert!(refuses_plain(&mut client, "u").await);
    // Made anew through the gateway it is clean at once.
    harness.broker.delete("u");
    assert_eq!(create(&mut client, 7, "u", &[]).await.topics[0].error_code, 0);
    assert!(!refuses_plain(&mut client, "u").await);
}

#[tokio::test]
async fn settings_that_cannot_be_stored_are_enforced_or_refused() {
    let harness = Harness::start().await;
    harness.broker.create("old");
    harness.broker.trick(|tricks| tricks.refuse_settings = true);
    let mut client = harness.client().await;
    // The topic exists now, so its validation must too.
    assert_eq!(create(&mut client, 7, "new", &[(VALIDATION, "true")]).await.topics[0].error_code, 0);
    assert!(refuses_plain(&mut client, "new").await);
    // A change of an existing one can simply fail.
    let (code, message) = alter(&mut client, "old", &[(VALIDATION, 0, Some("true"))], false).await;
    assert!(code == 7 && message.contains("could not be stored"), "{code} {message}");
    assert!(!refuses_plain(&mut client, "old").await);
}

#[tokio::test]
async fn creating_a_topic_that_exists_judges_nobody() {
    let harness = Harness::start().await;
    harness.broker.create("t");
    let mut client = harness.client().await;
    assert_eq!(create(&mut client, 7, "t", &[(VALIDATION, "true")]).await.topics[0].error_code, 36);
    assert!(!refuses_plain(&mut client, "t").await);
}

#[tokio::test]
async fn settings_that_the_brokers_know_are_left_to_them() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    // To a gateway in front of another one, the other one is a broker that knows the settings.
    let behind = harness.gateway.local_addr();
    let front = Gateway::start(config(behind, &harness.registry)).await.unwrap();
    let mut client = Client::connect(front.local_addr()).await;
    assert_eq!(describe(&mut client, "t", Some(&[VALIDATION])).await, [setting(VALIDATION, "true", 1)]);
    assert!(refuses_plain(&mut client, "t").await);
    assert_eq!(alter(&mut client, "t", &[(VALIDATION, 0, Some("false"))], false).await.0, 0);
    assert!(!refuses_plain(&mut client, "t").await);
    assert!(!refuses_plain(&mut harness.client().await, "t").await);
}

#[tokio::test]
async fn the_command_line_has_its_way_to_them() {
    let harness = Harness::start().await;
    harness.broker.create("a");
    harness.broker.create("b");
    harness.registry.register(1, "a-value");
    let gateway = harness.gateway.local_addr().to_string();
    let changes = |value: Option<&str>| vec![(VALIDATION.to_owned(), value.map(str::to_owned))];
    admin::set(&gateway, "a", &changes(Some("true"))).await.unwrap();
    let settings = admin::get(&gateway, "a").await.unwrap();
    assert_eq!(settings.len(), 6);
    let validation = settings.iter().find(|setting| setting.name == VALIDATION).unwrap();
    assert_eq!((validation.value.as_str(), validation.is_default), ("true", false));
    let listed = admin::list(&gateway).await.unwrap();
    assert_eq!(
        listed.iter().map(|(topic, settings)| (topic.as_str(), settings.len())).collect::<Vec<_>>(),
        [("a", 1)]
    );
    let mut client = harness.client().await;
    assert_eq!(client.produce("a", &[good(1)]).await[0].0, 0);

    let wrong = admin::set(&gateway, "a", &changes(Some("maybe"))).await.unwrap_err().to_string();
    assert!(wrong.contains("INVALID_CONFIG") && wrong.contains("true or false"), "{wrong}");
    let wrong =
        admin::set(&gateway, "a", &[("retention.ms".to_owned(), None)]).await.unwrap_err().to_string();
    assert!(wrong.contains("unknown setting"), "{wrong}");
    let wrong = admin::get(&gateway, "nowhere").await.unwrap_err().to_string();
    assert_eq!(wrong, "topic \"nowhere\" does not exist");
    let broker = harness.broker.address.to_string();
    let wrong = admin::get(&broker, "a").await.unwrap_err().to_string();
    assert!(wrong.contains("not a Muster gateway"), "{wrong}");

    admin::set(&gateway, "a", &changes(None)).await.unwrap();
    assert_eq!(admin::list(&gateway).await.unwrap(), []);
}

#[tokio::test]
async fn framing_decides_where_ids_are_looked_for() {
    const FRAMING: &str = "muster.validation.framing";
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let mut client = harness.client().await;
    // The registry of these tests makes the guid of a schema of its id.
    let by_guid = |id: i32| [&[1][..], &[0; 12], &id.to_be_bytes(), b"\x06abc"].concat();
    // With the id in front, with a guid, with one that nobody knows.
    for (framing, expected) in [(None, [0, 87, 87]), (Some("either"), [0, 0, 87]), (Some("header"), [87; 3])]
    {
        if framing.is_some() {
            assert_eq!(alter(&mut client, "t", &[(FRAMING, 0, framing)], false).await.0, 0);
        }
        let mut codes = Vec::new();
        for batch in [good(1), batch(&[&by_guid(1)]), batch(&[&by_guid(2)])] {
            codes.push(client.produce("t", &[batch]).await[0].0);
        }
        assert_eq!(codes, expected, "{framing:?}");
    }
    let refused = alter(&mut client, "t", &[(FRAMING, 0, Some("trailer"))], false).await;
    assert_eq!((refused.0, refused.1.contains("prefix, header or either")), (40, true), "{refused:?}");
}
