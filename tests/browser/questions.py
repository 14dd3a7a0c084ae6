"""Questions that the pipeline answers, for the page to show."""

VECTOR = """Hello, my program stops here.

```python
import torch
x = torch.arange(4.0, requires_grad=True)
y = x * x
y.backward()
x.grad
```

RuntimeError: grad can be implicitly created only for scalar outputs

What does *implicitly* mean?
"""

LEAF = """照着书写的：

```python
import torch
x = torch.arange(4.0, requires_grad=True).reshape(4, 1)
y = torch.mm(x.T, x)
y.sum().backward()
print(x.grad)
```

结果 x.grad 为 None，为什么？
"""

TWICE = """```python
import torch
x = torch.tensor(3.0, requires_grad=True)
y = x ** 2
y.backward()
y.backward()
```

The second call raises "Trying to backward through the graph a second time". Why?
"""
