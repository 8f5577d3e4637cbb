"""The doors: how the world talks to the system. Views translate; they decide nothing."""
