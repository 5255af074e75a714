//! From texts to objects, on all processors.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::thread;

use super::Text;
use crate::offline::manifest::{self, Manifests};
use crate::offline::{Code, Finding};

/// The objects of each text, in their order.
pub(super) fn all(texts: &[Text]) -> Vec<Manifests> {
    read(&texts.iter().collect::<Vec<_>>())
}

/// The objects of the texts as they were and as they will be. A text that stayed as it was is
/// read once.
pub(super) fn both(old: &[Text], new: &[Text]) -> (Vec<Manifests>, Vec<Manifests>) {
    let known: BTreeMap<&str, usize> = new.iter().enumerate().map(|(at, text)| (text.name.as_str(), at)).collect();
    let twin = |text: &Text| known.get(text.name.as_str()).copied().filter(|&at| new.get(at) == Some(text));
    let twins: Vec<Option<usize>> = old.iter().map(twin).collect();
    let mut wanted: Vec<&Text> = new.iter().collect();
    wanted.extend(old.iter().zip(&twins).filter(|(_, twin)| twin.is_none()).map(|(text, _)| text));
    let mut read = read(&wanted);
    let mut others = read.split_off(new.len()).into_iter();
    let old = twins.iter().filter_map(|twin| twin.map_or_else(|| others.next(), |at| read.get(at).cloned())).collect();
    (old, read)
}

fn read(texts: &[&Text]) -> Vec<Manifests> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    if texts.len() < 2 || threads < 2 {
        return texts.iter().copied().map(one).collect();
    }
    thread::scope(|scope| {
        let work = |share: &[&Text]| share.iter().copied().map(one).collect::<Vec<_>>();
        let shares = texts.chunks(texts.len().div_ceil(threads));
        let running: Vec<_> = shares.map(|share| (share, scope.spawn(move || work(share)))).collect();
        running.into_iter().flat_map(|(share, thread)| thread.join().unwrap_or_else(|_| work(share))).collect()
    })
}

fn one(text: &Text) -> Manifests {
    let mut found = manifest::read(&text.name, &text.text);
    if text.text.contains("{{") {
        found.findings.iter_mut().for_each(explain_template);
    }
    found
}

/// What looks like a template is not meant to be read as it is.
fn explain_template(finding: &mut Finding) {
    if matches!(finding.code, Code::Unreadable | Code::Schema) {
        finding.help = Some(
            "the file holds `{{` and so looks like a template: render it first, such as with `helm template`, and pass what comes out with `-f -`"
                .to_owned(),
        );
    }
}
