"""Issuers of tokens as CI systems have them, for the test bed."""
