"""The memory: tables, unit of work, field cipher, token and limit stores, migrations."""
