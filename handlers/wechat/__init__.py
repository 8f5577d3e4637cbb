"""The door to the WeChat official account (微信公众号)."""
