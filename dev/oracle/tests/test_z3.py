"""The comparison with z3 finds what it should: run with `.tools/oracle/z3/bin/python` from `dev/oracle`."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "z3"))
import check  # noqa: E402
import encode  # noqa: E402
import pairs  # noqa: E402


def document(action="s3:GetObject", resource="*", **condition):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition} if condition else statement]}


def outcomes(old, new, forward, backward):
    answer = {"forward": forward, "backward": backward}
    return [outcome for _, outcome, _ in check.compare({"id": "1", "old": old, "new": new}, answer, 10_000)]


NONE, UNKNOWN = {"verdict": "none"}, {"verdict": "unknown", "reason": "a budget ended"}


class Verdicts(unittest.TestCase):
    def test_right_and_wrong_answers_are_told_apart(self):
        narrow, wide = document("s3:GetObject"), document("s3:Get*")
        witness = {"action": "s3:GetX", "resource": "*", "context": {}}
        self.assertEqual(
            outcomes(narrow, wide, {"verdict": "new", "witness": witness}, NONE), ["agreed: new", "agreed: none"]
        )
        self.assertEqual(outcomes(narrow, wide, NONE, UNKNOWN), ["left over", "Ambit does not know, z3 says none"])
        wrong = {"verdict": "new", "witness": {**witness, "action": "s3:getobject"}}
        self.assertEqual(outcomes(narrow, wide, wrong, NONE)[0], "left over", "a witness that both documents allow")

    def test_conditions_mean_what_they_should(self):
        for old, new, forward in [
            ({"StringNotEquals": {"k:a": "x"}}, {"StringNotEqualsIfExists": {"k:a": "x"}}, "none"),
            ({"StringEquals": {"k:a": "x"}}, {"StringEqualsIfExists": {"k:a": "x"}}, "new"),
            # An empty text is a value like any other where single values are compared.
            ({"Null": {"k:a": "false"}}, {"StringLike": {"k:a": "*"}}, "none"),
            ({"NumericLessThan": {"k:a": "10"}}, {"NumericLessThanEquals": {"k:a": "9"}}, "none"),
            ({"NumericLessThanEquals": {"k:a": "9"}}, {"NumericLessThan": {"k:a": "10"}}, "new"),
            ({"IpAddress": {"k:a": "10.0.0.0/8"}}, {"IpAddress": {"k:a": ["10.0.0.0/9", "10.128.0.0/9"]}}, "none"),
            ({"ForAllValues:StringEquals": {"k:a": ["x", "y"]}}, {"ForAllValues:StringEquals": {"k:a": "x"}}, "none"),
            ({"ForAllValues:StringEquals": {"k:a": "x"}}, {"ForAnyValue:StringEquals": {"k:a": "x"}}, "new"),
            ({"ArnLike": {"k:a": "arn:aws:iam::*:role/x"}}, {"ArnEquals": {"k:a": "arn:aws:iam::1:role/x"}}, "none"),
            ({"ArnLike": {"k:a": "arn:aws:iam::1:role/*"}}, {"StringLike": {"k:a": "arn:aws:iam::1:role/*"}}, "none"),
            ({"DateLessThan": {"k:a": "2024-01-01T00:00:00Z"}}, {"DateLessThan": {"k:a": "1704067200"}}, "none"),
            ({"Bool": {"k:a": "true"}}, {"Bool": {"k:a": "TRUE"}}, "none"),
        ]:
            pair = encode.Pair(document(**old), document(**new))
            found, _ = check.decide(pair, pair.documents[1], pair.documents[0], 10_000)
            self.assertEqual(found, forward, (old, new))

    def test_resources_match_segment_by_segment(self):
        for old, new, forward in [
            ("arn:aws:s3:::*", "arn:aws:s3:::b/*", "none"),
            ("arn:aws:*:*:*:x", "arn:aws:sqs:r:1:x", "none"),
            ("arn:aws:*:x", "arn:aws:a:b:c:x", "new"),
            ("arn:aws:s3:*", "arn:aws:s3:r:1:b", "none"),
            ("arn:aws:sqs", "arn:aws:sqs:r:1:q", "none"),
            ("arn:aws:s3:::*", "*", "new"),
        ]:
            pair = encode.Pair(document(resource=old), document(resource=new))
            found, _ = check.decide(pair, pair.documents[1], pair.documents[0], 10_000)
            self.assertEqual(found, forward, (old, new))

    def test_what_is_left_out_is_said(self):
        for text in ["arn:aws:s3:::${aws:username}"]:
            with self.assertRaises(encode.Unsupported):
                encode.Pair(document(resource=text), document())
        with self.assertRaises(encode.Unsupported):
            encode.Pair(document(StringEquals={"k:a": "1"}), document(NumericEquals={"k:a": "1"}))

    def test_the_same_seed_makes_the_same_pairs(self):
        self.assertEqual(pairs.made_up("1", 4), pairs.made_up("1", 4))


if __name__ == "__main__":
    unittest.main()
