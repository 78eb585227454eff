//! Runs a fuzz target for long, on stable, without instrumentation.
//!
//! ```text
//! cargo run --release -p muster-schema --example fuzz -- parser --executions 10000000
//! cargo run --release -p muster-schema --example fuzz -- walker --seconds 1800 --seed 7 --save /tmp/found
//! ```
//!
//! Each run is a function of its seed. The target has a stack of 128 KiB, and an execution that has more than 64 MiB
//! of heap at once fails. A failure prints its input. `--save` writes the inputs that made the target say something
//! new, the shortest first; `tests/fuzz/README.md` tells what to do with them.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a broken law is to stop the run")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::fuzz::{Fuzzer, Target};

/// Most heap of one execution, in bytes.
const MAX_HEAP: usize = 64 << 20;
const STACK: usize = 128 << 10;

struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    NOW.set(NOW.get().saturating_add(bytes));
    PEAK.set(PEAK.get().max(NOW.get()));
}

fn shrink(bytes: usize) {
    NOW.set(NOW.get().saturating_sub(bytes));
}

// SAFETY: every method hands its arguments to the system allocator unchanged, whose contract is the same; counting
// touches thread-locals without destructor and never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        shrink(layout.size());
        grow(size);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Args {
    target: Target,
    executions: u64,
    seconds: u64,
    seed: u64,
    save: Option<PathBuf>,
}

fn main() {
    let args = arguments();
    let work = move || run(&args);
    std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
}

fn arguments() -> Args {
    let names: Vec<&str> = Target::ALL.iter().map(|target| target.name()).collect();
    let usage = format!("fuzz {} [--executions N] [--seconds T] [--seed S] [--save FOLDER]", names.join("|"));
    let usage = usage.as_str();
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let target = Target::ALL.iter().find(|target| target.name() == name).copied().expect(usage);
    let mut args = Args { target, executions: u64::MAX, seconds: u64::MAX, seed: 1, save: None };
    while let Some(flag) = words.next() {
        let value = words.next().expect(usage);
        match flag.as_str() {
            "--executions" => args.executions = value.parse().expect(usage),
            "--seconds" => args.seconds = value.parse().expect(usage),
            "--seed" => args.seed = value.parse().expect(usage),
            "--save" => args.save = Some(value.into()),
            _ => panic!("{usage}"),
        }
    }
    if args.executions == u64::MAX && args.seconds == u64::MAX {
        args.seconds = 60;
    }
    args
}

/// Prints its input if an execution panics.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input is: {:?}", String::from_utf8_lossy(self.0));
            let hex: Vec<String> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
            eprintln!("in hexadecimal: {}", hex.join(""));
        }
    }
}

fn run(args: &Args) {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus");
    let mut fuzzer = Fuzzer::new(args.target, &corpus, args.seed);
    let given = fuzzer.corpus.clone();
    let start_inputs = given.len();
    let started = Instant::now();
    let (mut slowest, mut most_heap, mut executions) = (Duration::ZERO, 0, 0_u64);
    let mut slowest_input = Vec::new();
    let mut report_at = Duration::from_secs(10);
    let mut given = given.into_iter();
    let name = args.target.name();
    println!("{name}: seed {}, {start_inputs} inputs to start from", args.seed);
    loop {
        let elapsed = started.elapsed();
        let is_over = executions >= args.executions || elapsed.as_secs() >= args.seconds;
        if is_over || elapsed >= report_at {
            let per_second = executions as f64 / elapsed.as_secs_f64();
            println!(
                "{name}: {executions} executions in {:.0} s ({per_second:.0}/s), {} answers, corpus {}, slowest {:.1} \
                 ms, most heap {} KiB",
                elapsed.as_secs_f64(),
                fuzzer.answers(),
                fuzzer.corpus.len(),
                slowest.as_secs_f64() * 1e3,
                most_heap / 1024,
            );
            report_at = elapsed * 2;
        }
        if is_over {
            break;
        }
        // What is given first, so that its answers are known.
        let input = given.next().unwrap_or_else(|| fuzzer.next_input());
        let shown = input.clone();
        let shown = Shown(&shown);
        let before = NOW.get();
        PEAK.set(before);
        let began = Instant::now();
        fuzzer.feed(input);
        let mut took = began.elapsed();
        let heap = PEAK.get() - before;
        if took > slowest {
            // Other work on the machine stops this one, but hardly each time.
            for _ in 0..5 {
                let began = Instant::now();
                args.target.run(shown.0);
                took = took.min(began.elapsed());
            }
        }
        if took > slowest {
            slowest = took;
            slowest_input = shown.0.to_vec();
        }
        most_heap = most_heap.max(heap);
        assert!(heap <= MAX_HEAP, "{heap} bytes of heap");
        drop(shown);
        executions += 1;
    }
    if slowest >= WORTH_A_LOOK {
        println!("the slowest input is: {:?}", String::from_utf8_lossy(&slowest_input));
    }
    if let Some(folder) = &args.save {
        save(&fuzzer, start_inputs, &folder.join(name));
    }
}

/// From where on the slowest input is printed.
const WORTH_A_LOOK: Duration = Duration::from_millis(50);

/// Writes what was found, the shortest first.
fn save(fuzzer: &Fuzzer, start_inputs: usize, folder: &std::path::Path) {
    const MOST: usize = 60;
    const LONGEST: usize = 500;
    std::fs::create_dir_all(folder).unwrap();
    let mut found: Vec<&Vec<u8>> = fuzzer.corpus.iter().skip(start_inputs).collect();
    found.retain(|input| input.len() <= LONGEST);
    found.sort_by_key(|input| input.len());
    // Evenly from short to long.
    let step = found.len().div_ceil(MOST).max(1);
    for (number, input) in found.into_iter().step_by(step).enumerate() {
        std::fs::write(folder.join(format!("{number:03}")), input).unwrap();
    }
    println!("saved to {}", folder.display());
}
