#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| worktab_fuzz::targets::proof::run(data));
