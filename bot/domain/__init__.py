"""The nouns of the program: frozen objects that the stages hand on. See `docs/glossary.md`."""
