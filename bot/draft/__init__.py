"""From the evidence to a reply in the asker's language."""
