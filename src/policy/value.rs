//! The values that typed conditions compare: numbers, times, addresses, bytes.

use std::net::IpAddr;

/// A decimal number, exact to eighteen places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(pub(super) i128);

/// A moment, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Moment(pub(super) i128);

/// A range of addresses, all of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct IpRange {
    pub(super) v6: bool,
    pub(super) first: u128,
    pub(super) last: u128,
}

const PLACES: u32 = 18;
const NANOSECONDS: i128 = 1_000_000_000;

impl Number {
    /// Reads `-12.5` or `3e2`; nothing if it is no number or has no room.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let places = i32::try_from(fraction.len()).ok()?;
        let shift = exponent.checked_sub(places)?.checked_add(i32::try_from(PLACES).ok()?)?;
        let scaled = shifted(all.trim_start_matches('0'), shift)?;
        Some(Self(if negative { -scaled } else { scaled }))
    }
}

/// Digits times ten to the power of `shift`, if it is a whole number with room.
fn shifted(digits: &str, shift: i32) -> Option<i128> {
    if digits.is_empty() {
        return Some(0);
    }
    match usize::try_from(shift) {
        Ok(zeros) if zeros <= 40 => format!("{digits}{}", "0".repeat(zeros)).parse().ok(),
        Ok(_) => None,
        Err(_) => {
            let cut = usize::try_from(shift.unsigned_abs()).ok()?;
            let trimmed = digits.trim_end_matches('0');
            let kept = digits.len().checked_sub(cut)?;
            if trimmed.len() > kept { None } else { digits.get(..kept)?.parse().ok() }
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = 10_u128.pow(PLACES);
        let (whole, fraction) = (self.0.unsigned_abs() / unit, self.0.unsigned_abs() % unit);
        let sign = if self.0 < 0 { "-" } else { "" };
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:018}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl Moment {
    /// Reads a W3C date or time (`2026`, `2026-01`, `2026-01-31`, `2026-01-31T08:00Z`, with seconds
    /// and their fractions, with an offset) or seconds since 1970.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != 4 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            let seconds = Number::parse(text)?;
            return Some(Self(seconds.0 / NANOSECONDS));
        }
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let year = digits(parts.next()?, 4)?;
        let month = parts.next().map_or(Some(1), |month| digits(month, 2))?;
        let day = parts.next().map_or(Some(1), |day| digits(day, 2))?;
        if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
            return None;
        }
        // A time follows a whole date only.
        if time.is_some() && date.len() != 10 {
            return None;
        }
        let midnight = i128::from(days_since_1970(year, month, day)) * 86_400 * NANOSECONDS;
        Some(Self(midnight + time.map_or(Some(0), time_of_day)?))
    }
}

/// `hh:mm[:ss[.fff]]` and `Z` or an offset, which is `Z` where none is written.
fn time_of_day(text: &str) -> Option<i128> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        None => (text, 0),
        Some(at) => (text.get(..at)?, offset(text.get(at..)?)?),
    };
    let (clock, fraction) = clock.split_once('.').map_or((clock, ""), |(clock, fraction)| (clock, fraction));
    let mut parts = clock.split(':');
    let (hours, minutes) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let seconds = parts.next().map_or(Some(0), |seconds| digits(seconds, 2))?;
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = if fraction.is_empty() { 0 } else { digits(&format!("{fraction:0<9}"), 9)? };
    Some(i128::from(hours * 3600 + minutes * 60 + seconds - offset) * NANOSECONDS + i128::from(nanoseconds))
}

/// Seconds east of Greenwich.
fn offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn digits(text: &str, length: usize) -> Option<i64> {
    let fits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400;
    let of_months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    // 719,162 days lie between the first day of year 1 and that of 1970.
    before * 365 + leap_days + of_months + day - 1 - 719_162
}

impl std::fmt::Display for Moment {
    /// As `2026-01-31T08:00:00Z`; with a fraction where there is one; before the year 0 as seconds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, fraction) = (self.0.div_euclid(NANOSECONDS), self.0.rem_euclid(NANOSECONDS));
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let Some((year, month, day)) = i64::try_from(days).ok().and_then(date_of) else {
            return write!(f, "{seconds}");
        };
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)?;
        if fraction != 0 {
            write!(f, ".{}", format!("{fraction:09}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// The date of a day counted from 1970, for the years 1 to 9999.
fn date_of(days: i64) -> Option<(i64, i64, i64)> {
    if !(-719_162..2_932_897).contains(&days) {
        return None;
    }
    // Never too late, and a few years too early at most.
    let mut year = 1970 + days.div_euclid(if days < 0 { 365 } else { 366 });
    while days_since_1970(year + 1, 1, 1) <= days {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days_since_1970(year, month + 1, 1) <= days {
        month += 1;
    }
    Some((year, month, days - days_since_1970(year, month, 1) + 1))
}

impl IpRange {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or an address, which is a range of one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let (v6, bits, value) = match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => (false, 32, u128::from(address.to_bits())),
            IpAddr::V6(address) => (true, 128, address.to_bits()),
        };
        let length = match length {
            None => bits,
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse::<u32>().ok()?,
            Some(_) => return None,
        };
        let host_bits = u32::checked_sub(bits, length)?;
        let host = if host_bits == 128 { u128::MAX } else { (1_u128 << host_bits) - 1 };
        Some(Self { v6, first: value & !host, last: value | host })
    }

    /// Reads one address, as a request has it.
    pub(super) fn address(text: &str) -> Option<Self> {
        if text.contains('/') { None } else { Self::parse(text) }
    }

    /// Whether it has every address of another.
    pub(super) fn contains(self, other: Self) -> bool {
        self.v6 == other.v6 && self.first <= other.first && other.last <= self.last
    }
}

/// An address as text.
pub(super) fn address(v6: bool, bits: u128) -> String {
    if v6 {
        return std::net::Ipv6Addr::from_bits(bits).to_string();
    }
    u32::try_from(bits).map_or_else(|_| String::new(), |bits| std::net::Ipv4Addr::from_bits(bits).to_string())
}

/// The bytes of a base64 text.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - body.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3 + 2);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in body.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        let same = [("1", "1.0"), ("1e2", "100"), ("-0", "0"), ("+5", "5.000"), (".5", "0.5"), ("12e-1", "1.2")];
        for (left, right) in same {
            assert_eq!(Number::parse(left).unwrap(), Number::parse(right).unwrap(), "{left} {right}");
        }
        assert!(Number::parse("9007199254740993").unwrap() > Number::parse("9007199254740992").unwrap());
        assert!(Number::parse("-2").unwrap() < Number::parse("-1.5").unwrap());
        for (text, shown) in [("-1.50", "-1.5"), ("100", "100"), ("0.000000000000000001", "0.000000000000000001")] {
            assert_eq!(Number::parse(text).unwrap().to_string(), shown);
        }
        for wrong in ["", "-", ".", "a", "1a", "0x1", "1e", "1e99", "1e-30", "NaN", "١", "1 "] {
            assert_eq!(Number::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_read_in_every_form() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2024-02-29T12:30Z", 1_709_209_800),
            ("2024-02-29T12:30:00+02:00", 1_709_202_600),
            ("2026", 1_767_225_600),
            ("2026-01", 1_767_225_600),
            ("1767225600", 1_767_225_600),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
        ] {
            assert_eq!(Moment::parse(text), Some(Moment(seconds * NANOSECONDS)), "{text}");
        }
        for wrong in
            ["", "2023-02-29", "2026-13", "2026-01-31T", "2026-01T00:00Z", "2026-01-31T24:00Z", "x", "2026-1-1"]
        {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        for text in ["1970-01-01T00:00:00Z", "2024-12-31T23:59:59.5Z", "0001-01-01T00:00:00Z", "9999-12-31T00:00:01Z"] {
            assert_eq!(Moment::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn ranges_hold_their_addresses_and_no_others() {
        let range = |text: &str| IpRange::parse(text).unwrap();
        assert!(range("10.0.0.0/8").contains(range("10.255.0.1")));
        assert!(!range("10.0.0.0/8").contains(range("11.0.0.0")));
        assert!(range("0.0.0.0/0").contains(range("255.255.255.255")));
        assert!(range("::/0").contains(range("2001:db8::1")));
        assert!(!range("::/0").contains(range("1.2.3.4")), "the families are apart");
        assert_eq!(range("10.1.2.3/8"), range("10.0.0.0/8"));
        for wrong in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "a"] {
            assert_eq!(IpRange::parse(wrong), None, "{wrong}");
        }
        assert_eq!(IpRange::address("10.0.0.1"), IpRange::parse("10.0.0.1/32"));
        assert_eq!(IpRange::address("10.0.0.1/32"), None);
        assert_eq!(address(false, 0x0a00_0001), "10.0.0.1");
        assert_eq!(address(true, 1), "::1");
    }

    #[test]
    fn base64_is_read_strictly() {
        assert_eq!(base64("YW1iaXQ=").unwrap(), b"ambit");
        assert_eq!(base64("").unwrap(), b"");
        for wrong in ["YW1iaXQ", "YW1i*XQ=", "===="] {
            assert_eq!(base64(wrong), None, "{wrong}");
        }
    }
}
