"""The rules, pure: no I/O, no clock, no randomness; the standard library and idna only."""
