"""The version of all programs: their metrics, the documentation and each report name it."""

VERSION = "0.1.0"
