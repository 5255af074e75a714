//! How figures are shown.

use std::time::Duration;

pub fn title(text: &str) {
    println!("\n{text}");
}

pub fn line(what: &str, value: &str) {
    println!("  {what:<44} {value}");
}

pub fn note(text: &str) {
    println!("  ({text})");
}

pub fn micros(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1_000.0 { format!("{micros:.1} µs") } else { millis(time) }
}

pub fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

pub fn per_second(count: usize, time: Duration) -> String {
    format!("{:.0}", count as f64 / time.as_secs_f64())
}

/// How busy the machine is with other things.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}
