//! The behaviours that registry API spec §15 lists because naive clones get them wrong, and the habits of real clients:
//! each a test named after its rule. The exchanges are beside this file, one section (`=== name`) per test, in the
//! format of `tests/exchanges/README.md`.
//!
//! What needs a store of its own is in `stores`: one that fails (55), that was served otherwise before (27), or that was
//! imported from a log (87, 88). Not here: what one node without authentication does not show (the followers of 1, 55 and
//! 87, the 401 of 82); ARCHITECTURE lists it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "../api/described.rs"]
mod described;
#[allow(dead_code, reason = "shared with another target")]
#[path = "../api/harness.rs"]
mod harness;
#[path = "../api/play.rs"]
mod play;
mod stores;

use harness::StoreKind;

/// Makes a test of each section of a file; the list must be complete.
macro_rules! sections {
    ($($file:ident: $($name:ident),+ $(,)?;)+) => {
        $(mod $file {
            pub(super) const TEXT: &str = include_str!(concat!(stringify!($file), ".http"));
            pub(super) const NAMES: &[&str] = &[$(stringify!($name)),+];
            $(#[tokio::test]
            async fn $name() {
                super::check(TEXT, stringify!($name)).await;
            })+
        })+

        #[test]
        fn every_behaviour_is_a_test() {
            let sections = [$($file::NAMES),+].concat();
            let names = sections.iter().chain(stores::NAMES);
            let mut numbers: Vec<u8> = names.filter_map(|name| name.get(1..3)?.parse().ok()).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers, (1..=89).collect::<Vec<u8>>());
        }

        #[test]
        fn every_section_is_a_test() {
            for (text, names) in [$(($file::TEXT, $file::NAMES)),+] {
                let sections: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("=== ")).collect();
                assert_eq!(sections, names);
            }
        }
    };
}

/// Plays the section of `text` called `name`, on a store in memory.
async fn check(text: &str, name: &str) {
    let section = text
        .split("=== ")
        .find_map(|section| section.strip_prefix(name)?.strip_prefix('\n'))
        .unwrap_or_else(|| panic!("no section {name}"));
    let (played, differences) = play::play_text(StoreKind::Memory, section).await;
    assert!(differences.is_empty(), "of {played} exchanges these differ:\n{differences}");
}

sections! {
    lookup_and_registration:
        b01_known_content_is_found_in_every_mode,
        b02_but_not_where_the_config_amends_schemas_or_tags_change,
        b03_registration_answers_with_the_whole_final_schema,
        b04_metadata_may_come_from_the_config,
        b05_metadata_is_inherited_unless_an_empty_object_is_sent,
        b06_an_old_text_without_metadata_finds_the_version_with_metadata,
        b07_an_empty_schema_stands_for_the_previous_text,
        b08_a_version_in_the_request_must_be_the_next,
        b09_a_version_in_the_request_makes_identical_content_new,
        b09_the_version_property_counts_where_it_is_a_number,
        b10_version_minus_one_is_the_latest_or_the_next,
        b11_a_version_without_id_never_finds_what_is_there,
        b12_soft_deleted_versions_count_for_the_next_number,
        b13_the_number_of_a_permanently_deleted_top_version_is_used_again,
        b14_content_that_comes_back_replaces_its_soft_deleted_version_unless_it_is_referenced,
        b15_each_context_counts_its_ids_from_1,
        b16_equal_content_shares_its_id_in_a_context,
        b16_equal_text_of_another_type_collides,
        b17_the_guid_is_of_content_alone_and_covers_metadata_and_references,
        b18_import_stores_content_under_several_ids_and_versions,
        b19_import_neither_normalizes_nor_validates,
        b20_import_needs_an_id_but_no_version_and_replaces_the_version_it_names,
        b21_an_id_outside_import_is_refused_unless_it_is_the_one_it_has,
        b22_an_id_of_other_content_is_42205,
        b23_new_schemas_are_read_strictly_and_stored_ones_stay_readable,
        b24_defaults_are_checked_whether_or_not_normalize_is_set,
        b25_force_skips_compatibility_but_not_validation,
        b26_names_of_schema_types_are_case_sensitive,
        b27_rule_sets_can_be_dropped_as_the_community_edition_does,
        b28_a_lookup_by_hash_tells_neither_time_nor_deletion_and_one_by_equivalence_both,
        b29_a_lookup_with_everything_inlined_finds_a_schema_with_references,
        b30_a_lookup_tries_again_with_the_latest_metadata,
        b31_unqualified_subjects_fall_through_to_other_contexts,
        b32_changing_tags_appends_a_version_and_stamps_it;
    reads:
        b33_latest_is_never_a_soft_deleted_version,
        b34_an_id_finds_soft_deleted_schemas_with_subject_and_version,
        b35_an_unknown_ids_text_is_not_found,
        b36_an_unqualified_subject_that_does_not_use_the_id_does_not_matter,
        b37_uses_that_are_all_soft_deleted_are_none_and_unknown_ids_an_error,
        b38_an_id_has_one_version_per_subject_the_last_written,
        b39_schemas_lists_the_default_context_and_subjects_lists_all,
        b40_a_prefix_without_closing_colon_matches_names_of_contexts,
        b41_a_limit_out_of_range_is_the_default,
        b42_deleted_versions_may_be_listed_as_negative_numbers,
        b43_referencedby_finds_a_soft_deleted_target,
        b44_unknown_formats_are_ignored,
        b45_ids_of_an_unknown_guid_are_none_and_the_guid_itself_an_error,
        b46_subjects_are_sorted_by_utf16_of_the_qualified_name,
        b47_contexts_are_known_by_their_schemas_only,
        b89_the_hash_index_outlives_the_uses;
    deletes:
        b48_permanent_deletion_needs_a_soft_one_and_a_second_soft_one_is_an_error,
        b49_soft_deletion_ignores_soft_deleted_referrers_and_permanent_deletion_counts_them,
        b50_a_subject_may_reference_itself_and_go,
        b51_a_permanent_deletion_that_meets_a_live_version_deletes_nothing,
        b52_config_and_mode_go_with_the_last_permanent_deletion,
        b53_readonly_forbids_deletions_and_configs_but_not_modes,
        b54_a_context_can_be_deleted_once_nothing_is_left_of_it,
        b56_deleting_a_version_answers_with_its_number;
    config_and_mode:
        b57_putting_names_the_level_compatibility_and_getting_compatibility_level,
        b58_putting_merges_and_echoes_what_is_stored,
        b59_deleting_what_is_not_set_is_40401_and_getting_it_40408_or_40409,
        b60_the_top_level_is_that_of_the_default_context,
        b61_but_some_of_its_members_reach_into_named_contexts,
        b62_a_config_without_level_has_the_servers,
        b63_an_unknown_policy_is_stored_as_null_and_an_unknown_level_refused,
        b64_the_default_context_is_the_top_level,
        b65_import_at_the_top_level_needs_all_contexts_empty_and_forgets_what_is_soft_deleted,
        b66_putting_a_mode_echoes_it_and_null_clears_it,
        b67_recursive_deletion_of_no_mode_is_no_error,
        b68_the_most_specific_mode_wins;
    compatibility:
        b69_an_unknown_subject_is_compatible_with_latest_and_40402_with_a_number,
        b70_verbose_makes_an_invalid_schema_incompatible,
        b71_transitive_checks_stop_at_the_newest_version_that_fails,
        b72_messages_end_with_the_old_schema_and_the_config,
        b73_level_none_skips_even_the_type,
        b74_versions_are_compared_within_their_group,
        b75_reserved_fields_count_with_validate_fields_and_even_at_level_none;
    contexts_and_transport:
        b76_contexts_below_a_context_are_all_and_its_config_is_its_own,
        b77_a_qualified_subject_stays_where_it_is,
        b78_aliases_are_resolved_in_the_path_once_and_never_from_a_context,
        b79_unqualified_references_are_those_of_the_referrers_context,
        b80_a_reference_to_the_latest_version_is_frozen,
        b81_new_schemas_cannot_reference_what_is_soft_deleted_and_stored_ones_go_on,
        b82_refused_targets_are_no_registry_errors,
        b83_a_body_without_type_is_json,
        b84_the_vendor_type_is_the_default,
        b85_every_answer_has_a_request_id,
        b86_batches_of_associations_answer_207_even_if_all_fail;
    habits:
        booleans_come_in_any_case,
        unknown_parameters_and_members_are_ignored,
        subjects_are_percent_encoded_or_not,
        head_is_answered_where_get_is,
        a_trailing_slash_does_not_count,
        old_java_accepts_anything,
        a_subject_with_a_newline_does_not_poison_listings,
        versions_that_are_none_are_42202,
        the_empty_subject_is_refused_at_once_but_in_a_named_context,
        an_empty_registry_lists_nothing,
        a_negative_offset_is_an_error_of_the_client,
        a_mode_without_mode_is_an_error_of_the_client,
        settings_switch_listings_names_and_headers,
        associations_can_be_switched_off,
        one_name_may_be_bound_to_one_version_only,
        json_is_read_as_leniently_as_by_the_reference,
        blank_numbers_count_as_absent,
        parameters_of_path_segments_do_not_count,
        a_path_tells_its_methods,
        the_root_takes_an_object_of_texts,
        pages_for_refused_targets_go_by_accept_and_method,
        the_servers_policy_holds_where_no_config_sets_one;
}
