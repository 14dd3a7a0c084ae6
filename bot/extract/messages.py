"""How torch's own messages about autograd begin, in every wording since 0.1.

A sentence that holds one of them quotes an error even when it names no type.
"""

from __future__ import annotations

import re

#: What any of the messages holds, in lower case: a cheap look before the expression.
KNOWN_MARKS = (
    "implicitly created", "does not require", "not a leaf", "second time", "leaf variable", "gradient computation",
    "in-place", "inplace", "is a view", "inference tensor", "floating point", "requires_grad flags", "non-leaf",
    "doesn't require", "call numpy()", "explicitly by the user", "differentiated tensor", "mismatch in shape",
    "grad_output", "returned a", "returned nan", "legacy autograd", "retain_grad", "has no attribute",
    "can be either", "is not implemented", "scalar type", "empty parameter list", "more than one value",
    "converting a tensor", "moved into the graph",
)  # fmt: skip
_KNOWN = re.compile(
    "|".join(
        (
            r"grad can be implicitly created only for",
            r"element \d+ of (?:tensors|variables) does not require",
            r"the \.grad attribute of a tensor that is not a leaf",
            r"trying to backward through the graph a second time",
            r"(?:a view of )?a leaf variable that requires grad",
            r"a leaf variable has been moved into the graph",
            r"one of the variables needed for gradient computation",
            r"in-?place operations? can be only used on variables",
            r"output \d+ of \w+ is a view",
            r"inference tensors cannot be",
            r"only tensors? of floating point",
            r"you can only change requires_grad flags",
            r"can't optimize a non-leaf",
            r"optimizing a parameter that doesn't require",
            r"can't call numpy\(\) on",
            r"only (?:tensors|variables) created explicitly by the user",
            r"(?:one of )?the differentiated tensors?",
            r"mismatch in shape: grad_output",
            r"grad_outputs?\[\d+\] ",
            r"function \w+ returned an (?:incorrect|invalid)",
            r"legacy autograd function",
            r"can't retain_grad on",
            r"'?nonetype'? object has no attribute '(?:zero_|data|backward|grad|item|detach|sub_|norm)",
            r"'?float'? object has no attribute 'backward",
            r"'?tensor'? object has no attribute 'grad",
            r"(?:grad|gradients?) can be either",
            r"(?:the )?derivative for .{1,60} is not implemented",
            r"expected (?:a )?scalar type .{1,30} but",
            r"function '\w+backward\w*' returned nan values",
            r"optimizer got an empty parameter list",
            r"boolean value of tensor with more than one value",
            r"converting a tensor (?:with|to)",
        )
    )
)


def known_message(text: str) -> re.Match[str] | None:
    """Where one of torch's own messages begins in the text."""
    lowered = text.lower()
    return _KNOWN.search(lowered) if any(mark in lowered for mark in KNOWN_MARKS) else None


def is_autograd_message(message: str) -> bool:
    """Whether a message is one of torch's about gradients, in any wording since 0.1."""
    return known_message(message) is not None
