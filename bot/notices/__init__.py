"""Notices (通知): the rules of what the system sends of its own accord: to whom, how, when, and what became of it."""
