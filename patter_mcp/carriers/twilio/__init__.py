"""Twilio Programmable Voice: calls over its REST API, status by signed webhooks, audio over Media Streams."""

from patter_mcp.carriers.twilio.carrier import TwilioCarrier as TwilioCarrier

Twilio = TwilioCarrier
"""Its name in the package's root."""
