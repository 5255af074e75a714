//! Lists that IAM sends in pages.

use std::future::Future;

use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};

use super::{AwsCloud, errors};
use crate::cloud::CloudError;

/// What a page holds, whether there is more, and where that begins.
pub(super) type Parts<T> = (Vec<T>, bool, Option<String>);

impl AwsCloud {
    /// All pages of a list; nothing if what it is about is not there.
    ///
    /// `ask` asks for the page that begins at a marker, and `part` takes its answer apart.
    pub(super) async fn all_pages<T, A, E, F>(
        &self,
        operation: &'static str,
        ask: impl Fn(Option<String>) -> F,
        part: impl Fn(A) -> Parts<T>,
    ) -> Result<Option<Vec<T>>, CloudError>
    where
        F: Future<Output = Result<A, SdkError<E>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut all = Vec::new();
        let mut marker = None;
        loop {
            let Some(page) = errors::found(self.call(operation, ask(marker)).await)? else { return Ok(None) };
            let (items, is_truncated, next_marker) = part(page);
            all.extend(items);
            marker = next(operation, is_truncated, next_marker)?;
            if marker.is_none() {
                return Ok(Some(all));
            }
        }
    }
}

/// Where the next page begins. A list that says there is more and does not say
/// where must not be taken for a whole one.
pub(super) fn next(
    operation: &'static str,
    truncated: bool,
    marker: Option<String>,
) -> Result<Option<String>, CloudError> {
    match (truncated, marker) {
        (false, _) => Ok(None),
        (true, Some(marker)) => Ok(Some(marker)),
        (true, None) => Err(errors::incomplete(operation, "the marker of the next page")),
    }
}
