//! Lines in, lines out: answered by all cores, in their order, each as soon as it can be.
//!
//! There is no queue. Each thread takes a line, answers it and hands the answer over; whoever hands
//! over the answer that is due writes it with all that waited for it. So a reader who wants an
//! answer before it asks again gets it, and whatever the length of the input, no more is held than
//! a line for each thread and a bounded heap of answers that wait for one before them.

use std::collections::BTreeMap;
use std::io::{BufRead, Error, ErrorKind, Write};
use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The longest line that is answered.
pub(super) const LONGEST_LINE: usize = 4 * 1024 * 1024;
/// How many answers may wait for one before them, and how much they may hold together.
const MOST_WAITING: usize = 1024;
const MOST_BYTES: usize = 4 * 1024 * 1024;
const STACK: usize = 8 * 1024 * 1024;

/// One line of the input, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Its number, from one.
    pub(super) number: usize,
    /// What it says; of one that is too long, the beginning.
    pub(super) bytes: &'a [u8],
    /// Whether it is longer than any that is answered.
    pub(super) too_long: bool,
}

/// What is written for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// One line, without its end.
    pub(super) text: String,
    /// Whether the line was refused.
    pub(super) refused: bool,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Every line was answered, or the reader of the answers went away.
    Answered,
    /// At least one line was refused.
    Refused,
}

/// Answers every line that is not blank. `answer` runs on several threads at once, and must not
/// panic: the answers after it would wait for it for ever.
pub(super) fn run<R, W, A>(input: R, output: W, threads: NonZero<usize>, answer: A) -> Result<End, String>
where
    R: BufRead + Send,
    W: Write + Send,
    A: Fn(Line<'_>) -> Reply + Sync,
{
    let batch = Batch {
        input: Mutex::new(Input { reader: input, lines: 0, taken: 0, failure: None }),
        output: Mutex::new(Output::new(output)),
        room: Condvar::new(),
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.get() {
            // As much as the first thread has. A thread that cannot be had is done without.
            let builder = std::thread::Builder::new().stack_size(STACK);
            let _ = builder.spawn_scoped(scope, || batch.work(&answer));
        }
        batch.work(&answer);
    });
    let input = batch.input.into_inner().unwrap_or_else(PoisonError::into_inner);
    let output = batch.output.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (input.failure, output.failure) {
        (Some(error), _) => Err(format!("standard input cannot be read: {error}")),
        (_, Some(error)) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {error}"))
        }
        _ => Ok(if output.refused { End::Refused } else { End::Answered }),
    }
}

struct Batch<R, W> {
    input: Mutex<Input<R>>,
    output: Mutex<Output<W>>,
    /// Told when answers were written.
    room: Condvar,
}

struct Input<R> {
    reader: R,
    /// How many lines were read.
    lines: usize,
    /// How many of them were given to a thread.
    taken: usize,
    failure: Option<Error>,
}

/// A line that a thread has taken: which answer it will be, from zero, and its number.
struct Ticket {
    turn: usize,
    number: usize,
    too_long: bool,
}

impl<R: BufRead, W: Write> Batch<R, W> {
    fn work(&self, answer: &impl Fn(Line<'_>) -> Reply) {
        let mut bytes = Vec::new();
        while let Some(Ticket { turn, number, too_long }) = self.take(&mut bytes) {
            let reply = answer(Line { number, bytes: &bytes, too_long });
            self.give(turn, reply);
        }
    }

    /// The next line that is not blank; nothing when there is none or nobody wants an answer.
    fn take(&self, line: &mut Vec<u8>) -> Option<Ticket> {
        let mut input = lock(&self.input);
        // INVARIANT: this cannot wait for ever. What waits for an answer waits for that of a thread
        // which has its line already, and so never comes here before it has handed it over.
        let mut output = lock(&self.output);
        while output.is_full() {
            output = self.room.wait(output).unwrap_or_else(PoisonError::into_inner);
        }
        drop(output);
        loop {
            // The reader of the answers may have gone while this thread waited.
            if input.failure.is_some() || lock(&self.output).failure.is_some() {
                return None;
            }
            let too_long = match read_line(&mut input.reader, line) {
                Ok(found) => found?,
                Err(error) => {
                    input.failure = Some(error);
                    return None;
                }
            };
            input.lines += 1;
            if too_long || !line.trim_ascii().is_empty() {
                input.taken += 1;
                return Some(Ticket { turn: input.taken - 1, number: input.lines, too_long });
            }
        }
    }

    fn give(&self, turn: usize, reply: Reply) {
        let mut output = lock(&self.output);
        output.give(turn, reply);
        self.room.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Output<W> {
    writer: W,
    /// Whose turn it is.
    due: usize,
    waiting: BTreeMap<usize, String>,
    /// What the waiting answers hold together.
    bytes: usize,
    refused: bool,
    failure: Option<Error>,
}

impl<W: Write> Output<W> {
    fn new(writer: W) -> Self {
        Self { writer, due: 0, waiting: BTreeMap::new(), bytes: 0, refused: false, failure: None }
    }

    fn is_full(&self) -> bool {
        self.failure.is_none() && (self.waiting.len() >= MOST_WAITING || self.bytes >= MOST_BYTES)
    }

    /// Takes an answer over and writes all that are due.
    fn give(&mut self, turn: usize, reply: Reply) {
        self.refused |= reply.refused;
        self.bytes += reply.text.len();
        self.waiting.insert(turn, reply.text);
        let mut text = String::new();
        while let Some(next) = self.waiting.remove(&self.due) {
            self.due += 1;
            self.bytes -= next.len();
            text.push_str(&next);
            text.push('\n');
        }
        if text.is_empty() || self.failure.is_some() {
            return;
        }
        if let Err(error) = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush()) {
            self.failure = Some(error);
        }
    }
}

/// Reads a line without its end, and says whether it is too long; nothing at the end of the input.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> Result<Option<bool>, Error> {
    line.clear();
    let (mut begun, mut too_long) = (false, false);
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        };
        if available.is_empty() {
            return Ok(begun.then_some(too_long));
        }
        begun = true;
        let end = available.iter().position(|byte| *byte == b'\n');
        let piece = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let room = LONGEST_LINE.saturating_sub(line.len());
        too_long |= piece.len() > room;
        line.extend_from_slice(piece.get(..room).unwrap_or(piece));
        let used = piece.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(too_long));
        }
    }
}

#[cfg(test)]
mod tests;
