//! Times of contestants that take turns, so that whatever else the machine does hits them alike.
#![allow(dead_code, reason = "each bench uses a part")]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Median time of one call of each contestant, over so many short batches. A contestant that returns false has failed.
pub fn medians<const N: usize>(
    mut contestants: [&mut dyn FnMut() -> bool; N],
    batches: usize,
) -> [Duration; N] {
    const BATCH: Duration = Duration::from_millis(2);
    let calls: [u32; N] = std::array::from_fn(|at| {
        let mut calls = 1;
        loop {
            let took = time(&mut *contestants[at], calls);
            if took >= BATCH / 4 {
                let wanted = BATCH.as_secs_f64() / took.as_secs_f64() * f64::from(calls);
                return (wanted as u32).max(1);
            }
            calls *= 2;
        }
    });
    let mut samples: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..batches {
        for at in 0..N {
            samples[at].push(time(&mut *contestants[at], calls[at]) / calls[at]);
        }
    }
    samples.map(|mut samples| percentile(&mut samples, 50))
}

fn time(contestant: &mut dyn FnMut() -> bool, calls: u32) -> Duration {
    let started = Instant::now();
    for _ in 0..calls {
        assert!(black_box(contestant()), "a contestant has failed");
    }
    started.elapsed()
}

/// The sample that so many of a hundred do not exceed.
pub fn percentile(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort();
    samples[(samples.len() * percent / 100).min(samples.len() - 1)]
}

/// Prints what two ways of doing about the same take, and how many times the first goes into the second.
pub fn row(what: &str, ours: &mut dyn FnMut() -> bool, named: &str, theirs: &mut dyn FnMut() -> bool) {
    let [ours, theirs] = medians([ours, theirs], 51);
    let times = theirs.as_secs_f64() / ours.as_secs_f64();
    println!("{what:<36} {ours:>9.1?}   {named:<36} {theirs:>9.1?}   {times:>5.2} times");
}
