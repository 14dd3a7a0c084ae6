"""Where log lines go: standard error, so that results can be piped."""

from __future__ import annotations

import logging
import sys

import structlog


def log_to_stderr(level: str) -> None:
    """Log events of this level and above, as lines for people on a terminal and as JSON otherwise."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    # The scheduler says at WARNING that a round is still running when the next is due, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
