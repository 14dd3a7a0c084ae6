"""A forum post goes in; a short reply whose code has been run comes out, and waits for a moderator.

    Post ──intake──▶ Question ──extract──▶ Snippet ──sandbox──▶ Run ──diagnose──▶ Diagnosis
         ──repair──▶ Repair ──sandbox──▶ Run ──verify──▶ Proof ──draft──▶ Draft
         ──review──▶ Decision ──publish──▶ Reply ──watch──▶ Outcome

`bot.pipeline` holds these stages in their order, `bot.domain` the nouns between them,
`knowledge/` what the program knows, and `docs/glossary.md` what each word means.
"""
