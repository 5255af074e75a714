use super::*;
use std::io::{BufReader, Cursor, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

fn threads(count: usize) -> NonZero<usize> {
    NonZero::new(count).unwrap()
}

fn echo(line: Line<'_>) -> Reply {
    let text = String::from_utf8_lossy(line.bytes);
    Reply { text: format!("{} {text}", line.number), refused: text.starts_with('!') }
}

fn run_on(input: &str, count: usize) -> (End, String) {
    let mut out = Vec::new();
    let end = run(Cursor::new(input), &mut out, threads(count), echo).unwrap();
    (end, String::from_utf8(out).unwrap())
}

#[test]
fn blank_lines_are_skipped_and_counted_and_the_last_line_needs_no_end() {
    let answers = "2 a\n4 b\r\n6 c\n";
    for count in [1, 3] {
        assert_eq!(run_on("\na\n \t\r\nb\r\n\nc", count), (End::Answered, answers.into()));
    }
    assert_eq!(run_on("", 2), (End::Answered, String::new()));
    assert_eq!(run_on("a\n!\n", 2), (End::Refused, "1 a\n2 !\n".into()));
}

/// The first answer is made when the second has been, and still comes first.
#[test]
fn answers_come_in_the_order_of_the_questions() {
    let (tell, told) = channel();
    let told = Mutex::new(told);
    let answer = |line: Line<'_>| {
        if line.number == 1 {
            told.lock().unwrap().recv().unwrap();
        } else {
            tell.send(()).unwrap();
        }
        echo(line)
    };
    let mut out = Vec::new();
    run(Cursor::new("a\nb\nc\n"), &mut out, threads(2), answer).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "1 a\n2 b\n3 c\n");
}

/// As many are answered ahead of a slow one as may wait, and no more are taken before it is done.
#[test]
fn a_slow_answer_does_not_make_the_others_pile_up() {
    let ahead = AtomicUsize::new(0);
    let (tell, told) = channel();
    let told = Mutex::new(told);
    let lines = MOST_WAITING * 3;
    let answer = |line: Line<'_>| {
        if line.number == 1 {
            told.lock().unwrap().recv().unwrap();
        } else if ahead.fetch_add(1, Ordering::SeqCst) + 1 == MOST_WAITING {
            tell.send(()).unwrap();
        }
        Reply { text: line.number.to_string(), refused: false }
    };
    let mut out = Vec::new();
    run(Cursor::new("x\n".repeat(lines)), &mut out, threads(2), answer).unwrap();
    let expected: Vec<String> = (1..=lines).map(|number| number.to_string()).collect();
    assert!(String::from_utf8(out).unwrap().lines().eq(expected));
}

#[test]
fn answers_that_wait_are_bounded_in_number_and_in_bytes() {
    let reply = |length| Reply { text: "x".repeat(length), refused: false };
    let mut output = Output::new(Vec::new());
    for turn in 1..MOST_WAITING {
        output.give(turn, reply(1));
    }
    assert!(!output.is_full());
    output.give(MOST_WAITING, reply(1));
    assert!(output.is_full());
    output.give(0, reply(1));
    assert!(!output.is_full());
    assert_eq!(output.writer.len(), 2 * (MOST_WAITING + 1));
    output.give(MOST_WAITING + 2, reply(MOST_BYTES));
    assert!(output.is_full());
    output.give(MOST_WAITING + 1, reply(1));
    assert_eq!((output.is_full(), output.bytes), (false, 0));
}

#[test]
fn of_a_line_that_is_too_long_only_the_beginning_is_kept() {
    // Of the second the beginning is blank.
    let input = format!("{}\n{}y\nb\n", "x".repeat(LONGEST_LINE), " ".repeat(LONGEST_LINE));
    let seen = Mutex::new(Vec::new());
    let answer = |line: Line<'_>| {
        seen.lock().unwrap().push((line.number, line.bytes.len(), line.too_long));
        Reply { text: String::new(), refused: line.too_long }
    };
    let end = run(Cursor::new(input), Vec::new(), threads(1), answer).unwrap();
    assert_eq!(end, End::Refused);
    assert_eq!(*seen.lock().unwrap(), [(1, LONGEST_LINE, false), (2, LONGEST_LINE, true), (3, 1, false)]);
}

/// Input that comes line by line, each when it is sent.
struct Sent(Receiver<String>);

impl Read for Sent {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let Ok(text) = self.0.recv() else { return Ok(0) };
        buffer[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }
}

/// Output that tells what is flushed.
struct Told(Sender<String>, Vec<u8>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.1.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let text = String::from_utf8(std::mem::take(&mut self.1)).unwrap();
        self.0.send(text).map_err(|_| Error::from(ErrorKind::BrokenPipe))
    }
}

#[test]
fn who_waits_for_an_answer_before_asking_again_gets_it() {
    for count in [1, 2, 8] {
        let ((ask, asked), (tell, told)) = (channel(), channel());
        let (input, output) = (BufReader::new(Sent(asked)), Told(tell, Vec::new()));
        let running = std::thread::spawn(move || run(input, output, threads(count), echo));
        for number in 1..100 {
            // In two pieces, as a pipe may bring it.
            ask.send("qu".to_owned()).unwrap();
            ask.send("estion\n".to_owned()).unwrap();
            assert_eq!(told.recv().unwrap(), format!("{number} question\n"));
        }
        drop(ask);
        assert_eq!(running.join().unwrap(), Ok(End::Answered));
    }
}

#[test]
fn who_goes_away_ends_the_batch_quietly() {
    let ((ask, asked), (tell, told)) = (channel(), channel());
    let (input, output) = (BufReader::new(Sent(asked)), Told(tell, Vec::new()));
    drop(told);
    let running = std::thread::spawn(move || run(input, output, threads(2), echo));
    while ask.send("question\n".to_owned()).is_ok() {}
    assert_eq!(running.join().unwrap(), Ok(End::Answered));
}

/// Fails after a line, on reading or on writing.
struct Broken(&'static [u8]);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        if self.0.is_empty() {
            return Err(Error::other("the disk is gone"));
        }
        self.0.read(buffer)
    }
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> Result<usize, Error> {
        Err(Error::other("the disk is full"))
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn what_was_asked_before_the_input_failed_is_answered() {
    let mut out = Vec::new();
    let failed = run(BufReader::new(Broken(b"a\n")), &mut out, threads(2), echo).unwrap_err();
    assert_eq!(failed, "standard input cannot be read: the disk is gone");
    assert_eq!(String::from_utf8(out).unwrap(), "1 a\n");
    let failed = run(Cursor::new("a\n"), Broken(b""), threads(2), echo).unwrap_err();
    assert_eq!(failed, "standard output cannot be written: the disk is full");
}
