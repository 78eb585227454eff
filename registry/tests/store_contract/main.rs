//! What every store must do.
//!
//! Each rule is a function over `Arc<dyn Store>`, named after what it shows, and every kind of store runs all of
//! them. What only files can do (survive, be somebody else's) is in `files`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod archive;
mod associations;
mod concurrency;
mod deletions;
mod files;
mod imports;
mod law;
mod listings;
mod registrations;
mod settings;
mod stale;
mod support;

/// Runs each rule on each kind of store.
macro_rules! contract {
    ($($module:ident: $($rule:ident),+;)+) => {
        mod sqlite_file {
            $(mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let folder = tempfile::tempdir().unwrap();
                    let store = crate::support::file_store(&folder.path().join("muster.db")).await;
                    crate::$module::$rule(store.clone()).await;
                    store.close().await;
                    crate::files::check_integrity(&folder.path().join("muster.db")).await;
                }
            )+})+
        }
        mod sqlite_memory {
            $(mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let store = crate::support::memory_store().await;
                    crate::$module::$rule(store.clone()).await;
                    store.close().await;
                }
            )+})+
        }
    };
}

contract! {
    registrations:
        an_empty_store_knows_nothing,
        a_registration_is_read_back_as_it_was,
        absent_and_empty_metadata_differ,
        ids_count_up_in_each_context,
        equal_content_has_one_id_in_a_context_and_one_guid_everywhere,
        the_first_of_a_java_hash_map_speaks_for_an_id,
        registering_live_content_again_writes_nothing,
        an_asked_version_must_be_the_next,
        an_asked_version_repeats_content_under_its_id,
        text_of_another_type_does_not_get_the_id,
        the_clock_dates_every_write,
        any_name_is_a_name,
        a_named_contexts_empty_subject_holds_schemas;
    imports:
        an_import_brings_its_id_and_version,
        an_imported_id_0_counts_as_1,
        ids_go_on_above_the_highest_imported,
        content_may_be_imported_under_several_ids,
        an_id_of_other_content_is_taken,
        an_imported_version_replaces_what_stands_there,
        an_id_leads_to_the_version_last_written_for_it,
        numbers_that_run_out_are_a_failure_and_no_harm;
    deletions:
        soft_deleted_versions_are_still_read,
        soft_deleted_versions_count_for_the_next_number,
        soft_deleted_content_comes_back_in_place_of_its_old_version,
        a_referenced_version_is_not_superseded,
        a_permanently_deleted_number_is_given_again_but_its_id_is_not,
        the_last_permanent_deletion_takes_the_settings_along,
        a_live_reference_forbids_soft_deletion,
        any_reference_forbids_permanent_deletion,
        references_among_the_deleted_do_not_count,
        a_references_end_frees_its_target,
        unknown_versions_are_deleted_without_effect,
        a_context_is_deleted_once_it_is_empty;
    settings:
        settings_are_read_from_their_four_levels,
        every_member_of_a_config_is_kept,
        clearing_what_is_not_set_writes_nothing,
        modes_are_cleared_in_one_context_only,
        import_mode_needs_an_empty_target,
        import_mode_forgets_what_is_soft_deleted,
        import_mode_spares_what_is_referenced,
        a_refused_mode_is_not_set;
    associations:
        associations_are_found_by_subject_id_and_name,
        an_association_registers_what_it_needs_or_nothing_happens,
        a_strong_association_is_a_subjects_only_one,
        another_change_of_the_resource_or_subject_makes_a_decision_stale,
        a_resource_whose_name_comes_again_takes_the_place_of_the_former,
        removal_takes_subjects_along_if_asked_to;
    stale:
        a_write_to_anything_it_is_based_on_makes_a_decision_stale,
        other_writes_leave_a_decision_standing,
        every_kind_of_write_checks_its_basis,
        a_decision_about_nothing_stands_until_there_is_something,
        revisions_grow_with_writes_only;
    listings:
        selections_hold_what_they_name,
        listings_are_sorted_by_utf16_code_unit,
        versions_are_listed_in_order,
        filters_apply_one_after_the_other,
        pages_make_up_the_whole,
        aliases_are_listed_with_their_target,
        contexts_are_listed_once_something_was_registered,
        referrers_are_listed_by_context_and_id;
    concurrency:
        sixteen_writers_to_one_subject_make_one_history,
        sixteen_writers_to_many_subjects_share_no_id,
        sixteen_writers_of_one_content_share_its_id,
        a_refused_event_leaves_the_others_of_its_batch_alone,
        what_was_acknowledged_is_read_at_once,
        a_closed_store_refuses_everything,
        a_ready_store_says_so;
}
