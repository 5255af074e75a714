"""The queue of events: what is put into it, and who may read it."""

import json
import subprocess
import sys

from botocore.exceptions import ClientError

from cases import ACCOUNT, EndpointTest, READ_A
from support import CLOUD

TAGS = {"endpoint/events": "iam"}


class EventsTest(EndpointTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sqs = cls.endpoint.client("sqs")

    def queue(self, name: str, tags: dict = TAGS) -> str:
        url = self.sqs.create_queue(QueueName=name, tags=tags)["QueueUrl"]
        self.addCleanup(lambda: self.sqs.delete_queue(QueueUrl=url))
        return url

    def events(self, url: str) -> list[dict]:
        """All events that wait, in the order in which they came."""
        found: list[dict] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
            self.sqs.delete_message_batch(QueueUrl=url, Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(messages)])
        return found

    def test_a_queue_has_the_address_that_aws_gives_it(self):
        self.assertEqual(self.queue("address"), f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/address")
        self.assertEqual(self.sqs.get_queue_url(QueueName="address")["QueueUrl"], f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/address")

    def test_each_change_is_told_once_with_who_did_what(self):
        url, before = self.queue("told"), self.role("ev-before")
        self.events(url)
        self.iam.put_role_policy(RoleName="ev-before", PolicyName="p", PolicyDocument=json.dumps(READ_A))
        self.iam.update_role(RoleName="ev-before", MaxSessionDuration=7200)
        self.iam.tag_role(RoleName="ev-before", Tags=[{"Key": "team", "Value": ""}])
        self.iam.untag_role(RoleName="ev-before", TagKeys=["team"])
        self.iam.update_assume_role_policy(RoleName="ev-before", PolicyDocument=self.trust("other"))
        self.assertTrue(before)
        events = self.events(url)
        self.assertEqual([event["detail"]["eventName"] for event in events],
                         ["PutRolePolicy", "UpdateRole", "TagRole", "UntagRole", "UpdateAssumeRolePolicy"])
        first = events[0]
        self.assertEqual((first["detail-type"], first["source"], first["account"]), ("AWS API Call via CloudTrail", "aws.iam", ACCOUNT))
        detail = first["detail"]
        self.assertEqual(detail["requestParameters"], {"roleName": "ev-before", "policyName": "p", "policyDocument": json.dumps(READ_A)})
        self.assertEqual(detail["userIdentity"], {
            "type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT, "accessKeyId": "test"})
        self.assertEqual((detail["eventSource"], detail["sourceIPAddress"], detail["readOnly"], detail["recipientAccountId"]),
                         ("iam.amazonaws.com", "127.0.0.1", False, ACCOUNT))
        self.assertRegex(detail["eventTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(len({event["detail"]["eventID"] for event in events}), 5)
        self.assertEqual([event["detail"]["requestParameters"] for event in events[1:4]], [
            {"roleName": "ev-before", "maxSessionDuration": 7200},
            {"roleName": "ev-before", "tags": [{"key": "team", "value": ""}]},
            {"roleName": "ev-before", "tagKeys": ["team"]}])

    def test_users_and_sessions_are_told_by_name(self):
        url = self.queue("callers")
        allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        user = self.user("ev-user", allow)
        user.tag_role(RoleName=self.role("ev-target").rsplit("/", 1)[-1], Tags=[{"Key": "a", "Value": "b"}])
        identity = self.events(url)[-1]["detail"]["userIdentity"]
        self.assertEqual((identity["type"], identity["arn"], identity["userName"]), ("IAMUser", f"arn:aws:iam::{ACCOUNT}:user/ev-user", "ev-user"))
        role = self.role("ev-caller", allow)
        token = self.issuer.token()
        session = self.sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="s-1", WebIdentityToken=token)["Credentials"]
        self.endpoint.as_session("iam", session).untag_role(RoleName="ev-target", TagKeys=["a"])
        identity = self.events(url)[-1]["detail"]["userIdentity"]
        self.assertEqual((identity["type"], identity["arn"]), ("AssumedRole", f"arn:aws:sts::{ACCOUNT}:assumed-role/ev-caller/s-1"))
        self.assertEqual(identity["sessionContext"]["sessionIssuer"]["arn"], role)

    def test_changes_of_users_and_keys_are_told_as_those_of_roles(self):
        url = self.queue("users")
        named = {"UserName": "ev-keys"}
        self.iam.create_user(**named, Tags=[{"Key": "team", "Value": "shop"}])
        self.iam.put_user_policy(**named, PolicyName="p", PolicyDocument=json.dumps(READ_A))
        key = self.iam.create_access_key(**named)["AccessKey"]
        self.iam.update_access_key(**named, AccessKeyId=key["AccessKeyId"], Status="Inactive")
        self.iam.delete_access_key(**named, AccessKeyId=key["AccessKeyId"])
        self.iam.list_access_keys(**named)
        events = self.events(url)
        about_key = {"userName": "ev-keys", "accessKeyId": key["AccessKeyId"]}
        self.assertEqual([(event["detail"]["eventName"], event["detail"]["requestParameters"]) for event in events], [
            ("CreateUser", {"userName": "ev-keys", "tags": [{"key": "team", "value": "shop"}]}),
            ("PutUserPolicy", {"userName": "ev-keys", "policyName": "p", "policyDocument": json.dumps(READ_A)}),
            ("CreateAccessKey", {"userName": "ev-keys"}),
            ("UpdateAccessKey", {**about_key, "status": "Inactive"}), ("DeleteAccessKey", about_key)])
        self.assertNotIn(key["SecretAccessKey"], json.dumps(events))

    def test_what_changes_nothing_is_not_told(self):
        url, untagged = self.queue("quiet"), self.queue("untagged", {})
        self.role("ev-quiet")
        self.assertEqual(len(self.events(url)), 1)
        self.iam.get_role(RoleName="ev-quiet")
        self.assert_refused("NoSuchEntity", self.iam.delete_role, RoleName="ev-nobody")
        nobody = self.user("ev-nobody", READ_A)
        self.events(url)
        self.assert_refused("AccessDenied", nobody.delete_role, RoleName="ev-quiet")
        self.assertEqual((self.events(url), self.events(untagged)), ([], []))

    def test_only_who_is_allowed_reads_a_queue_and_a_batch_asks_for_the_same(self):
        url, other = self.queue("mine"), self.queue("theirs")
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"], "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine"}]}
        self.iam.create_user(UserName="reader")
        self.iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(policy))
        key = self.iam.create_access_key(UserName="reader")["AccessKey"]
        reader = self.endpoint.client("sqs", key["AccessKeyId"], key["SecretAccessKey"])
        received = reader.receive_message(QueueUrl=url)["Messages"]
        answer = reader.delete_message_batch(QueueUrl=url, Entries=[{"Id": "0", "ReceiptHandle": received[0]["ReceiptHandle"]}])
        self.assertEqual([done["Id"] for done in answer["Successful"]], ["0"])
        wanted = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
        self.assert_refused("AccessDenied", reader.receive_message, "user/reader", "sqs:ReceiveMessage", f"{wanted}theirs", QueueUrl=other, status=403)
        self.assert_refused("AccessDenied", reader.send_message, f"sqs:SendMessage on resource: {wanted}mine", QueueUrl=url, MessageBody="x")
        self.assert_refused("AccessDenied", reader.delete_queue, QueueUrl=url)
        wrong = self.endpoint.client("sqs", key["AccessKeyId"], "wrong")
        with self.assertRaises(ClientError) as caught:
            wrong.receive_message(QueueUrl=url)
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)

    def test_a_queue_that_is_not_there_is_missed(self):
        self.assert_refused("AWS.SimpleQueueService.NonExistentQueue", self.sqs.receive_message,
                            QueueUrl=f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/none")

    def test_a_planted_queue_is_told(self):
        planted = subprocess.run(
            [sys.executable, str(CLOUD / "plant.py"), "queue", "--name", "planted"], check=True, capture_output=True, text=True,
            env=self.endpoint.environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test"))
        planted = json.loads(planted.stdout)
        self.assertEqual(planted["arn"], f"arn:aws:sqs:us-east-1:{ACCOUNT}:planted")
        self.addCleanup(lambda: self.sqs.delete_queue(QueueUrl=planted["url"]))
        self.role("ev-planted")
        self.assertEqual([event["detail"]["eventName"] for event in self.events(planted["url"])], ["CreateRole"])

    def test_a_queue_outlives_a_restart(self):
        url = self.queue("lasting")
        self.endpoint.stop(kill=True)
        self.endpoint.start()
        self.role("ev-lasting")
        self.assertEqual(len(self.events(url)), 1)
