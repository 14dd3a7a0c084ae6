"""The words by which a post that wants no reply, or one that asks, is told from others. Data, not rules.

A new word goes into its list; `bot.extract.phrases` says how it is written.
"""

from __future__ import annotations

import re

from bot.extract.phrases import Phrases

#: Somebody wants to know something.
QUESTION = Phrases(
    "?", "？", "why", "how do", "how does", "how to", "how can", "how could", "how should", "how is",
    "how are", "how come", "what is", "what are", "what does", "what do", "what should", "what am",
    "what's", "what would", "what exactly", "can you", "could you", "would you", "can someone",
    "could someone", "can somebody", "can anyone", "could anyone", "can anybody", "can i", "could i",
    "any idea*", "any suggestion*", "any help", "any guidance", "any advice", "any hint*", "any clue",
    "please help", "please explain", "please advise", "please tell", "kindly *", "help me", "help please",
    "help needed", "wonder*", "don't get why", "don't understand", "do not understand", "not understand",
    "cannot understand", "can't understand", "never understood", "confus*", "want to know", "want to ask", "wanna ask", "wanna know",
    "would like to know", "would like to ask", "to get your help", "did someone", "did anyone",
    "did anybody", "did somebody", "question about", "shouldn't it", "shouldn't we", "shouldn't this", "shouldn't the", "should i", "should we", "should it",
    "is it necessary", "is it correct", "is it right", "is it ok", "is it okay", "is this correct", "is this right", "isn't it", "don't know why", "don't know how", "don't see why",
    "为什么", "为何", "怎么", "如何", "怎样", "请问", "请教", "求助", "求教", "求解答", "求大神", "不懂",
    "不明白", "不理解", "不太理解", "疑问", "困惑", "疑惑", "什么意思", "是不是", "能不能", "可不可以",
    "有没有", "吗", "呢", "哪里", "咋", "希望您的回复", "想问", "啥意思", "為什麼", "為何", "怎麼",
    "請問", "請教", "不懂", "嗎", "什麼意思", "困惑",
)  # fmt: skip

#: What a form says by itself, around what somebody filled in.
FORM = re.compile(
    r"^.*(?:\bif you are submitting\b|\bif you have a question or would like\b|\bbug reports and feature requests\b"
    r"|\bplease (?:copy and paste the output|preface the title|fill (?:in|out) the|read (?:and check )?the (?:docs|following)|search (?:the )?existing)\b"
    r"|\bfill out the checklist\b|\byou can get the script\b|\bbefore (?:submitting|opening|asking)\b.{0,40}\bplease\b"
    r"|\ba (?:clear and concise|short) description of\b|\bsteps to reproduce the behaviou?r\b).*$",
    re.IGNORECASE | re.MULTILINE,
)

#: Somebody says that something is not as it should be.
COMPLAINT = Phrases(
    "error", "errors", "exception", "exceptions", "fail", "fails", "failed", "failing", "failure",
    "doesn't", "don't", "didn't", "isn't", "won't", "can't", "couldn't", "wouldn't", "aren't", "wasn't",
    "doesnt", "dont", "didnt", "cant", "not work*", "not updat*", "not chang*", "not learn*",
    "not train*", "not converg*", "not get*", "not comput*", "not calculat*", "not accumulat*",
    "not differentia*", "not backprop*", "not propagat*", "not includ*", "not register*", "not flow*", "not saved", "never updat*", "never chang*", "no longer",
    "cannot", "unable", "wrong", "issue", "issues", "problem", "problems", "bug", "bugs", "buggy",
    "broke", "broken", "breaks", "complain*", "none", "nan", "nans", "all zeros", "zeros", "always zero",
    "always the same", "stays", "remain*", "constant*", "keeps growing", "growing", "grows", "slower",
    "leak*", "differ", "differs", "unchanged", "vanish*", "explod*", "unexpected*", "strange", "weird",
    "odd", "stuck", "trouble*", "instead of", "incorrect*", "shoud be", "discard*", "lost", "missing",
    "puzzled", "expected", "will be accumulated", "out of memory", "diverg*", "crash*", "must be put",
    "wants to be", "supposed to be", "报错", "错误", "出错", "异常", "失败", "不行", "无法", "不能",
    "没有梯度", "不对", "有误", "问题", "警告", "不更新", "不收敛", "发散了", "不下降", "爆显存", "不变", "報錯", "錯誤",
    "無法", "問題", "為none", "为none", "是none", "*error*",
    patterns=(
        r"\bloss(?:es)?\b.{0,30}\b(?:blows? up|blew up|goes? up|went up|rises?|(?:gets?|goes?|went) (?:crazy|wild|to infinity))\b",
        r"(?:损失|loss|误差).{0,8}(?:发散|震荡|爆炸|越来越大|一直(?:涨|变大|上升)|降不下来)",
        r"\b(?:results?|gradients?|grads?|answers?|values?|it|outputs?|shapes?|they|this|\w+\.grad)\b.{0,12} should(?:n't| not)? (?:be|have)\b(?! (?:cleared|zeroed|reset|set)\b)",
    ),
)  # fmt: skip

#: The subject is automatic differentiation or training by it.
AUTOGRAD = Phrases(
    "*grad*", "*backprop*", "back prop*", "*backward*", "*detach*", "leaf", "leaves", "*derivative*",
    "*differentia*", "*jacobian*", "*hessian*", "inplace", "in place", "*deepcopy*", "*argmax*", "*arg_max*",
    "optimizer*", "optimiser*", "deep copy", "shallow copy", "深拷贝", "浅拷贝", "hidden state*", "repackage*", "computation graph*",
    "computational graph*", "create_graph", "retain_graph", "volatile", "freez*", "frozen", "nan", "nans",
    "vjp", "the graph", "weights are not", "weights not", "not updating", "loss", "losses", "weights",
    "parameters", "nn.parameter*", "module.__init__*", "batchnorm", "batch norm", "state_dict", "hook*", "checkpoint*",
    "update the parameters", "update parameters", ".data", "variable(", ".item()", "梯度", "求导",
    "反向传播", "反向求导", "微分", "导数", "计算图", "叶子", "叶张量", "偏导", "优化器", "原地",
    "modulelist", "moduledict", "parameterlist", "*crossentropy*", "cross entropy", "*withlogits*",
    "softmax", "model.eval*", "eval()", "running_mean", "running statistics", "交叉熵", "隐状态", "隐藏状态",
    "不更新", "权重", "参数", "损失", "不收敛", "求導", "微分", "導數", "計算圖", "反向傳播",
)  # fmt: skip

#: Signs of PyTorch in a post whose code is all NumPy.
TORCH = Phrases(
    "*torch*", "tensor", "tensors", "张量", "張量", "nn.", "loss.", ".backward(", "requires_grad", "grad_fn"
)

#: Another library than PyTorch whose calls are named as PyTorch's.
LOOKALIKE = Phrases(
    "zerogradparameters",
    "getparameters()",
    "require 'nn'",
    "mx.nd*",
    "mx.autograd*",
    "mxnet",
    "attach_grad*",
    "autograd.record*",
    "darknet",
    "stopbackward",
    "oneflow",
    "paddle*",
    "mindspore",
    "jittor",
    "webgpu",
    "observablehq",
    "tfjs",
    "libtorch",
)

#: Another library than PyTorch.
OTHER_FRAMEWORK = Phrases(
    "tensorflow*", "keras", "jax", "mxnet", "gluon", "tinygrad", "chainer", "theano", "torch7", "lua",
    "zygote", "micrograd", "mlpack", "numpy-ml", "caffe", "cntk", "dynet", "k.gradients", "jnp.", "model:backward", "autograd.numpy", "from autograd import", "flux.jl",
    patterns=(r"(?<![\w.])tf\.\w", r"(?<![\w.])k\.(?:cast|expand_dims|gradients|int_shape|learning_phase|epsilon|function)\(", r"^\s*const \w+ ="),
)  # fmt: skip

#: Installing, drivers, versions.
INSTALLATION = Phrases(
    "pip install", "pip3 install", "conda install", "no module named", "modulenotfounderror*",
    "importerror*", "dll load*", "cuda error", "cuda driver", "cuda version", "cuda kernel*",
    "device-side assert", "cudnn", "nvcc", "nvidia-smi", "cannot import name", "libcud",
    "undefined symbol", "available machine", "安装", "装不上", "环境配置", "安裝",
    patterns=(r"\binstall(?:ed|ing|ation)?\b.{0,40}\b(?:torch|pytorch|cuda|d2l)",),
)  # fmt: skip

#: Errors that have nothing to do with gradients.
OTHER_ERROR = Phrases(
    "shapes cannot be multiplied", "could not be broadcast*", "size mismatch", "device-side assert",
    "cuda error", "keyerror", "filenotfounderror", "modulenotfounderror", "importerror", "nameerror",
    "connectionerror", "httperror", "indentationerror", "must match the size of tensor",
    "size of tensor a", "expected all tensors to be on the same device", "out of range",
    "no gradient defined for operation", "jsondecodeerror", "unicodedecodeerror",
    "not enough values to unpack", "unexpected keyword argument", "cannot import name", "syntaxerror",
    patterns=(r"missing \d+ required positional",),
)  # fmt: skip

THANKS = Phrases(
    "thanks", "thank you", "thank", "thx", "ty", "it works", "worked for me", "solved", "got it",
    "great post", "great answer", "great explanation", "great content", "successful*", "谢谢", "感谢",
    "多谢", "谢啦", "明白了", "懂了", "解决了", "学到了", "謝謝", "感謝", "受教", "赞",
)  # fmt: skip

LINK = Phrases(
    "checkout", "check out", "see this", "see here", "see also", "refer to", "recommend*", "here's a",
    "here is a good", "here is a nice", "here is a great", "here is the link", "here is a link",
    "here is a video", "here is an article", "推荐", "不错的讲解", "不错的文章", "不错的教程",
    "不错的视频", "不错的解释", "可以参考", "参考链接", "分享", "推薦",
)  # fmt: skip

#: A change to a project or a text, proposed or told.
CHANGE = Phrases(
    "pull request", "this pr", "in this commit", "in this patch", "in this change", "changelog",
    "signed-off-by", "would be nice", "would be great to", "would be useful",
    "would be helpful", "would be more instructive", "would be really helpful", "i thought it would be",
    "i believe it would be", "we should produce", "we should not", "we should never", "we should make",
    "we should add", "we should raise", "we should support", "we should allow", "make a note",
    "todo list", "to-do list", "建议添加", "建议增加", "再添加一个", "可以增加", "希望能增加", "希望增加",
    "希望添加", "希望能添加", "希望补充", "提个建议",
    "maybe this could be added", "should be added to the doc*",
    patterns=(r"\A\W*(?:adds|fixes|replaces|removes|renames|implements|refactors|deprecates)\b", r"^\W*\**summary\**\s*$", r"\b(?:fixes|closes|resolves|addresses) #\d+"),
)  # fmt: skip

#: A form that is filled in to ask for a feature.
PROPOSAL_FORM = Phrases(
    "feature, motivation and pitch", "feature motivation and pitch", "📚 documentation", "📚 the doc issue",
    patterns=(r"🚀\W*(?:the )?(?:new )?feature\b", r"^\W*feature request\W*$", r"^\W*(?:is your )?feature request related to"),
)  # fmt: skip

#: Somebody offers a change of their own.
OFFER = Phrases(
    "accept a pr",
    "accept a pull request",
    "submit a pr",
    "submit a pull request",
    "open a pr",
    "make a pr",
    "send a pr",
    "create a pr",
    "willing to contribute",
)

#: How a text begins that was published for many.
PUBLISHED = Phrases(patterns=(r"\A\W*welcome to\b.{0,60}\b(?:guide|release|notes)\b",))

#: How such a text goes on, which explains an error that many meet.
ARTICLE = Phrases(
    "本篇文章", "这篇文章将", "本文将", "本文介绍", "in this article", "in this blog post", "let's walk through an example",
    "let us walk through an example",
    patterns=(
        r"\A\W*when you (?:encounter|see|get|run into) (?:the|this|an) (?:error|warning|message)\b",
        r"\byou (?:may|might) (?:encounter|see|run into)\b[^.]{0,60}\b(?:error|message)",
        r"(?:你|我们|大家)可能会?遇到[^。]{0,60}(?:错误|报错)",
    ),
)  # fmt: skip

TYPO = Phrases("typo", "typos", "misspell*", "mistyped", "笔误", "勘误", "错别字", "拼写错误", "筆誤")

WITHDRAWN = Phrases(
    "wrong repo", "wrong repository", "wrong forum", "wrong thread", "wrong category", "please ignore",
    "please close", "please delete", "nevermind", "never mind", "sorry my bad", "sorry my mistake",
    "false alarm", "delete this post", "delete this thread", "delete this issue", "i found i was wrong", "i was wrong", "发错", "请忽略",
    "已删除", "请删除", "打扰了", "自己解决了", "已解决",
    patterns=(r"\bduplicate of #?\d+", r"\bposted (?:it |this )?(?:at|in|to) (?:the )?wrong"),
)  # fmt: skip

#: A trouble and its cure in one, told for others.
CURED = Phrases(
    patterns=(
        r"\b(?:i|we) (?:have |finally |then )?(?:solved|fixed) (?:it|this|that|the|my)\b[^.?!]{0,40}\bby\b",
        r"\b(?:in order )?to (?:solve|fix) (?:it|this|that)\b[^.?!]{0,20}\bit is (?:necessary|enough|sufficient) to\b",
        r"\b(?:problem|issue|error) (?:is|was|has been) (?:solved|fixed) by\b",
        r"\b(?:bug|problem|issue|leak\w*) (?:can|could|may|might|should) be (?:solved|fixed|resolved) (?:by|with|if)\b",
        r"(?:把|将)[^。？！]{2,40}(?:就好了|就解决了|就可以了|即可解决)",
    ),
)

#: How to write on this forum, not what about.
FORUM_MATTER = Phrases(
    "github url*", "to show code", "code fence*", "format your code", "backticks", "topic is moved",
    "topic was moved", "topic is closed", "thread is closed", "avoid import*", "aviod import*",
    "githuburl", "a github",
)  # fmt: skip

#: A solution that is shown, not asked about.
SOLUTION = Phrases(
    "my solution*", "my answer*", "my own solution*", "my code for", "my implementation of",
    "my attempt at", "solution for", "solutions for", "solution to", "solutions to", "here is my",
    "here are my", "sharing my", "我的答案", "我的解答", "我的解法", "我的代码", "我的做法", "我的练习",
    "分享一下我的", "分享我的", "分享代码", "解决方法", "解决办法", "解决方案",
    patterns=(
        r"^\W*(?:for )?(?:q|question|ex|exercise)s?\s?\.?\s?\d+\W*$", r"^\s*\d{1,2}\s*[.)、:：]\s*$",
        r"(?:练习|习题|第\s*\d+\s*题|问题\s*\d+).{0,6}(?:答案|解答|解法|代码)",
        r"^\W*(?:(?:练习|习题|作业)\s?第?\s?\d+\s?题?|第\s?\d+\s?题?|\d+\s?题)\W*$",
    ),
)  # fmt: skip

HOMEWORK = Phrases(
    "do my homework", "full solution to", "full solution for", "full code for", "complete solution to",
    "complete code for", "entire solution", "帮我写", "帮忙写", "求代码", "求完整代码", "求答案",
    "完整代码", "完整答案", "代写", "帮我做作业",
    patterns=(
        r"\b(?:write|implement|complete|do|solve|finish) (?:the |a |my |this )?(?:whole |full |entire )?"
        r"(?:program|assignment|homework|exercise|code|solution) (?:for me|that|which)\b",
        r"\b(?:homework|assignment)\b.{0,60}\b(?:due|deadline|tomorrow|tonight|submit)",
    ),
)  # fmt: skip

#: Somebody directs another person.
DIRECTION = Phrases(
    "you should", "you need to", "you have to", "you must", "you just", "you probably", "you forgot",
    "you are calling", "you are using", "you are missing", "try to use", "try using", "try adding",
    "try replacing", "try this", "try it", "try setting", "try calling", "try changing", "try with",
    "alternatively", "your code is", "your problem is", "your error is", "your mistake", "your loss is",
    "hope this helps", "hope that helps", "hope it helps", "in your case", "in your example",
    "i think you", "你可以", "你应该", "你需要", "您可以", "建议你", "试试", "可以尝试", "你的代码",
    "你的问题", "你想", "你的意思", "你显然", "你是指", "看完你的", "懂吗", "希望对你有帮助",
    "符不符合你的要求", "你把", "你这里", "楼上", "楼主", "建議你",
    patterns=(
        r"\byou (?:can|could|may|might) (?!see\b|find\b|reproduce\b|notice\b|check\b|run\b|imagine\b|tell\b|explain\b|help\b|please\b|look\b)",
    ),
)  # fmt: skip

#: Somebody speaks to another person.
SECOND_PERSON = Phrases("your", "you", "你的", "你这", "你用", "你没", "你在", "您的代码", "您这")

#: Somebody speaks of own doing.
FIRST_PERSON = Phrases("my", "i", "i'm", "i've", "we", "our", "me", "我", "我的", "我们", "咱们")

#: Somebody explains.
EXPLANATION = Phrases(
    "the reason is", "the reason for", "the reason why", "this is because", "that is because",
    "it's because", "that's because", "it is because", "as mentioned", "as explained", "let's analyze",
    "let's analyse", "make sure you", "make sure that", "make sure to", "should be cleared",
    "it seems that", "in other words", "原因是", "这是因为", "是因为", "也就是说", "简洁的讲", "简单来说",
    "换句话说", "可以理解成", "可以理解为", "首先", "因此",
    patterns=(r"^\W*yes\b", r"^\W*no\b,"),
)  # fmt: skip

#: Somebody has the trouble of another.
SAME = Phrases(
    "same error", "same problem", "same issue", "same exception", "同样的错误", "一样的错误", "同样的报错", "一样的报错",
    "同样的问题", "一样的问题", "相同的错误", "相同的问题", "也遇到", "也报", "同问",
)  # fmt: skip

#: Somebody speaks of a trouble of their own.
ASKER = Phrases(
    "请问", "请教", "我想问", "想问", "您的回答", "您的回复", "您的解答", "您的修改", "您的方法",
    "谢谢您", "感谢您", "我也遇到", "我也有", "我也不", "我也是", "同问", "求助", "我的问题", "我的意思",
    "same problem", "same issue", "same error", "same question", "my question", "i don't understand",
    "i still don't", "i do not understand", "i cannot understand", "i can't", "i wonder",
    "i was wondering", "i am wondering", "i want to", "i wanted to", "i would like to", "i tried",
    "thank you for", "thank you in advance", "thanks for", "thanks in advance",
    patterns=(r"\bi (?:have|had|get|got|am getting|am having|met|meet|face|encounter).{0,40}\b(?:error|problem|issue|question|trouble)",),
)  # fmt: skip
