"""Chinese in its two orthographies: what is read in traditional characters is compared in simplified ones."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import opencc

#: Words for which the dictionary knows another one than mathematics and this field use, or takes two words for one
#: (in 导数组成 it finds 数组).
_OWN_WORDS = {
    "参数": "參數", "函数": "函數", "导数": "導數", "优化": "優化", "激活": "激活", "视图": "視圖", "实例": "實例",
    "抛出": "拋出", "表达式": "表達式", "显存": "顯示記憶體", "全局": "全域", "局部": "局部", "发布": "發布",
    "审核": "審核", "常数": "常數", "整数": "整數", "倒数": "倒數", "系数": "係數", "指数": "指數", "对数": "對數",
}  # fmt: skip
_OWN = re.compile(f"({'|'.join(_OWN_WORDS)})")

#: Characters of a text that tell its orthography.
_ENOUGH = 2000


def is_traditional(text: str) -> bool:
    """Whether more of its characters are traditional alone than simplified alone."""
    if text.isascii():
        return False
    beginning = text[:_ENOUGH]
    return _changed(beginning, by="t2s") > _changed(beginning, by="s2t")


def _changed(text: str, *, by: str) -> int:
    return sum(old != new for old, new in zip(text, _converter(by).convert(text), strict=False))


def in_simplified(text: str) -> str:
    """The text as it is compared: in simplified characters, whichever its own are."""
    return simplified(text) if is_traditional(text) else text


def simplified(text: str) -> str:
    """The text in simplified characters, with the words that are usual beside them (程式 becomes 程序)."""
    return str(_converter("tw2sp").convert(text))


def traditional(text: str) -> str:
    """The text in traditional characters, with the words that are usual beside them in Taiwan (程序 becomes 程式).

    The words of this field stay what they are: 参数 becomes 參數, and never the 引數 of a call alone.
    """
    converter = _converter("s2twp")
    return "".join(_OWN_WORDS.get(piece) or str(converter.convert(piece)) for piece in _OWN.split(text))


@lru_cache(maxsize=4)
def _converter(name: str) -> opencc.OpenCC:
    import opencc  # noqa: PLC0415 - most posts never need its dictionaries

    return opencc.OpenCC(name)
