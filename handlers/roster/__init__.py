"""The door for roster files (毕业生名册): spreadsheets in, spreadsheets out, and an invented one for the demo."""
