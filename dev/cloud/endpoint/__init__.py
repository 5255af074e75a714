"""An AWS endpoint for the test bed: ministack's IAM, STS, S3 and SQS, with AWS's own rules where ministack has none.

Every request passes one gate (`gate`) that knows who calls, what the call means and
which policies decide about it. What the gate cannot name it refuses.
"""
