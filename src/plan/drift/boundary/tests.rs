use super::*;

fn document(action: &str) -> Document {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{action},"Resource":"arn:aws:s3:::a/*"}}]}}"#
    );
    Document::read(&text).unwrap()
}

fn one() -> Document {
    document(r#""s3:GetObject""#)
}

fn two() -> Document {
    document(r#"["s3:GetObject","s3:DeleteObject"]"#)
}

#[test]
fn a_change_is_told_in_english_with_a_request_that_shows_it() {
    let wider = boundary_change(&one(), &two()).unwrap();
    assert_eq!((wider.class, wider.widens), (DriftClass::Widened, true));
    assert!(wider.words.starts_with("it allows more than before: "), "{}", wider.words);
    assert!(wider.words.contains("; such as `s3:DeleteObject` on `arn:aws:s3:::a/"), "{}", wider.words);
    let narrower = boundary_change(&two(), &one()).unwrap();
    assert_eq!((narrower.class, narrower.widens), (DriftClass::Narrowed, false));
    assert!(narrower.words.starts_with("it allows less than before: "), "{}", narrower.words);
}

#[test]
fn another_way_to_write_the_same_is_no_change() {
    let again = document(r#"["S3:getobject"]"#);
    assert_eq!(boundary_change(&one(), &again), None);
    assert_eq!(boundary_change(&one(), &one()), None);
}

#[test]
fn a_pinned_boundary_must_have_its_meaning() {
    let pinned = one().meaning().to_string();
    let again = Reading::Document(document(r#"["S3:getobject"]"#));
    assert_eq!(pinned_boundary(&pinned, &again, None), None);

    let found = pinned_boundary(&pinned, &Reading::Document(two()), Some(&one())).unwrap();
    assert_eq!((found.part, found.class, found.widens), (Part::Boundary, DriftClass::Widened, true));
    assert!(found.witness.is_some());
    let start = format!("the permissions boundary means `{}` instead of `{pinned}`: ", two().meaning());
    assert!(found.summary.starts_with(&start), "{}", found.summary);
}

#[test]
fn without_the_boundary_as_it_was_the_worse_is_taken() {
    let pinned = one().meaning().to_string();
    for known in [None, Some(document(r#""s3:*""#))] {
        let found = pinned_boundary(&pinned, &Reading::Document(two()), known.as_ref()).unwrap();
        assert_eq!((found.class, found.widens, found.witness.is_some()), (DriftClass::Changed, true, false));
    }
    let found = pinned_boundary(&pinned, &Reading::Unreadable("no JSON".into()), Some(&one())).unwrap();
    assert_eq!(found.class, DriftClass::Unreadable);
    let said = format!("the permissions boundary cannot be read, so it cannot be compared with `{pinned}`: no JSON");
    assert_eq!(found.summary, said);
}
