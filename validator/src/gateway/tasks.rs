//! Tasks that have an owner.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

/// Takes a lock. The data behind the locks of a gateway is whole between any two statements, so the panic of another
/// holder leaves nothing half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A set of running tasks. A task that panics harms no other.
#[derive(Debug, Default)]
pub(super) struct Tasks(Mutex<JoinSet<()>>);

impl Tasks {
    /// Starts a task.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = lock(&self.0);
        reap(&mut set);
        set.spawn(task);
    }

    /// How many tasks are running.
    pub(super) fn len(&self) -> usize {
        let mut set = lock(&self.0);
        reap(&mut set);
        set.len()
    }

    /// Waits until all tasks have ended, those included that are started meanwhile; after `patience` ends them.
    /// Answers how many had to be ended.
    pub(super) async fn join(&self, patience: Duration) -> usize {
        let all = async {
            while let Some(ended) = poll_fn(|context| lock(&self.0).poll_join_next(context)).await {
                report(ended);
            }
        };
        match tokio::time::timeout(patience, all).await {
            Ok(()) => 0,
            Err(_) => self.abort(),
        }
    }

    /// Ends all tasks. Answers how many there were.
    pub(super) fn abort(&self) -> usize {
        let mut set = lock(&self.0);
        reap(&mut set);
        set.abort_all();
        set.len()
    }
}

fn reap(set: &mut JoinSet<()>) {
    while let Some(ended) = set.try_join_next() {
        report(ended);
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        metrics::counter!("muster_gateway_panics_total").increment(1);
        tracing::error!("a task of the gateway panicked; its connection is closed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_stays_in_its_task() {
        let tasks = Tasks::default();
        tasks.spawn(async { panic!("contained") });
        let (sender, receiver) = tokio::sync::oneshot::channel();
        tasks.spawn(async move { sender.send(7).unwrap() });
        assert_eq!(receiver.await, Ok(7));
        assert_eq!(tasks.join(Duration::from_secs(5)).await, 0);
        assert_eq!(tasks.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_do_not_end_are_ended() {
        let tasks = Tasks::default();
        tasks.spawn(std::future::pending());
        tasks.spawn(async {});
        assert_eq!(tasks.join(Duration::from_secs(1)).await, 1);
    }
}
