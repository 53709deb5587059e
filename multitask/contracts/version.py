"""Which version of multitask is this? setup.cfg holds the same."""

VERSION = "0.1.0"
