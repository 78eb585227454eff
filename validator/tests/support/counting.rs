//! An allocator that counts what goes through it on each thread. A test target that wants it declares it as its own.
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

pub struct Counting;

fn note(change: isize) {
    if change > 0 {
        COUNT.set(COUNT.get() + 1);
    }
    NOW.set(NOW.get() + change);
    PEAK.set(PEAK.get().max(NOW.get()));
}

// SAFETY: hands everything to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size as isize - layout.size() as isize);
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Bytes allocated and not given back since [`measure`] began.
#[allow(dead_code, reason = "each test target uses a part")]
pub fn held() -> isize {
    NOW.get()
}

/// Allocations and the most bytes held during `run`.
pub fn measure<T>(run: impl FnOnce() -> T) -> (T, usize, isize) {
    COUNT.set(0);
    NOW.set(0);
    PEAK.set(0);
    let result = run();
    (result, COUNT.get(), PEAK.get())
}
