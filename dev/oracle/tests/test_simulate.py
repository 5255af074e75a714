"""The comparison with the simulator finds what it should: run `python3 -m unittest` from `dev/oracle`."""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "simulate"))
import check  # noqa: E402
import questions  # noqa: E402
import rules  # noqa: E402
import shrink  # noqa: E402
import texts  # noqa: E402

# A stand-in for Ambit: the simulator as it is, with one answer turned round where `lie` is asked for.
STAND_IN = """
import json, subprocess, sys
lines = sys.stdin.read()
done = subprocess.run(["node", {answer!r}, {packages!r}], input=lines, capture_output=True, text=True, check=True)
for line in done.stdout.splitlines():
    answer = json.loads(line)
    if {lie!r} == answer["id"]:
        answer["decision"] = "allowed" if answer["decision"] != "allowed" else "implicitDeny"
    print(json.dumps(answer))
"""


class Questions(unittest.TestCase):
    def test_the_same_seed_asks_the_same(self):
        self.assertEqual(questions.question("7", 3), questions.question("7", 3))
        self.assertNotEqual(questions.question("7", 3), questions.question("8", 3))

    def test_every_operator_layer_and_element_is_asked_about(self):
        asked = [questions.question("1", number) for number in range(2000)]
        operators = {
            rules.base(operator.lower())
            for question in asked
            for _, _, statement in rules.statements(question)
            for operator in statement.get("Condition", {})
        }
        wanted = {name.lower() for names in questions.OPERATORS.values() for name in names} | {"null"}
        self.assertEqual(operators, wanted)
        elements = {
            element for question in asked for _, _, statement in rules.statements(question) for element in statement
        }
        self.assertLessEqual({"Principal", "NotPrincipal", "NotAction", "NotResource", "Condition"}, elements)
        layers = {layer for question in asked for layer in question["policies"]}
        self.assertEqual(layers, {"identity", "boundary", "session", "resource", "scps", "rcps"})


class Mending(unittest.TestCase):
    def stand_in(self, folder, lie=""):
        path = pathlib.Path(folder) / "ambit.py"
        path.write_text(STAND_IN.format(answer=str(check.HERE / "answer.mjs"), packages=str(check.PACKAGES), lie=lie))
        return [sys.executable, str(path)]

    def test_a_wrong_answer_is_left_over(self):
        asked = [questions.question("1", number) for number in range(30)]
        with tempfile.TemporaryDirectory() as folder:
            before = check.left_over(self.stand_in(folder), asked)
            lie = next(question["id"] for question in asked if question["id"] not in before)
            after = check.left_over(self.stand_in(folder, lie), asked)
        self.assertEqual(set(after) - set(before), {lie})

    def test_rules_leave_a_plain_question_alone(self):
        plain = {
            "id": "1",
            "request": {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "principal": None, "context": {}},
            "policies": {
                "identity": [
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": "s3:Get*",
                                "Resource": "arn:aws:s3:::b/*",
                                "Condition": {"NumericEquals": {"s3:max-keys": "1"}, "StringLike": {"s3:prefix": "a*"}},
                            }
                        ],
                    }
                ]
            },
        }
        for rule in rules.RULES:
            self.assertEqual(check.rewritten(plain, [rule]), plain, rule.__name__)

    def test_every_rule_is_adjudicated_with_an_example(self):
        told = {entry["id"] for entry in check.adjudicated("simulate")}
        self.assertEqual(told, {rule.__name__ for rule in rules.RULES + [rules.granted_directly]})

    def test_a_question_shrinks_to_what_matters(self):
        asked = (questions.question("1", number) for number in range(100))
        question = next(one for one in asked if one["policies"]["identity"] and one["request"]["context"])

        def interesting(asked):
            return {one["id"] for one in asked if one["policies"]["identity"]}

        small = shrink.shrink([question], interesting)[0]
        self.assertEqual(list(small["policies"]), ["identity"])
        self.assertEqual(small["request"]["context"], {})


class Texts(unittest.TestCase):
    def test_conditions_hold_as_documented(self):
        for operator, values, given, expected in [
            ("StringEquals", ["*"], "x", False),
            ("StringLike", ["a*"], "abc", True),
            ("StringNotEquals", ["a"], None, True),
            ("StringEquals", ["a"], None, False),
            ("StringEqualsIfExists", ["a"], None, True),
            ("StringNotEquals", ["a", "b"], "b", False),
            ("StringEquals", ["a"], ["a"], False),
            ("ForAllValues:StringEquals", ["a"], None, True),
            ("ForAnyValue:StringEquals", ["a"], None, False),
            ("ForAllValues:StringEquals", ["a"], ["a", "b"], False),
            ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
            ("ForAllValues:StringEquals", ["a"], "", True),
            ("Null", [True], None, True),
            ("Null", ["false"], "x", True),
            ("IpAddress", ["10.0.0.0/8"], "10.1.2.3", True),
            ("NotIpAddress", ["10.0.0.1"], "2001:db8::1", True),
            ("IpAddress", ["2001:DB8::/32"], "2001:db8::1", True),
            ("NumericEquals", ["1e1"], "10.0", True),
            ("NumericNotEquals", ["1"], "one", True),
            ("NumericEquals", ["one"], "1", None),
            ("DateLessThan", ["1717200001"], "2024-06-01T00:00:00Z", True),
            ("Bool", [True], "TRUE", True),
            ("ArnLike", ["arn:aws:s3:::*"], "arn:aws:s3:::a:b", True),
            ("ArnLike", ["arn:aws:*:x"], "arn:aws:s3:::x", False),
            ("StringEquals", ["${aws:username}"], "alice", True),
            ("StringNotEquals", ["${k:none}"], "x", True),
            ("StringEquals", ["${k:none, 'd'}"], "d", True),
            ("StringLike", ["${*}"], "x", False),
        ]:
            context = {"aws:username": "alice"}
            self.assertIs(
                texts.condition_holds(operator, values, given, context, True), expected, (operator, values, given)
            )


if __name__ == "__main__":
    unittest.main()
