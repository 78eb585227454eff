//! The APIs of a Kafka broker and what a gateway does with each (broker validation spec §14).
//!
//! Every API that is let through is listed with the newest version whose layout is known to hold no broker address
//! that is not rewritten (checked against the definitions of Apache Kafka 4.3.0). Anything else stays hidden.

/// What a gateway does with an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Hides it from clients and closes the connection of one that uses it.
    Hide,
    /// Passes request and response on as they are.
    Pass,
    /// Passes the request, changes addresses in the response or learns from it.
    Rewrite,
    /// Reads request and response, and may answer by itself.
    Intercept,
}

/// One API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Api {
    /// The name in Kafka's definitions.
    pub name: &'static str,
    /// Oldest version let through.
    pub min: i16,
    /// Newest version let through.
    pub max: i16,
    /// Oldest flexible version: header with tagged fields, compact forms.
    pub flexible: i16,
    /// What is done with it.
    pub action: Action,
}

impl Api {
    /// Whether messages of this version have tagged fields and the compact forms.
    pub fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible
    }

    /// Whether a request of this version may pass.
    pub fn admits(&self, version: i16) -> bool {
        self.action != Action::Hide && (self.min..=self.max).contains(&version)
    }
}

/// Key of Produce.
pub const PRODUCE: i16 = 0;
/// Key of Fetch.
pub const FETCH: i16 = 1;
/// Key of ListOffsets.
pub const LIST_OFFSETS: i16 = 2;
/// Key of Metadata.
pub const METADATA: i16 = 3;
/// Key of FindCoordinator.
pub const FIND_COORDINATOR: i16 = 10;
/// Key of SaslHandshake.
pub const SASL_HANDSHAKE: i16 = 17;
/// Key of ApiVersions.
pub const API_VERSIONS: i16 = 18;
/// Key of CreateTopics.
pub const CREATE_TOPICS: i16 = 19;
/// Key of DeleteTopics.
pub const DELETE_TOPICS: i16 = 20;
/// Key of EndTxn.
pub const END_TXN: i16 = 26;
/// Key of TxnOffsetCommit.
pub const TXN_OFFSET_COMMIT: i16 = 28;
/// Key of DescribeConfigs.
pub const DESCRIBE_CONFIGS: i16 = 32;
/// Key of AlterConfigs.
pub const ALTER_CONFIGS: i16 = 33;
/// Key of SaslAuthenticate.
pub const SASL_AUTHENTICATE: i16 = 36;
/// Key of IncrementalAlterConfigs.
pub const INCREMENTAL_ALTER_CONFIGS: i16 = 44;
/// Key of DescribeCluster.
pub const DESCRIBE_CLUSTER: i16 = 60;
/// Key of DescribeTopicPartitions.
pub const DESCRIBE_TOPIC_PARTITIONS: i16 = 75;
/// Key of ShareFetch.
pub const SHARE_FETCH: i16 = 78;
/// Key of ShareAcknowledge.
pub const SHARE_ACKNOWLEDGE: i16 = 79;

/// The API with this key, hidden or not; `None` for a key that Kafka 4.3 does not know.
pub fn find(key: i16) -> Option<&'static Api> {
    TABLE.get(usize::try_from(key).ok()?)
}

/// Every known API with its key.
pub fn all() -> impl Iterator<Item = (i16, &'static Api)> {
    (0..).zip(TABLE)
}

/// For APIs that have no flexible version.
const NEVER: i16 = i16::MAX;

const fn hide(name: &'static str) -> Api {
    Api { name, min: 0, max: -1, flexible: NEVER, action: Action::Hide }
}

const fn pass(name: &'static str, min: i16, max: i16, flexible: i16) -> Api {
    Api { name, min, max, flexible, action: Action::Pass }
}

const fn rewrite(name: &'static str, min: i16, max: i16, flexible: i16) -> Api {
    Api { name, min, max, flexible, action: Action::Rewrite }
}

const fn intercept(name: &'static str, min: i16, max: i16, flexible: i16) -> Api {
    Api { name, min, max, flexible, action: Action::Intercept }
}

/// By key, without a gap.
static TABLE: &[Api] = &[
    intercept("Produce", 3, 13, 9),
    // From version 16 on the response names brokers behind the records (broker validation spec §18.3).
    pass("Fetch", 4, 15, 12),
    pass("ListOffsets", 1, 11, 6),
    rewrite("Metadata", 0, 13, 9),
    hide("LeaderAndIsr"),
    hide("StopReplica"),
    hide("UpdateMetadata"),
    hide("ControlledShutdown"),
    pass("OffsetCommit", 2, 10, 8),
    pass("OffsetFetch", 1, 10, 6),
    rewrite("FindCoordinator", 0, 6, 3),
    pass("JoinGroup", 0, 9, 6),
    pass("Heartbeat", 0, 4, 4),
    pass("LeaveGroup", 0, 5, 4),
    pass("SyncGroup", 0, 5, 4),
    pass("DescribeGroups", 0, 6, 5),
    pass("ListGroups", 0, 5, 3),
    intercept("SaslHandshake", 0, 1, NEVER),
    intercept("ApiVersions", 0, 4, 3),
    intercept("CreateTopics", 2, 7, 5),
    rewrite("DeleteTopics", 1, 6, 4),
    pass("DeleteRecords", 0, 2, 2),
    pass("InitProducerId", 0, 5, 2),
    pass("OffsetForLeaderEpoch", 2, 4, 4),
    pass("AddPartitionsToTxn", 0, 5, 3),
    pass("AddOffsetsToTxn", 0, 4, 3),
    pass("EndTxn", 0, 5, 3),
    hide("WriteTxnMarkers"),
    pass("TxnOffsetCommit", 0, 5, 3),
    pass("DescribeAcls", 1, 3, 2),
    pass("CreateAcls", 1, 3, 2),
    pass("DeleteAcls", 1, 3, 2),
    intercept("DescribeConfigs", 1, 4, 4),
    intercept("AlterConfigs", 0, 2, 2),
    pass("AlterReplicaLogDirs", 1, 2, 2),
    pass("DescribeLogDirs", 1, 5, 2),
    pass("SaslAuthenticate", 0, 2, 2),
    pass("CreatePartitions", 0, 3, 2),
    pass("CreateDelegationToken", 1, 3, 2),
    pass("RenewDelegationToken", 1, 2, 2),
    pass("ExpireDelegationToken", 1, 2, 2),
    pass("DescribeDelegationToken", 1, 3, 2),
    pass("DeleteGroups", 0, 2, 2),
    pass("ElectLeaders", 0, 2, 2),
    intercept("IncrementalAlterConfigs", 0, 1, 1),
    pass("AlterPartitionReassignments", 0, 1, 0),
    pass("ListPartitionReassignments", 0, 0, 0),
    pass("OffsetDelete", 0, 0, NEVER),
    pass("DescribeClientQuotas", 0, 1, 1),
    pass("AlterClientQuotas", 0, 1, 1),
    pass("DescribeUserScramCredentials", 0, 0, 0),
    pass("AlterUserScramCredentials", 0, 0, 0),
    hide("Vote"),
    hide("BeginQuorumEpoch"),
    hide("EndQuorumEpoch"),
    // Version 2 names controller endpoints, which no client of a broker listener connects to.
    pass("DescribeQuorum", 0, 2, 0),
    hide("AlterPartition"),
    pass("UpdateFeatures", 0, 2, 0),
    hide("Envelope"),
    hide("FetchSnapshot"),
    rewrite("DescribeCluster", 0, 2, 0),
    pass("DescribeProducers", 0, 0, 0),
    hide("BrokerRegistration"),
    hide("BrokerHeartbeat"),
    pass("UnregisterBroker", 0, 0, 0),
    pass("DescribeTransactions", 0, 0, 0),
    pass("ListTransactions", 0, 2, 0),
    hide("AllocateProducerIds"),
    pass("ConsumerGroupHeartbeat", 0, 1, 0),
    pass("ConsumerGroupDescribe", 0, 1, 0),
    hide("ControllerRegistration"),
    pass("GetTelemetrySubscriptions", 0, 0, 0),
    pass("PushTelemetry", 0, 0, 0),
    hide("AssignReplicasToDirs"),
    pass("ListConfigResources", 0, 1, 0),
    pass("DescribeTopicPartitions", 0, 0, 0),
    pass("ShareGroupHeartbeat", 1, 1, 0),
    pass("ShareGroupDescribe", 1, 1, 0),
    rewrite("ShareFetch", 1, 2, 0),
    rewrite("ShareAcknowledge", 1, 2, 0),
    pass("AddRaftVoter", 0, 1, 0),
    pass("RemoveRaftVoter", 0, 0, 0),
    hide("UpdateRaftVoter"),
    hide("InitializeShareGroupState"),
    hide("ReadShareGroupState"),
    hide("WriteShareGroupState"),
    hide("DeleteShareGroupState"),
    hide("ReadShareGroupStateSummary"),
    // Their endpoints are those of the clients' own applications and stay as they are.
    pass("StreamsGroupHeartbeat", 0, 0, 0),
    pass("StreamsGroupDescribe", 0, 0, 0),
    pass("DescribeShareGroupOffsets", 0, 1, 0),
    pass("AlterShareGroupOffsets", 0, 0, 0),
    pass("DeleteShareGroupOffsets", 0, 0, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_the_right_rows() {
        let named = [
            (PRODUCE, "Produce"),
            (FETCH, "Fetch"),
            (LIST_OFFSETS, "ListOffsets"),
            (METADATA, "Metadata"),
            (FIND_COORDINATOR, "FindCoordinator"),
            (SASL_HANDSHAKE, "SaslHandshake"),
            (API_VERSIONS, "ApiVersions"),
            (CREATE_TOPICS, "CreateTopics"),
            (DELETE_TOPICS, "DeleteTopics"),
            (END_TXN, "EndTxn"),
            (TXN_OFFSET_COMMIT, "TxnOffsetCommit"),
            (DESCRIBE_CONFIGS, "DescribeConfigs"),
            (ALTER_CONFIGS, "AlterConfigs"),
            (SASL_AUTHENTICATE, "SaslAuthenticate"),
            (INCREMENTAL_ALTER_CONFIGS, "IncrementalAlterConfigs"),
            (DESCRIBE_CLUSTER, "DescribeCluster"),
            (DESCRIBE_TOPIC_PARTITIONS, "DescribeTopicPartitions"),
            (SHARE_FETCH, "ShareFetch"),
            (SHARE_ACKNOWLEDGE, "ShareAcknowledge"),
            (88, "StreamsGroupHeartbeat"),
            (92, "DeleteShareGroupOffsets"),
        ];
        for (key, name) in named {
            assert_eq!(find(key).map(|api| api.name), Some(name));
        }
        assert_eq!(all().count(), 93);
    }

    #[test]
    fn unknown_and_hidden_apis_are_not_admitted() {
        for key in [-1, 93, i16::MAX, i16::MIN] {
            assert!(find(key).is_none(), "{key}");
        }
        for key in [4, 5, 6, 7, 27, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82, 83, 84, 85, 86, 87] {
            let api = find(key).unwrap();
            assert!((-1..20).all(|version| !api.admits(version)), "{}", api.name);
        }
        let fetch = find(FETCH).unwrap();
        assert!(fetch.admits(15) && !fetch.admits(16) && !fetch.admits(3) && !fetch.admits(-1));
    }
}
