"""The roof: reads settings, opens engines, wires everything. Nobody imports it."""


def main() -> None:
    """Run the ``quxiang`` command."""
