"""The mind: rules, conversation, use cases. Pure: no web, no SQL, no network, no clock, no randomness of its own."""
