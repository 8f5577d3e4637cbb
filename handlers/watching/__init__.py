"""Watching (运行监测): is it well, what does it do, and what does it say; never with data of anybody."""
