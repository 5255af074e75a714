#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ambit_fuzz::asked::words(bytes));
