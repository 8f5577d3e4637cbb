"""The typed lookup (编号查询): a report found by its number and the graduate's full name, guessing kept hopeless."""
