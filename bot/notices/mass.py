"""Mass messages (群发): how many people are cut into calls the platform takes; pure."""

LEAST, MOST = 2, 10_000
"""Accounts one call takes. Source: doc/service/guide/product/message/Batch_Sends."""


def batch_sizes(count: int, most: int = MOST) -> tuple[int, ...]:
    """Return the sizes of the batches for ``count`` people (分批), none below two; () for a single one, who is called.

    Args:
        count: people to be reached.
        most: accounts in one batch, at least three.
    """
    if count < LEAST:
        return ()
    full, rest = divmod(count, most)
    if not rest:
        return (most,) * full
    if rest < LEAST and full:
        # A batch of one is refused; one person of the last full batch keeps the single one company.
        return (*(most,) * (full - 1), most - 1, rest + 1)
    return (*(most,) * full, rest)
