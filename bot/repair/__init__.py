"""From a diagnosis to the smallest edit of the asker's own program that mends it."""
