//! Plays the scenarios of `tests/exchanges`; the format is described there.

use std::fmt::Write as _;
use std::path::Path;

use crate::harness::StoreKind;
use crate::play::play_text;

#[tokio::test]
async fn scenarios_on_memory() {
    play_all(StoreKind::Memory).await;
}

#[tokio::test]
async fn scenarios_on_a_file() {
    play_all(StoreKind::File).await;
}

async fn play_all(kind: StoreKind) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scenarios");
    let (mut played, mut failures) = (0, String::new());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let (count, differences) = play_text(kind, &std::fs::read_to_string(&file).unwrap()).await;
        played += count;
        if !differences.is_empty() {
            writeln!(failures, "{name}:\n{differences}").unwrap();
        }
    }
    assert!(failures.is_empty(), "{kind:?}: of {played} exchanges these differ:\n{failures}");
    println!("{played} exchanges on {kind:?}");
}
