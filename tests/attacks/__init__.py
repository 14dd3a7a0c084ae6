"""What a hostile forum might post, and what must come of it. See docs/security.md."""
