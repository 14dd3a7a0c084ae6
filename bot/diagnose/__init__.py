"""From a run to its cause: the closed vocabulary of evidence, and the matching of entries against it."""
