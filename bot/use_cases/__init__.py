"""The use cases (用例): the only places that open a unit of work."""
