//! Waiting for a condition, never for time.

use std::time::{Duration, Instant};

use crate::error::{BedError, Result};
use crate::process::POLL;

/// Looks again and again until `check` is content; what it said last is in the
/// error. `alive` is asked each time, so that a dead part is told at once.
pub(crate) async fn until<F, C, A>(what: &str, limit: Duration, alive: A, mut check: C) -> Result<()>
where
    C: FnMut() -> F,
    F: Future<Output = std::result::Result<(), String>>,
    A: Fn() -> Result<()>,
{
    let deadline = Instant::now() + limit;
    loop {
        let Err(seen) = check().await else {
            return Ok(());
        };
        alive()?;
        if Instant::now() >= deadline {
            let detail = if seen.is_empty() { seen } else { format!(": {seen}") };
            return Err(BedError::NotInTime { what: what.to_owned(), seconds: limit.as_secs(), detail });
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_seen_last_is_in_the_error() {
        let mut looks = 0;
        let error = until(
            "the moon",
            Duration::ZERO,
            || Ok(()),
            || {
                looks += 1;
                let seen = format!("clouds {looks}");
                async move { Err(seen) }
            },
        )
        .await
        .unwrap_err();
        assert_eq!(error.to_string(), "the moon did not come true within 0 s: clouds 1");
    }

    #[tokio::test]
    async fn a_dead_part_ends_the_wait() {
        let dead = || Err(BedError::Key);
        let result = until("the moon", Duration::from_mins(1), dead, || async { Err(String::new()) }).await;
        assert!(matches!(result, Err(BedError::Key)));
    }
}
