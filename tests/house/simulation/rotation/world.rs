//! The world around the machine, as small as it can be and stay true: two leaders,
//! the cloud's keys, the Secret, the status, two pods, and time.
//!
//! Everything is a small number, so that millions of states can be told apart. The
//! machine itself is asked in its own words: see `words`.

use ambit::plan::rotation::Phase;

use super::{shape, words};

/// The most leaders at a time.
pub const LEADERS: usize = 2;

/// A key of the cloud. Its id is also the order in which it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub id: u8,
    pub active: bool,
    pub created: i8,
}

/// What the Secret's metadata say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret {
    /// The key that it has, and since when.
    pub published: Option<(u8, i8)>,
    pub superseded: Option<u8>,
}

/// A key as status has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    pub id: u8,
    pub created: i8,
    pub published: Option<i8>,
}

/// The status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status {
    pub phase: Phase,
    pub since: Option<i8>,
    pub current: Option<Record>,
    pub previous: Option<Record>,
    pub deactivated: Option<i8>,
    pub next: Option<i8>,
    pub handled: u8,
    pub revoke_old: bool,
}

/// What a leader decided to do, from a look that lies in the past by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    Write(Status),
    Create {
        superseded: Option<u8>,
    },
    /// With a secret in hand.
    Publish {
        id: u8,
        superseded: Option<u8>,
    },
    Supersede(u8),
    Deactivate(u8),
    Activate(u8),
    Delete(u8),
}

impl Deed {
    /// Whether it is done on condition that the Secret is as it was seen.
    fn is_about_secret(self) -> bool {
        matches!(self, Self::Create { .. } | Self::Publish { .. } | Self::Supersede(_))
    }
}

/// The first half of a look: status and Secret. The keys and the pods are read later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Begun {
    pub status: Status,
    pub secret: Option<Secret>,
    /// Whether they were written since.
    pub status_moved: bool,
    pub secret_moved: bool,
}

/// A process that believes to lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leader {
    pub begun: Option<Begun>,
    pub deed: Option<Deed>,
    /// Whether what the deed depends on was written since the look.
    pub outdated: bool,
    /// Whether the deed depends on that there is no Secret: a condition that may come back.
    pub needs_absence: bool,
    /// The newest key as it saw it last, and whether that is an hour ago, as it measured.
    pub watched: Option<(u8, bool)>,
}

/// A pod that has a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pod {
    pub holds: Option<u8>,
    pub started: i8,
}

/// Everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct World {
    /// Hours that have really passed: the clock of the cloud, of the API server and of the nodes.
    pub hour: i8,
    /// How far the operator's clock is off.
    pub offset: i8,
    pub keys: [Option<Key>; 2],
    pub made: u8,
    pub publications: u8,
    pub secret: Option<Secret>,
    pub status: Status,
    /// Has the key in its environment: restarts at any time, or never.
    pub env: Pod,
    /// Has it in a file: reads it again within minutes.
    pub files: Pod,
    pub leaders: [Leader; LEADERS],
    /// How many rotations were asked for, and whether the last was an emergency.
    pub asked: u8,
    pub is_emergency: bool,
    /// Whether an emergency may have broken pods.
    pub was_emergency: bool,
    pub jumps: u8,
    pub deletions: u8,
}

/// What may happen, and how much of it.
#[expect(clippy::struct_excessive_bools, reason = "each switches one kind of trouble on")]
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub leaders: usize,
    /// Whether there is a pod with the key in its environment, and one with it in a file.
    pub env: bool,
    pub files: bool,
    pub hours: i8,
    /// Age in hours at which a key is rotated.
    pub rotate_every: u8,
    /// The rotations that are asked for, in this order; true is an emergency.
    pub requests: &'static [bool],
    /// How many keys the cloud makes at all. Later calls fail.
    pub keys: u8,
    /// How often the operator's clock is set, and by how much.
    pub jumps: u8,
    pub jump: i8,
    /// Whether a list may lack a key that was made within the hour.
    pub lists_lag: bool,
    /// How often a person deletes the Secret.
    pub deletions: u8,
    /// Whether a look takes its time: things happen between its two halves.
    pub slow_looks: bool,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A leader reads status and Secret.
    Begin(usize),
    /// It reads the rest and decides. The list may lag.
    Look(usize, bool),
    /// What it decided happens.
    Do(usize),
    /// The key is made, and the reply is lost.
    LoseReply(usize),
    /// The call fails; the process goes on.
    Fail(usize),
    /// The process ends.
    Crash(usize),
    RestartEnv,
    ReadFiles,
    Hour,
    SetClock(i8),
    Ask,
    DeleteSecret,
}

impl World {
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.keys.into_iter().flatten()
    }

    pub fn key(&self, id: u8) -> Option<Key> {
        self.keys().find(|key| key.id == id)
    }

    pub fn published(&self) -> Option<u8> {
        self.secret.and_then(|secret| secret.published).map(|(id, _)| id)
    }

    /// The Secret's key, or, if it has none, the one that status has.
    pub fn newest(&self) -> Option<u8> {
        self.published().or(self.status.current.map(|current| current.id))
    }

    /// Everything that may happen next.
    pub fn acts(&self, bounds: &Bounds) -> Vec<Act> {
        let mut acts = Vec::with_capacity(16);
        for (at, leader) in self.leaders.iter().enumerate().take(bounds.leaders) {
            match leader.deed {
                None if bounds.slow_looks && leader.begun.is_none() => acts.push(Act::Begin(at)),
                None => {
                    acts.push(Act::Look(at, false));
                    if bounds.lists_lag && self.keys().any(|key| key.created == self.hour) {
                        acts.push(Act::Look(at, true));
                    }
                }
                Some(deed) => {
                    acts.extend([Act::Do(at), Act::Fail(at)]);
                    if matches!(deed, Deed::Create { .. }) {
                        acts.push(Act::LoseReply(at));
                    }
                }
            }
            if leader.watched.is_some() || leader.begun.is_some() {
                acts.push(Act::Crash(at));
            }
        }
        let published = self.secret.and_then(|secret| secret.published);
        let is_old = published.is_some_and(|(_, since)| self.env.started <= since);
        if bounds.env && (self.env.holds != self.published() || is_old) {
            acts.push(Act::RestartEnv);
        }
        if bounds.files && published.is_some() && self.files.holds != self.published() {
            acts.push(Act::ReadFiles);
        }
        let is_read = !bounds.files || self.published().is_none() || self.files.holds == self.published();
        if self.hour < bounds.hours && is_read {
            acts.push(Act::Hour);
        }
        if self.jumps < bounds.jumps {
            let others = [-bounds.jump, 0, bounds.jump].into_iter().filter(|offset| *offset != self.offset);
            acts.extend(others.map(Act::SetClock));
        }
        if usize::from(self.asked) < bounds.requests.len() && self.status.handled == self.asked {
            acts.push(Act::Ask);
        }
        if self.deletions < bounds.deletions && self.secret.is_some() {
            acts.push(Act::DeleteSecret);
        }
        acts
    }

    /// The world after something happened.
    pub fn after(&self, act: Act, bounds: &Bounds) -> Self {
        let mut next = *self;
        match act {
            Act::Begin(at) => next.leaders[at].begun = Some(next.begun()),
            Act::Look(at, lags) => next.look(at, lags, bounds),
            Act::Do(at) => next.act(at, false, bounds),
            Act::LoseReply(at) => next.act(at, true, bounds),
            Act::Fail(at) => next.leaders[at] = Leader { watched: next.leaders[at].watched, ..Leader::default() },
            Act::Crash(at) => next.leaders[at] = Leader::default(),
            // Without a Secret it does not start, and holds nothing.
            Act::RestartEnv => next.env = Pod { holds: self.published(), started: self.hour },
            Act::ReadFiles => next.files.holds = self.published(),
            Act::Hour => {
                next.hour += 1;
                next.leaders.iter_mut().filter_map(|it| it.watched.as_mut()).for_each(|(_, hour)| *hour = true);
            }
            Act::SetClock(offset) => {
                next.jumps += 1;
                next.offset = offset;
            }
            Act::Ask => {
                next.is_emergency = bounds.requests[usize::from(self.asked)];
                next.was_emergency |= next.is_emergency;
                next.asked += 1;
            }
            Act::DeleteSecret => {
                next.deletions += 1;
                next.write_secret(None);
            }
        }
        next.tidy(bounds);
        next
    }

    fn begun(&self) -> Begun {
        Begun { status: self.status, secret: self.secret, status_moved: false, secret_moved: false }
    }

    fn look(&mut self, at: usize, lags: bool, bounds: &Bounds) {
        let begun = self.leaders[at].begun.unwrap_or_else(|| self.begun());
        let looked = Self { status: begun.status, secret: begun.secret, ..*self };
        let watched = match (looked.newest(), self.leaders[at].watched) {
            (Some(id), Some((known, hour))) if id == known => Some((id, hour)),
            (newest, _) => newest.map(|id| (id, false)),
        };
        let deed = words::decide(&looked, watched, lags, bounds);
        let is_about_secret = deed.is_some_and(Deed::is_about_secret);
        let outdated = if is_about_secret { begun.secret_moved } else { begun.status_moved };
        let needs_absence = is_about_secret && begun.secret.is_none();
        self.leaders[at] = Leader { begun: None, deed, outdated: outdated && !needs_absence, needs_absence, watched };
    }

    fn act(&mut self, at: usize, loses_reply: bool, bounds: &Bounds) {
        let Some(deed) = self.leaders[at].deed.take() else { return };
        let outdated = std::mem::take(&mut self.leaders[at].outdated);
        let needs_absence = std::mem::take(&mut self.leaders[at].needs_absence);
        let is_current = if needs_absence { self.secret.is_none() } else { !outdated };
        match deed {
            Deed::Write(status) if is_current => self.write_status(status),
            Deed::Create { superseded } => {
                if let Some(id) = self.make_key(bounds)
                    && !loses_reply
                {
                    // The condition is that of the look, so it may be broken already.
                    let deed = Some(Deed::Publish { id, superseded });
                    self.leaders[at] = Leader { deed, outdated, needs_absence, ..self.leaders[at] };
                }
            }
            Deed::Publish { id, superseded } if is_current => {
                self.publications += 1;
                self.write_secret(Some(Secret { published: Some((id, self.hour)), superseded }));
            }
            Deed::Supersede(id) if is_current => {
                let before = self.secret.unwrap_or_default();
                self.write_secret(Some(Secret { superseded: Some(id), ..before }));
            }
            // The API server refuses what was decided by something older.
            Deed::Write(_) | Deed::Publish { .. } | Deed::Supersede(_) => {}
            Deed::Deactivate(id) => self.set(id, false),
            Deed::Activate(id) => self.set(id, true),
            Deed::Delete(id) => {
                self.keys.iter_mut().filter(|key| key.is_some_and(|it| it.id == id)).for_each(|key| *key = None);
            }
        }
    }

    fn make_key(&mut self, bounds: &Bounds) -> Option<u8> {
        let is_possible = self.made < bounds.keys;
        let free = self.keys.iter_mut().find(|key| key.is_none()).filter(|_| is_possible)?;
        let id = self.made;
        *free = Some(Key { id, active: true, created: self.hour });
        self.made += 1;
        Some(id)
    }

    fn set(&mut self, id: u8, active: bool) {
        self.keys.iter_mut().flatten().filter(|key| key.id == id).for_each(|key| key.active = active);
    }

    fn write_status(&mut self, status: Status) {
        self.status = status;
        for leader in &mut self.leaders {
            leader.outdated |= matches!(leader.deed, Some(Deed::Write(_)));
            leader.begun.iter_mut().for_each(|begun| begun.status_moved = true);
        }
    }

    fn write_secret(&mut self, secret: Option<Secret>) {
        self.secret = secret;
        for leader in &mut self.leaders {
            leader.outdated |= leader.deed.is_some_and(Deed::is_about_secret) && !leader.needs_absence;
            leader.begun.iter_mut().for_each(|begun| begun.secret_moved = true);
        }
    }

    /// One shape for worlds of which the same can come: see `shape`.
    fn tidy(&mut self, bounds: &Bounds) {
        shape::tidy(self, bounds);
    }
}
