//! Modes (registry API spec §4.7, §6.4–6.5).

use muster_schema::Subject;

use super::Service;
use super::config::check_name;
use super::error::{During as _, Operation, ServiceError, is_stale};
use super::scope::{self, mode_in_scope};
use crate::store::{Mode, ModeChange};

/// What a request wants the mode to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewMode {
    /// An explicit null: none of its own.
    Clear,
    /// This one, by name.
    Set(String),
}

impl Service {
    /// The mode at `key`: exactly there, or with `in_scope` the one in force there.
    pub async fn mode(&self, key: &Subject, in_scope: bool) -> Result<Mode, ServiceError> {
        let (settings, _) = self.store.settings(key).await.during(Operation::Read)?;
        if in_scope {
            return Ok(mode_in_scope(&settings));
        }
        scope::exact_mode(&settings, key).ok_or_else(|| ServiceError::NoMode(key.clone()))
    }

    /// Sets the mode at `key`. IMPORT without `force` needs the target empty of live versions and forgets the
    /// soft-deleted ones.
    pub async fn put_mode(&self, key: &Subject, mode: &NewMode, force: bool) -> Result<(), ServiceError> {
        check_name(key)?;
        let mode = match mode {
            NewMode::Clear => None,
            NewMode::Set(name) => {
                // The reference compares the text, so that another letter case slips through.
                if name == Mode::Forward.as_str() && !key.context().is_global() {
                    return Err(ServiceError::ForwardNotGlobal);
                }
                Some(name.parse::<Mode>().map_err(|_| ServiceError::InvalidMode)?)
            }
        };
        if !self.options.mode_mutability {
            return Err(ServiceError::ModeImmutable);
        }
        let _turn = self.turns.take(key).await;
        loop {
            let (settings, basis) = self.store.settings(key).await.during(Operation::PutMode)?;
            let enters_import = mode == Some(Mode::Import) && mode_in_scope(&settings) != Mode::Import;
            let change =
                ModeChange { target: key.clone(), mode, clear_for_import: enters_import && !force, basis };
            match self.write(Operation::PutMode, self.store.put_mode(change)).await {
                Ok(()) => return Ok(()),
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error).during(Operation::PutMode),
            }
        }
    }

    /// Removes the mode at `key` and returns what was there. With `recursive`, a context or the top level loses the
    /// modes of its subjects too, and nothing set is no error.
    pub async fn delete_mode(&self, key: &Subject, recursive: bool) -> Result<Option<Mode>, ServiceError> {
        if !self.options.mode_mutability {
            return Err(ServiceError::ModeImmutable);
        }
        let _turn = self.turns.take(key).await;
        loop {
            let (settings, basis) = self.store.settings(key).await.during(Operation::DeleteMode)?;
            let before = scope::exact_mode(&settings, key);
            if before.is_none() && !recursive {
                return Err(ServiceError::SubjectNotFound(key.clone()));
            }
            let done = if recursive && key.name().is_empty() {
                self.write(Operation::DeleteMode, self.store.clear_modes(key.context(), basis)).await
            } else {
                let change = ModeChange { target: key.clone(), mode: None, clear_for_import: false, basis };
                self.write(Operation::DeleteMode, self.store.put_mode(change)).await
            };
            match done {
                Ok(()) => return Ok(before),
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error).during(Operation::DeleteMode),
            }
        }
    }
}
