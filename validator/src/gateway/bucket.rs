//! A token bucket, for look-ups that strangers cause.

use std::time::Duration;

use tokio::time::Instant;

/// Admits a number of events per second on average, and as many at once.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    per_second: u32,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second, tokens: f64::from(per_second), filled_at: Instant::now() }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let now = Instant::now();
        let since: Duration = now.saturating_duration_since(self.filled_at);
        self.filled_at = now;
        let rate = f64::from(self.per_second);
        self.tokens = (self.tokens + since.as_secs_f64() * rate).min(rate);
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_again() {
        let mut bucket = Bucket::new(2);
        assert_eq!([bucket.take(), bucket.take(), bucket.take()], [true, true, false]);
        tokio::time::advance(Duration::from_millis(499)).await;
        assert!(!bucket.take());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert_eq!([bucket.take(), bucket.take()], [true, false]);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!([bucket.take(), bucket.take(), bucket.take()], [true, true, false]);
    }
}
