"""What people call one thing, in both languages: each concept counts as one word when texts are compared.

Data, not rules. A name is what `speaks_of` in an entry's `[seen]` may say; a pattern is looked for in text of
any case, and what it covers is not looked at word by word any more.
"""

from __future__ import annotations

import re

#: How people ask: these say little about what they ask.
_ASKING: tuple[tuple[str, str], ...] = (
    ("why", r"\bwhy\b|how come|reason|为什么|为何|为啥|怎么会|原因|為什麼"),
    ("how", r"\bhow (?:do|can|to|should)\b|way to|怎么|怎样|如何|办法|怎麼"),
    ("meaning", r"\bmean(?:s|ing)?\b|what is|what does|understand|什么意思|含义|什么是|理解|干什么|有什么用|的作用|起什么作用"),
    ("difference", r"difference between|differ from|区别|有什么不同"),
    ("error", r"\berrors?\b|exception|fails?\b|traceback|crash\w*|报错|错误|出错|失败|報錯|錯誤"),
    ("before", r"\bbefore\b|之前|以前"),
    ("after", r"\bafter(?:wards)?\b|之后|以后"),
    ("same", r"\bsame\b|equal|identical|相同|一样|一致"),
    ("values", r"\bvalues?\b|numbers|different|数值|值变|不一样|不同|变了"),
)  # fmt: skip

#: What they see: it may have many causes.
_SYMPTOMS: tuple[tuple[str, str], ...] = (
    ("none", r"\bnone\b|空的|是空"),
    ("unchanged", r"(?:not?|n't|never|hardly) (?:be(?:ing|en)? )?(?:updat|chang|train|learn|improv|mov|converg)\w*|\bunchanged\b|stays? (?:constant|the same)|不更新|不变|没有变|没变|不动|不收敛|不下降|没有更新"),
    ("grows", r"\bgr(?:ow|ew)\w*|increas\w*|(?:get|becom)\w* (?:larger|bigger)|\bleak\w*|slower|out of memory|\boom\b|上涨|一直涨|越来越大|变大|增长|越来越|变慢|泄漏|泄露|爆"),
    ("zero", r"\bzero\w*|零"),
)  # fmt: skip

#: What they ask about.
_SUBJECTS: tuple[tuple[str, str], ...] = (
    # Derivatives and graphs.
    ("second_time", r"second time|twice|two times|(?:backward\w*|runn?\w*|call\w*|propagat\w*|differentiat\w*)\b[^.?!]{0,20}\bagain\b|第二次|两次|再次|又一次"),
    ("second_derivative", r"second(?:[- ]order)?[- ]deriv\w*|(?:second|2nd|higher)[- ]order|double (?:backward|grad)|hessian|gradient penalty|二阶|高阶|两次求导|求导两次|二次求导"),
    ("create_graph", r"create_graph"),
    ("jacobian", r"jacobian\w*|\bvjps?\b|vector-jacobian|雅可比|雅各比"),
    ("weights_given", r"grad_outputs?|gradient ?=|(?:the |with |its )?grad(?:ient)? (?:argument|parameter|keyword)|argument of backward|\bones(?:_like)?\b|(?:gradient|grad) ?参数|参数 ?gradient|全 ?1|全一"),
    ("intermediate", r"intermediate|non-?leaf|in between|中间(?:变量|结果|张量|量|层)?|非叶"),
    ("grad_fn", r"grad_fn"),
    ("grad", r"\bgrad(?:s|ient|ients)?\b|deriv\w*|梯度|导数|偏导"),
    ("backward", r"\bback\s?ward\w*|back-?prop\w*|differentiat\w*|反向(?:传播|求导)?|求导|求梯度"),
    ("differentiable", r"(?:non-?|un)?differentiable|(?:can ?not|can't) be differentiated|no derivative|derivative does(?: not|n't) exist|没有导数|导数不存在|可导|可微|能不能求导|可以求导"),
    ("returns", r"\breturn(?:s|ed)?\b|返回"),
    ("forward", r"\bforward\b|前向|正向"),
    ("graph", r"\bgraphs?\b|计算图"),
    ("retain_graph", r"retain_graph|retain_variables|保留计算图"),
    ("retain_grad", r"retain_grad\b"),
    ("hook", r"\bhooks?\b|register_hook|钩子"),
    ("freed", r"\bfreed\b|buffers?|释放"),
    ("detach", r"detach\w*|分离|截断"),
    ("no_grad", r"no_grad\w*|set_grad_enabled|关闭梯度|不记录梯度"),
    ("inference", r"inference[_ ]?mode|inference tensors?|推理模式|推理张量"),
    ("requires_grad", r"requires?_?grads?\w*|requires? (?:a )?grad\w*|需要梯度"),
    ("misspelt", r"\brequire_grad\b|required_grad|requires_gradient|misspel\w*|拼错|拼写"),
    ("frozen", r"\bfroz\w*|\bfreez\w*|冻结"),
    ("unused", r"allow_unused|\bunused\b|not (?:been |be )?used|does(?:n't| not) depend|没有(?:用到|使用|参与)|未使用"),
    ("leaf", r"\bleaf\b|\bleaves\b|\bis_leaf\b|叶子|叶节点|叶张量"),
    ("accumulate", r"accumulat\w*|\badds? up|累加|累积|累计"),
    ("zero_grad", r"zero_grad|(?:zero(?:ing|ed)?|clear(?:ing|ed)?|reset(?:ting)?)(?: out)?(?: of)? (?:the )?grad\w*|(?:清零|清空|置零)(?:梯度)?|梯度(?:清零|归零|置零|清空)"),
    ("average", r"divid\w*|averag\w*|normali[sz]ed? the loss|除以|平均|取均值"),
    # Shapes and numbers.
    ("shape", r"\bshapes?\b|\bsize\b|dimension\w*|row vector|column vector|形状|维度|行向量|列向量|大小"),
    ("transpose", r"\btranspos\w*|\.T\b|转置"),
    ("scalar", r"\bscalars?\b|single number|标量|一个数"),
    ("vector", r"\bvectors?\b|non-?scalar|向量|非标量|矢量"),
    ("sum", r"\bsum\w*|\bsum\(\)|add(?:ing)? up|求和|加起来|之和"),
    ("nan", r"\bnans?\b|not a number|无穷"),
    ("edge", r"\bsqrt\b|square root|\blog\b|\bnorm\b|\bwhere\b|by zero|根号|开方|对数|范数"),
    ("complex", r"\bcomplex\b|\bfft\b|复数"),
    ("integer", r"\bint(?:eger|egers|s|64)?\b|\blong\b|whole numbers?|整数|整型"),
    ("floating", r"float(?:ing)?[- ]?(?:point|32|64)|浮点"),
    ("argmax", r"arg_?max|arg_?min|下标最大"),
    ("rounding", r"\bround\w*|\bfloor\b|\bceil\b|\bsign\b|threshold\w*|quanti[sz]\w*|取整|四舍五入|符号函数|量化"),
    # Leaving the graph.
    ("item", r"\bitem\b|\btolist\b|python (?:number|float)|float\(|python 数"),
    ("numpy", r"\bnumpy\w*|\bnp\b|ndarray"),
    ("plot", r"\bplot\w*|matplotlib|\bdraw(?:ing|n)?\b|画图|绘图|作图|画出"),
    ("copy", r"\bcop(?:y|ies|ied)\b|复制|拷贝"),
    ("deepcopy", r"deep ?copy\w*|深拷贝"),
    ("clone", r"\bclone\w*"),
    ("alias", r"\balias\w*|also changes?|changes? too|也跟着|也一起变|跟着变"),
    ("reshape", r"reshap\w*|\bview\(|变形"),
    ("joining", r"\bstack\w*|\bconcat\w*|torch\.tensor\(|(?:a |python )?list of (?:scalars|tensors|losses)|拼成|拼接|拼起来"),
    # Changing in place.
    ("inplace", r"in-?\s?place\b|原地|就地"),
    ("modified", r"modif\w*|overwrit\w*|修改|被改"),
    ("view", r"\bviews?\b|视图"),
    ("split", r"\bsplit\b|\bchunk\b|\bunbind\b"),
    ("activation", r"\brelu\b|activation\w*|激活"),
    ("data_attribute", r"\.data\b"),
    # Training.
    ("update", r"updat\w*|更新"),
    ("by_hand", r"by hand|manual\w*|手动|手写|自己写"),
    ("step", r"\bsteps?\b"),
    ("loop", r"\bloops?\b|iterations?|epochs?|循环|迭代|每轮|第二轮|每一轮"),
    ("batch", r"\b(?:mini-?)?batch(?:es)?\b|小批量|批次|批量"),
    ("loss", r"\bloss(?:es)?\b|损失"),
    ("several_losses", r"(?:two|several|multiple|both|second|many) loss(?:es)?|loss1|loss_?[12]\b|(?:两|多)个 ?(?:loss|损失)"),
    ("total", r"total_?loss\w*|running (?:total|loss|sum)|sum of losses|总损失|\+= ?loss"),
    ("memory", r"\bmemory\b|\bram\b|内存|显存"),
    ("optimizer", r"optimi[sz]ers?(?:\b|_)|\bsgd\b|\badam\b|优化器"),
    ("parameters", r"parameters?\b|\bweights?\b|参数|权重"),
    ("hidden_state", r"hidden[- _]?states?|repackage\w*|cell states?|隐藏状态|隐状态"),
    ("rnn", r"\brnns?\b|\blstm\w*|\bgru\b|recurrent|循环神经网络|循环网络"),
    ("gan", r"\bgans?\b|generator|discriminator|生成器|判别器|生成对抗"),
    # Modules.
    ("layers", r"\blayers?\b|sub-?modules?|某一?层|这些层|的层"),
    ("python_list", r"(?:python|plain|normal|in a) (?:list|dict)\w*|module_?list|module_?dict|列表|字典"),
    ("evaluation", r"\beval\b|evaluation mode|评估模式|测试模式"),
    ("softmax", r"(?:log_?)?softmax"),
    ("cross_entropy", r"cross[- _]?entro\w*|\bbce\w*|logits|交叉熵"),
    ("embedding", r"\bembeddings?\b|embedding_bag|max_norm|嵌入层?|词向量"),
    ("batchnorm", r"batch ?_?norm\w*|\bbn\b|running_?(?:mean|var)|running statistics|批量归一化|批归一化|批规范化"),
    ("custom_function", r"autograd\.function|custom (?:autograd )?(?:function|backward|op)\w*|own (?:autograd )?function|save_for_backward|自定义"),
    ("count", r"(?:number|count) of (?:gradients|arguments|inputs)|几个|个数|多少个"),
    ("static", r"\bstatic\w*|\blegacy\b|\.apply\b|静态"),
)  # fmt: skip

CONCEPTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE)) for name, pattern in (*_ASKING, *_SYMPTOMS, *_SUBJECTS)
)
NAMES = frozenset(name for name, _ in CONCEPTS)
WAYS_OF_ASKING = frozenset(name for name, _ in _ASKING)
SYMPTOMS = frozenset(name for name, _ in _SYMPTOMS)
#: The words that make a sentence a question of one kind.
ASKING = frozenset({"why", "how", "meaning", "difference"})
