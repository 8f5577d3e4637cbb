"""The conversation (对话): what was said, what it means, what is asked next."""
