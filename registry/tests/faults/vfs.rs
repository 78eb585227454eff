//! A SQLite VFS that passes everything on to the system's own, writes down what is written, synced, made and removed,
//! and can fail.
#![allow(unsafe_code, reason = "a VFS is a table of C functions")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use libsqlite3_sys::{
    SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_READONLY, sqlite3_file,
    sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

/// The name it is registered under.
pub const NAME: &str = "muster-faults";

/// How the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not.
    None,
    /// Nothing can be written for want of space.
    Full,
    /// Nothing can be written.
    ReadOnly,
    /// Whatever is written cannot be synced.
    NoSync,
}

impl Fault {
    /// What the error must say.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Full => "full",
            Self::ReadOnly => "readonly",
            Self::NoSync => "disk I/O error",
        }
    }
}

/// Which file of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The database.
    Main,
    /// Its write-ahead log.
    Wal,
    /// Its rollback journal, which it has before it has a write-ahead log.
    Journal,
}

impl Which {
    fn of(name: &str) -> Option<Self> {
        match name {
            name if name.ends_with(".db") => Some(Self::Main),
            name if name.ends_with(".db-wal") => Some(Self::Wal),
            name if name.ends_with(".db-journal") => Some(Self::Journal),
            _ => None,
        }
    }
}

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes were written at an offset.
    Write(Which, usize, Vec<u8>),
    /// A file was cut.
    Truncate(Which, usize),
    /// Everything written to a file is on disk.
    Sync(Which),
    /// A file was made.
    Create(Which),
    /// A file was removed.
    Remove(Which),
    /// The names of all files are on disk as they are now.
    SyncFolder,
    /// A writer was told that its change with this number is done.
    Acknowledged(usize, usize),
}

struct Open {
    which: Option<Which>,
    real: &'static sqlite3_io_methods,
    /// The next sync also syncs the folder: SQLite's own VFS does so with the first sync of a journal or a write-ahead
    /// log that it was told to create.
    syncs_folder: bool,
}

struct State {
    fault: Fault,
    recording: bool,
    log: Vec<Event>,
    open: Option<HashMap<usize, Open>>,
    /// Our method tables by the address of the real one.
    tables: Option<HashMap<usize, &'static sqlite3_io_methods>>,
    real: Option<usize>,
}

static STATE: Mutex<State> = Mutex::new(State {
    fault: Fault::None,
    recording: false,
    log: Vec::new(),
    open: None,
    tables: None,
    real: None,
});

/// One VFS serves the process, so one test at a time has it.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The VFS, for one test.
pub struct Vfs {
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Vfs {
    /// Waits for its turn, and registers the VFS if that was not done.
    pub async fn alone() -> Self {
        let turn = TURN.lock().await;
        register();
        let vfs = Self { _turn: turn };
        vfs.set(Fault::None);
        vfs
    }

    /// Lets the disk fail from now on.
    pub fn set(&self, fault: Fault) {
        state().fault = fault;
    }

    /// Writes everything down from now on.
    pub fn record(&self) {
        let mut state = state();
        state.recording = true;
        state.log.clear();
    }

    /// Writes down that change `number` of `writer` was acknowledged.
    pub fn acknowledged(&self, writer: usize, number: usize) {
        note(&mut state(), Event::Acknowledged(writer, number));
    }

    /// Stops writing down; returns what was.
    pub fn recorded(&self) -> Vec<Event> {
        let mut state = state();
        state.recording = false;
        std::mem::take(&mut state.log)
    }
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(state: &mut State, event: Event) {
    if state.recording {
        state.log.push(event);
    }
}

fn register() {
    let mut state = state();
    if state.real.is_some() {
        return;
    }
    // SAFETY: SQLite's default VFS lives as long as the process; the copy is leaked, and so does, too. Its functions
    // that are not replaced take the same context (`pAppData`) as the original.
    unsafe {
        let real = sqlite3_vfs_find(std::ptr::null());
        assert!(!real.is_null(), "SQLite has a default VFS");
        let mut ours = *real;
        ours.zName = c"muster-faults".as_ptr();
        ours.pNext = std::ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        state.real = Some(real as usize);
        let ours: *mut sqlite3_vfs = Box::leak(Box::new(ours));
        assert_eq!(sqlite3_vfs_register(ours, 0), SQLITE_OK);
    }
}

/// Opens a file with the real VFS, then puts our methods in front of the real ones.
unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let real = state().real.map(|address| address as *mut sqlite3_vfs);
    // SAFETY: `real` is the VFS found at registration; SQLite calls us with arguments that are valid for any VFS, and
    // `file` has the size that the real one asks for, since the copy has the same `szOsFile`.
    unsafe {
        let Some(real_open) = real.and_then(|real| (*real).xOpen) else {
            return libsqlite3_sys::SQLITE_CANTOPEN;
        };
        let text = if name.is_null() { "" } else { CStr::from_ptr(name).to_str().unwrap_or("") };
        let is_new = !std::path::Path::new(text).exists();
        let code = real_open(vfs, name, file, flags, out_flags);
        let methods = (*file).pMethods;
        if code != SQLITE_OK || methods.is_null() {
            return code;
        }
        let which = Which::of(text);
        let mut state = state();
        if is_new && let Some(which) = which {
            note(&mut state, Event::Create(which));
        }
        let table: &'static sqlite3_io_methods =
            state.tables.get_or_insert_default().entry(methods as usize).or_insert_with(|| {
                let mut table = *methods;
                table.xClose = Some(close);
                table.xWrite = Some(write);
                table.xTruncate = Some(truncate);
                table.xSync = Some(sync);
                Box::leak(Box::new(table))
            });
        let creates = flags & SQLITE_OPEN_CREATE != 0;
        let syncs_folder = creates && matches!(which, Some(Which::Wal | Which::Journal));
        // The tables of the real VFS are statics.
        let open = Open { which, real: &*methods, syncs_folder };
        state.open.get_or_insert_default().insert(file as usize, open);
        (*file).pMethods = table;
        code
    }
}

/// Removes a file with the real VFS.
unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let real = state().real.map(|address| address as *mut sqlite3_vfs);
    // SAFETY: as in `open`; `name` is a path that ends with a zero.
    let (code, which) = unsafe {
        let Some(real_delete) = real.and_then(|real| (*real).xDelete) else {
            return libsqlite3_sys::SQLITE_IOERR_DELETE;
        };
        (real_delete(vfs, name, sync_folder), Which::of(CStr::from_ptr(name).to_str().unwrap_or("")))
    };
    if let (SQLITE_OK, Some(which)) = (code, which) {
        let mut state = state();
        note(&mut state, Event::Remove(which));
        if sync_folder != 0 {
            note(&mut state, Event::SyncFolder);
        }
    }
    code
}

/// The real methods of a file, what it is, and how the disk fails.
fn look(file: *mut sqlite3_file) -> Option<(&'static sqlite3_io_methods, Option<Which>, Fault)> {
    let state = state();
    let open = state.open.as_ref()?.get(&(file as usize))?;
    Some((open.real, open.which, state.fault))
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let Some((real, ..)) = look(file) else { return libsqlite3_sys::SQLITE_MISUSE };
    if let Some(open) = &mut state().open {
        open.remove(&(file as usize));
    }
    // SAFETY: `file` was opened by the real VFS, whose methods these are.
    real.xClose.map_or(SQLITE_OK, |close| unsafe { close(file) })
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    at: sqlite3_int64,
) -> c_int {
    let Some((real, which, fault)) = look(file) else { return libsqlite3_sys::SQLITE_MISUSE };
    match fault {
        Fault::Full => return SQLITE_FULL,
        Fault::ReadOnly => return SQLITE_READONLY,
        Fault::None | Fault::NoSync => {}
    }
    // SAFETY: `file` was opened by the real VFS, whose methods these are; `bytes` are `count` bytes by the contract of
    // `xWrite`.
    unsafe {
        let code = real.xWrite.map_or(SQLITE_OK, |write| write(file, bytes, count, at));
        if let (SQLITE_OK, Some(which)) = (code, which) {
            let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(count).unwrap());
            note(&mut state(), Event::Write(which, usize::try_from(at).unwrap(), bytes.to_vec()));
        }
        code
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    let Some((real, which, fault)) = look(file) else { return libsqlite3_sys::SQLITE_MISUSE };
    if matches!(fault, Fault::Full | Fault::ReadOnly) {
        return SQLITE_READONLY;
    }
    // SAFETY: as in `write`.
    let code = real.xTruncate.map_or(SQLITE_OK, |truncate| unsafe { truncate(file, size) });
    if let (SQLITE_OK, Some(which)) = (code, which) {
        note(&mut state(), Event::Truncate(which, usize::try_from(size).unwrap()));
    }
    code
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let Some((real, which, fault)) = look(file) else { return libsqlite3_sys::SQLITE_MISUSE };
    if fault == Fault::NoSync {
        return SQLITE_IOERR_FSYNC;
    }
    // What is written while the sync is under way may be on disk or not: only what came before is sure. The writer is
    // one, so nothing is written meanwhile.
    // SAFETY: as in `write`.
    let code = real.xSync.map_or(SQLITE_OK, |sync| unsafe { sync(file, flags) });
    if let (SQLITE_OK, Some(which)) = (code, which) {
        let mut state = state();
        note(&mut state, Event::Sync(which));
        let open = state.open.as_mut().and_then(|open| open.get_mut(&(file as usize)));
        if open.is_some_and(|open| std::mem::take(&mut open.syncs_folder)) {
            note(&mut state, Event::SyncFolder);
        }
    }
    code
}
