//! Objects from files: YAML or JSON, several documents in one, other kinds passed over.

use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The most that is read of one file.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// One document of a file, not yet understood.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file's name as it was given.
    pub file: String,
    /// Its content.
    value: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
}

/// Reads all documents of all files; `-` is standard input.
pub fn read(files: &[String]) -> Result<Vec<Document>, String> {
    let mut documents = Vec::new();
    for file in files {
        let text = text(file)?;
        let values: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).map_err(|error| {
            format!("`{file}` is not YAML: {}", error.to_string().lines().next().unwrap_or_default())
        })?;
        let kept = values.into_iter().filter(|value| !value.is_null());
        documents.extend(kept.map(|value| Document { file: file.clone(), value }));
    }
    Ok(documents)
}

/// The text of a file; `-` is standard input.
pub fn text(file: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("`{file}` cannot be read: {error}");
    let mut text = String::new();
    if file == "-" {
        std::io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    } else {
        let opened = std::fs::File::open(Path::new(file)).map_err(failed)?;
        opened.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    }
    if text.len() as u64 == MAX_BYTES {
        return Err(format!("`{file}` is larger than {} MB: split it", MAX_BYTES / 1024 / 1024));
    }
    Ok(text)
}

impl Document {
    /// The object, if the document is of this kind of Ambit's.
    pub fn decode<T: DeserializeOwned>(&self, kind: &str) -> Result<Option<T>, String> {
        let Ok(found) = serde_json::from_value::<Kind>(self.value.clone()) else { return Ok(None) };
        if found.kind != kind || found.api_version != "ambit.dev/v1alpha1" {
            return Ok(None);
        }
        serde_json::from_value(self.value.clone())
            .map(Some)
            .map_err(|error| format!("`{}`: a {kind} in it is not valid: {error}", self.file))
    }
}
