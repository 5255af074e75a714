//! Rows of all parts but permissions and trust.

use super::*;

const FOREIGN: Expected = (Some(DriftClass::Foreign), false);
const WIDENING: Expected = (Some(DriftClass::Foreign), true);
const UNBOUNDED: Expected = (Some(DriftClass::Missing), true);
const MISSING: Expected = (Some(DriftClass::Missing), false);
const UNEQUAL: Expected = (Some(DriftClass::Changed), false);

type Plant = fn(&mut Observed);

const PARTS: &[(&str, Part, Expected, Plant)] = &[
    ("nothing", Part::Role, NOTHING, |_| {}),
    ("another boundary", Part::Boundary, CHANGED, |live| {
        live.boundary = Some("arn:aws:iam::123456789012:policy/other".into());
    }),
    ("the boundary in another case", Part::Boundary, CHANGED, |live| {
        live.boundary = Some("arn:aws:iam::123456789012:policy/Ambit-Boundary".into());
    }),
    ("the boundary of the account next door", Part::Boundary, CHANGED, |live| {
        live.boundary = Some("arn:aws:iam::123456789013:policy/ambit-boundary".into());
    }),
    ("no boundary", Part::Boundary, UNBOUNDED, |live| live.boundary = None),
    ("no uid", Part::Tags, MISSING, |live| live.owner.uid = None),
    ("the uid of an earlier incarnation", Part::Tags, UNEQUAL, |live| live.owner.uid = Some("uid-0".into())),
    ("another tag", Part::Tags, NOTHING, |live| drop(live.other_tags.insert("team".into(), "shop".into()))),
    ("a longer session", Part::SessionDuration, WIDENED, |live| live.session = Some(43_200)),
    ("a session one second longer", Part::SessionDuration, WIDENED, |live| live.session = Some(7201)),
    ("a shorter session", Part::SessionDuration, NARROWED, |live| live.session = Some(3600)),
    ("a session that is not told", Part::SessionDuration, NOTHING, |live| live.session = None),
    ("permissions that are gone", Part::Permissions, MISSING, |live| live.permissions = None),
    ("an attached policy", Part::Attachment, WIDENING, |live| {
        live.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".into());
    }),
    // What an attached policy says is not read: it may be a denial as well.
    ("an attached policy that denies", Part::Attachment, WIDENING, |live| {
        live.attached.insert("arn:aws:iam::aws:policy/AWSDenyAll".into());
    }),
    ("Ambit's denial", Part::InlinePolicy, NARROWED, |live| live.denial = Denial::InPlace),
    ("another policy in the place of the denial", Part::InlinePolicy, WIDENING, |live| live.denial = Denial::Altered),
];

/// What only a user can have.
const USERS: &[(&str, Part, Expected, Plant)] = &[
    ("nothing", Part::Role, NOTHING, |_| {}),
    ("a group", Part::Group, WIDENING, |live| live.groups = ["admins".to_owned()].into()),
    ("a password", Part::LoginProfile, WIDENED, |live| live.has_password = Some(true)),
    ("a password that is not told", Part::LoginProfile, NOTHING, |live| live.has_password = None),
    ("no boundary", Part::Boundary, UNBOUNDED, |live| live.boundary = None),
    ("an attached policy", Part::Attachment, WIDENING, |live| {
        live.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".into());
    }),
    ("permissions that are gone", Part::Permissions, MISSING, |live| live.permissions = None),
    ("Ambit's denial", Part::InlinePolicy, NARROWED, |live| live.denial = Denial::InPlace),
];

/// Inline policies that somebody added, by their statements.
const ADDED: &[(&str, Expected, &str)] = &[
    ("an inline policy for everything", WIDENING, r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#),
    (
        "an inline policy for one more action",
        WIDENING,
        r#"{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::orders-archive/*"}"#,
    ),
    (
        "an inline policy without the condition",
        WIDENING,
        r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:123456789012:orders"}"#,
    ),
    ("an inline policy that allows all but", WIDENING, r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#),
    (
        "an inline policy that allows and denies",
        WIDENING,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}"#,
    ),
    (
        "an inline policy with what is declared",
        FOREIGN,
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::orders-archive/*"}"#,
    ),
    (
        "an inline policy with less than is declared",
        FOREIGN,
        r#"{"Effect":"Allow","Action":"S3:getobject","Resource":"arn:aws:s3:::orders-archive/in/*"}"#,
    ),
    ("an inline policy that denies", FOREIGN, r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#),
    ("an inline policy without statements", FOREIGN, ""),
    (
        "an inline policy that takes back what it gives",
        FOREIGN,
        r#"{"Effect":"Allow","Action":"iam:*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}"#,
    ),
    ("an inline policy in other words", UNREADABLE, r#"{"Effect":"Allow","Actions":"*","Resource":"*"}"#),
    ("an inline policy that is broken off", UNREADABLE, r#"{"Effect":"Allow""#),
];

/// Rows about users.
pub(super) fn of_users() -> Vec<Row> {
    planted(USERS).collect()
}

fn planted(rows: &'static [(&'static str, Part, Expected, Plant)]) -> impl Iterator<Item = Row> {
    let row = |(name, part, expected, plant): &'static (&'static str, Part, Expected, Plant)| Row {
        name,
        part: *part,
        expected: *expected,
        plant: Box::new(*plant),
    };
    rows.iter().map(row)
}

pub(super) fn rows(_: &Desired) -> Vec<Row> {
    let parts = planted(PARTS);
    let added = ADDED.iter().map(|(name, expected, statements)| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let reading = crate::domain::reading(&Ok(text));
        let plant = move |live: &mut Observed| drop(live.other_inline.insert("by-hand".into(), reading.clone()));
        Row { name, part: Part::InlinePolicy, expected: *expected, plant: Box::new(plant) }
    });
    parts.chain(added).collect()
}
