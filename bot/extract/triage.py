"""Posts that want no reply whatever their code does: thanks, links, answers, announcements, other subjects."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.domain.post import Post, Question
from bot.domain.snippet import Reading
from bot.extract.traceback import is_autograd_message


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


#: Somebody wants to know something.
_QUESTION = _words(
    r"[?？]", r"\bwhy\b", r"\bhow (?:do|does|to|can|could|should|is|are|come)\b",
    r"\bwhat (?:is|are|does|do|should|am|'s|would|exactly)\b",
    r"\b(?:can|could|would) (?:you|someone|somebody|anyone|anybody|I)\b", r"\bany (?:idea|suggestion|help|guidance|advice|hint|clue)",
    r"\b(?:please|kindly) (?:help|explain|advise|tell|clarify|let me know)", r"\bhelp (?:me|please|needed|would)\b", r"\bwonder",
    r"\bdon'?t (?:get|understand|know|see) (?:why|how|what|the|where|this|it)", r"\b(?:not|n't|cannot|never) (?:\w+ )?understand\b",
    r"\bconfus", r"\bwant to (?:know|ask)\b", r"\bwould like to (?:know|ask)\b", r"\bI wish to get your help",
    r"\bdid (?:some|any)(?:one|body)\b", r"\bhelp!", r"\bquestion\s*[:：]",
    "为什么", "为何", "怎么", "如何", "怎样", "请问", "请教", "求助", "求教", "求解答", "求大神", "不懂", "不明白", "不理解", "不太理解",
    "疑问", "困惑", "疑惑", "什么意思", "是不是", "能不能", "可不可以", "有没有", "吗", "呢", "哪里", "咋", "希望您的回复", "想问",
    "為什麼", "為何", "怎麼", "請問", "請教", "不懂", "嗎",
)  # fmt: skip

#: Somebody says that something is not as it should be.
_COMPLAINT = _words(
    r"\berrors?\b", r"error\b", r"\bexceptions?\b", r"\bfail(?:s|ed|ing|ure)?\b", r"\b(?:doesn|don|didn|isn|won|can|couldn|wouldn|aren|wasn)['’]?t\b",
    r"\b(?:not|never|no longer) (?:work|updat|chang|learn|train|converg|get|comput|calculat|accumul|differentiat|backprop|propagat)",
    r"\bcannot\b", r"\bunable\b", r"\bwrong\b", r"\bissues?\b", r"\bproblems?\b", r"\bbugs?\b", r"\bbroken?\b", r"\bbreaks\b", r"\bcomplain",
    r"\bnone\b", r"\bnan\b", r"\bunexpected", r"\bstrange\b", r"\bweird\b", r"\bodd\b", r"\bstuck\b", r"\btrouble", r"\binstead of\b", r"\bincorrect",
    r"\bmust be\b", r"\bshou?ld be\b", r"\bdiscard", r"\blost\b", r"\bmissing\b", r"\bpuzzled\b", r"\bexpected\b", r"\bwill be accumulated\b", r"\bout of memory\b",
    "报错", "错误", "出错", "异常", "失败", "不行", "无法", "不能", "没有梯度", "不对", "有误", "问题", "警告", "不更新", "不收敛", "爆显存",
    "報錯", "錯誤", "無法", "問題",
)  # fmt: skip

_AUTOGRAD = _words(
    r"grad", r"back-?\s?prop", r"backward", r"\bdetach", r"\bleaf\b", r"derivative", r"differentiat", r"differentiable", r"jacobian", r"hessian",
    r"\bin-?place\b", r"\bdeepcopy", r"\bargmax\b", r"\boptimi[sz]er\b", r"zero_grad", r"\bhidden state", r"repackage", r"\bnan\b", r"computation(?:al)? graph",
    r"(?:create|retain)_graph", r"\.data\b", r"\bvolatile\b", r"Variable\b", r"update (?:the )?param", r"no_grad", r"\.item\(\)", r"\bfreez", r"\bfrozen\b", r"weights? (?:are|is|do|does|did)n?'?t? ?(?:not )?(?:updat|chang)",
    "梯度", "求导", "反向传播", "反向求导", "微分", "导数", "计算图", "叶子", "叶张量", "求導", "微分", "導數", "計算圖", "偏导", "优化器", "原地",
)  # fmt: skip
_TORCH = _words(r"\btorch\b", r"\bpytorch", r"\bnn\.\w", r"loss\.\w", r"\btensor\b", "张量", "張量")

_OTHER_FRAMEWORK = _words(
    r"\btensorflow", r"\btf\.(?:\w)", r"\bkeras\b", r"\bjax\b", r"\bjnp\.", r"\bmxnet\b", r"\bgluon\b", r"\boneflow\b", r"\bpaddle", r"\bmindspore\b",
    r"\btinygrad\b", r"\bchainer\b", r"\btheano\b", r"\btorch7\b", r"\bmodel:backward\b", r"\bwebgpu", r"\btfjs\b", r"\bobservablehq\b", r"\bflux\.jl",
    r"from autograd import", r"import autograd\.numpy", r"autograd\.numpy", r"\bjittor\b", r"^\s*const \w+ =", r"\blibtorch\b(?!.*python)",
    r"\bLua\b", r"\bzygote\b", r"\bmicrograd\b",
)  # fmt: skip
_NUMPY_ONLY = re.compile(r"\bnp\.\w+\(")

_INSTALL = _words(
    r"\bpip3? install", r"\bconda install", r"\bNo module named\b", r"\bModuleNotFoundError", r"\bImportError", r"\bDLL load",
    r"\bCUDA (?:error|driver|version|kernel)", r"\bdevice-side assert", r"\bcudnn\b", r"\bnvcc\b", r"\bnvidia-smi\b", r"\binstall(?:ed|ing|ation)\b.{0,40}\b(?:torch|pytorch|cuda|d2l)",
    r"\bcannot import name\b", r"libcud", r"undefined symbol", r"no available machine", "安装", "装不上", "環境", "环境配置",
)  # fmt: skip
_OTHER_ERROR = _words(
    r"shapes cannot be multiplied", r"could not be broadcast", r"size mismatch", r"device-side assert", r"CUDA error", r"\bKeyError\b", r"FileNotFoundError",
    r"ModuleNotFoundError", r"ImportError", r"\bNameError\b", r"ConnectionError", r"HTTPError", r"IndentationError", r"must match the size of tensor", r"size of tensor a",
    r"Expected all tensors to be on the same device", r"out of range", r"No gradient defined for operation", r"JSONDecodeError", r"UnicodeDecodeError", r"not enough values to unpack",
    r"unexpected keyword argument", r"missing \d+ required positional",
)  # fmt: skip

_THANKS = _words(
    r"\bthanks?\b", r"\bthank you\b", r"\bthx\b", r"\bty\b", r"\bit works\b", r"\bworked for me\b", r"\bsolved\b", r"\bgot it\b", r"\bgreat (?:post|answer|explanation|content)", r"\bsuccessful",
    "谢谢", "感谢", "多谢", "谢啦", "明白了", "懂了", "解决了", "学到了", "謝謝", "感謝", "受教", "赞",
)  # fmt: skip
_LINK_WORDS = _words(
    r"\bcheck ?out\b", r"\bsee (?:this|here|also)\b", r"\bhere(?:'s| is) (?:a|an|the) (?:good|nice|great|link|video|explanation|article)", r"\brefer to\b", r"\brecommend",
    "推荐", "不错的(?:讲解|文章|教程|视频|解释)", "可以参考", "参考链接", "分享", "推薦",
)  # fmt: skip

_CHANGE_TITLE = re.compile(
    r"^\W*(?:\[[^\]]*\]\W*)*(?:(?:feat|fix|docs?|chore|refactor|test|ci|perf|build)(?:\([^)]*\))?!?:|"
    r"(?:add(?:ed|s|ing)?|fix(?:ed|es)?|update[ds]?|improved?|implement(?:ed|s)?|remove[ds]?|support|refactor|bump|rename|replace|introduce|"
    r"enable|allow|clean ?up|deprecate|document|port|migrate|expose|revert|correct(?:ed)?|feature request|proposal|rfc|we should|todo|to-do)\b)",
    re.IGNORECASE,
)
_CHANGE_BODY = _words(
    r"\bpull request\b", r"\bthis PR\b", r"\bin this (?:commit|patch|change)\b", r"^\W*\**summary\**\s*$", r"\b(?:fixes|closes|resolves|addresses) #\d+", r"\bchangelog\b", r"\bSigned-off-by\b",
    r"\bfeature request\b", r"\bwould be (?:nice|great|useful|helpful|more instructive)\b", r"\bwould be really helpful\b", r"\bI (?:thought|believe) it would be\b", r"\bwe should (?:not |never )?(?:produce|make|mark|add|raise|support|allow)",
    r"\bmake a note\b", r"\bto-?do list\b", "建议添加", "建议增加", "再添加一个", "可以增加", "希望(?:能)?(?:增加|添加|补充)", "提个建议",
)  # fmt: skip
_TYPO = _words(r"\btypos?\b", r"\bmisspell", r"\bmistyped\b", r"\bshou?ld (?:be|read)\b.{0,20}\binstead\b", "笔误", "勘误", "错别字", "有一处笔误", "拼写错误", "筆誤")
_PATCH = re.compile(r"\S\s*(?:--+>|→|⇒)\s*\S|^\s*line\s*[:：]?\s*\d+\b.*=", re.MULTILINE | re.IGNORECASE)
_WITHDRAWN = _words(
    r"\bwrong (?:place|repo|repository|forum|thread|section|category)\b", r"\bplease (?:ignore|close|delete)\b", r"\bnever ?mind\b", r"\bsorry,? (?:my (?:bad|mistake)|posted)", r"\bfalse alarm\b",
    r"\bdelete this (?:post|thread|issue)\b", r"\bduplicate of #?\d+", "发错", "请忽略", "已删除", "请删除", "打扰了", "自己解决了", "已解决",
)  # fmt: skip
_FORUM_MATTERS = _words(
    r"\bgithub ?url\b", r"\bto show code\b", r"\bcode fences?\b", r"\bformat your code\b", r"\bbackticks\b", r"\bthis (?:topic|thread) (?:is|was|has been) (?:moved|closed)",
    r"\bavoid import", r"\baviod import",
)  # fmt: skip

_SOLUTION = _words(
    r"\bmy (?:own )?(?:solutions?|answers?|code|implementation|attempt|take) (?:for|to|of|on)\b", r"\bsolutions? (?:for|to|of) (?:the )?(?:questions?|exercises?|q\s?\d|ex\b|problem)",
    r"^\W*(?:for )?(?:q|question|ex|exercise)s?\s?\.?\s?\d+\W*$", r"\bhere (?:is|are) my (?:solutions?|answers?)", r"\bsharing my\b",
    r"我的(?:答案|解答|解法|代码|做法|练习)", r"(?:练习|习题|第\s*\d+\s*题|问题\s*\d+).{0,6}(?:答案|解答|解法|代码)", r"分享(?:一下)?(?:我的|答案|代码)", r"解决(?:方法|办法|方案)", r"^\W*(?:练习|习题|作业)?\s?第?\s?\d+\s?题?\W*$",
)  # fmt: skip
_HOMEWORK = _words(
    r"\b(?:write|implement|complete|do|solve|finish) (?:the |a |my |this )?(?:whole |full |entire |complete )?(?:program|assignment|homework|exercise|code|solution) (?:for me|that|which)\b",
    r"\b(?:full|complete|entire) (?:solution|code|answer)s? (?:to|for|of)\b", r"\b(?:homework|assignment)\b.{0,60}\b(?:due|deadline|tomorrow|tonight|submit)", r"\bdo my homework\b",
    "帮我写", "帮忙写", "求(?:完整)?(?:代码|答案)", "完整(?:代码|答案|解答)", "代写", "帮我做(?:一下)?作业",
)  # fmt: skip

_ANSWER = _words(
    r"\byou (?:can|could|should|need to|may|might|have to|must|just|probably|forgot|are (?:calling|using|trying|missing))\b", r"\btry (?:to|using|adding|replacing|this|it|setting|calling|changing|with)\b", r"\balternatively\b",
    r"\bthe reason (?:is|for|why)\b", r"\b(?:this|that|it)(?:'s| is) because\b", r"\byour (?:code|problem|question|error|mistake|loss|model) (?:is|was|does|has|needs|should)\b", r"\bhope (?:this|that|it) helps\b", r"\bin your (?:case|code|example)\b",
    r"^\W*yes\b", r"^\W*no\b,", r"\bas (?:mentioned|explained|said)\b", r"\blet(?:'|’)?s analy[sz]e\b", r"\bI think you\b", r"\bmake sure (?:you|that|to)\b", r"\bshould be cleared\b", r"\bit seems that\b",
    "你可以", "你应该", "你需要", "您可以", "建议你", "试试", "可以尝试", "原因是", "这是因为", "是因为", "也就是说", "简洁的讲", "简单来说", "换句话说", "你的代码", "你的问题", "你想", "你的意思", "你显然", "你是指",
    "看完你的", "懂吗", "希望对你有帮助", "符不符合你的要求", "你把", "你这里", "楼上", "楼主", "可以理解成", "可以理解为", "首先",
    "你的程式", "您可以", "建議你",
)  # fmt: skip
_ASKER = _words(
    "请问", "请教", "我想问", "想问", "您的(?:回答|回复|解答|修改|方法)", "谢谢您", "感谢您", "我也(?:遇到|有|不|是)", "同问", "求助", "我的问题", "我的意思",
    r"\bI (?:have|had|get|got|am getting|am having|met|face|encounter)\b.{0,40}\b(?:error|problem|issue|question|trouble)", r"\bsame (?:problem|issue|error|question)\b", r"\bmy question\b", r"\bI (?:still )?(?:don'?t|do not|cannot|can'?t) (?:understand|get|see)",
    r"\bI (?:wonder|was wondering|am wondering|want to|wanted to|would like to|tried)\b", r"\bthank you (?:for|in advance)", r"\bthanks (?:for|in advance)",
)  # fmt: skip

_ADDRESS = re.compile(r"https?://\S+|www\.\S+")


def asks(reading: Reading) -> bool:
    """Whether the post asks something or says that something is not as it should be."""
    return reading.error is not None or _asks(reading.prose)


def silent_because(question: Question, reading: Reading) -> str | None:
    """Why the post wants no reply, as a short code; None when it may want one.

    Codes: `empty`, `withdrawn`, `forum_matter`, `thanks`, `link`, `announcement`, `patch_note`, `answer`,
    `working_solution`, `homework`, `other_framework`, `installation`, `other_error`, `remark`,
    `not_autograd`. When in doubt the answer is None: the run of the code, or its absence, decides later.
    """
    told = _Told.of(question, reading)
    return next((code for code, holds in _RULES if holds(told)), None)


@dataclass(frozen=True, slots=True)
class _Told:
    """A post as the rules see it."""

    question: Question
    reading: Reading
    title: str                           #: empty when the post did not open its topic
    prose: str
    everything: str                      #: title, sentences, code and error

    @classmethod
    def of(cls, question: Question, reading: Reading) -> _Told:
        opens = question.post.number == 1 and not question.earlier
        title = question.title if opens else ""
        prose = _ADDRESS.sub(" ", reading.prose)
        code = "\n".join(block.text for block in reading.blocks)
        error = f"{reading.error.type or ''} {reading.error.message}" if reading.error else ""
        return cls(question, reading, title, prose, "\n".join((question.title, reading.prose, code, error)))

    @property
    def words(self) -> int:
        """How long the sentences are: words, and two characters of Chinese as one."""
        return len(re.findall(r"[A-Za-z0-9_']+", self.prose)) + len(re.findall("[\u3400-\u9fff]", self.prose)) // 2

    @property
    def own_error(self) -> bool:
        """It quotes one of torch's errors about gradients."""
        return self.reading.error is not None and is_autograd_message(self.reading.error.message)

    @property
    def asks_something(self) -> bool:
        """It asks, in its title or its sentences."""
        return _QUESTION.search(self.prose) is not None or _QUESTION.search(self.title) is not None

    @property
    def complains(self) -> bool:
        """It says that something is wrong."""
        return _COMPLAINT.search(f"{self.title}\n{self.prose}") is not None or self.reading.error is not None


def _asks(text: str) -> bool:
    return _QUESTION.search(text) is not None or _COMPLAINT.search(text) is not None


def _empty(told: _Told) -> bool:
    return not (told.title or told.prose or told.reading.blocks or told.reading.error or told.reading.picture_only)


def _withdrawn(told: _Told) -> bool:
    return _WITHDRAWN.search(told.prose) is not None and not _QUESTION.search(told.prose)


def _forum_matter(told: _Told) -> bool:
    return _FORUM_MATTERS.search(told.prose) is not None and not told.reading.blocks and not told.own_error


def _thanks(told: _Told) -> bool:
    if told.reading.blocks or told.own_error or told.words > 30:
        return False
    return _THANKS.search(told.prose) is not None and not _asks(told.prose) and not _asks(told.title)


def _link(told: _Told) -> bool:
    if told.reading.blocks or told.asks_something or told.own_error:
        return False
    addressed = _ADDRESS.search(told.question.post.raw) is not None and told.words <= 25
    return (addressed and not told.complains) or (_LINK_WORDS.search(told.prose) is not None and told.words <= 40)


def _announcement(told: _Told) -> bool:
    if _QUESTION.search(told.prose):
        return False
    if _CHANGE_TITLE.match(told.title) and not _QUESTION.search(told.title):
        return True
    return _CHANGE_BODY.search(told.prose) is not None or (
        _TYPO.search(f"{told.title}\n{told.prose}") is not None and not told.own_error
    )


def _patch_note(told: _Told) -> bool:
    if _QUESTION.search(told.prose) or told.reading.blocks:
        return False
    return _PATCH.search(told.prose) is not None and told.words <= 30


def _answer(told: _Told) -> bool:
    """It explains or directs, to somebody else or to nobody, and asks nothing for itself."""
    if _ANSWER.search(told.prose) is None or _ASKER.search(told.prose) is not None:
        return False
    if _replies_to_another(told):
        return True
    return not told.asks_something and not told.own_error


def _replies_to_another(told: _Told) -> bool:
    post = told.question.post
    replied = told.question.replied_to
    if replied is None or not post.author or replied.author == post.author:
        return False
    return not any(_same_author(earlier, post) and _asks(earlier.raw) and not _ANSWER.search(earlier.raw)
                   for earlier in told.question.earlier)


def _same_author(one: Post, other: Post) -> bool:
    return bool(one.author) and one.author == other.author


def _working_solution(told: _Told) -> bool:
    if not told.reading.blocks or _QUESTION.search(told.prose):
        return False
    shown = f"{told.title}\n{told.question.post.raw}"
    return _SOLUTION.search(told.prose) is not None or (
        _SOLUTION.search(shown) is not None and not _COMPLAINT.search(told.prose)
    )


def _homework(told: _Told) -> bool:
    return _HOMEWORK.search(told.prose) is not None and not told.own_error and not told.reading.blocks


def _other_framework(told: _Told) -> bool:
    if _OTHER_FRAMEWORK.search(told.everything) is not None:
        return re.search(r"\bimport torch\b|\btorch\.\w|\bpytorch\b", told.everything, re.IGNORECASE) is None or (
            "d2l" in told.everything and not told.reading.blocks
        )
    code = "\n".join(block.text for block in told.reading.blocks)
    return bool(_NUMPY_ONLY.search(code)) and not _TORCH.search(told.everything)


def _installation(told: _Told) -> bool:
    return _INSTALL.search(told.everything) is not None and not told.own_error and not _AUTOGRAD.search(told.prose)


def _other_error(told: _Told) -> bool:
    error = told.reading.error
    if error is None or told.own_error:
        return False
    return _OTHER_ERROR.search(f"{error.type}: {error.message}") is not None and not _AUTOGRAD.search(told.prose)


def _remark(told: _Told) -> bool:
    return not (told.reading.blocks or told.asks_something or told.complains)


def _not_autograd(told: _Told) -> bool:
    return not _AUTOGRAD.search(told.everything) and not told.own_error and not _runs_torch(told)


def _runs_torch(told: _Told) -> bool:
    return any(re.search(r"\btorch\b|\bnn\.", block.text) for block in told.reading.blocks)


_RULES = (
    ("empty", _empty),
    ("withdrawn", _withdrawn),
    ("forum_matter", _forum_matter),
    ("thanks", _thanks),
    ("link", _link),
    ("announcement", _announcement),
    ("patch_note", _patch_note),
    ("working_solution", _working_solution),
    ("answer", _answer),
    ("homework", _homework),
    ("other_framework", _other_framework),
    ("installation", _installation),
    ("other_error", _other_error),
    ("remark", _remark),
    ("not_autograd", _not_autograd),
)
