"""The door to CHSI (学信网)."""
