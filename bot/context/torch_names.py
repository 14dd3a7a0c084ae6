"""Names of torch's own that people write bare and whose import they do not show. Data, not rules."""

from __future__ import annotations

_OF_MODULE = {
    "torch.nn": """
        AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool2d AvgPool1d AvgPool2d AvgPool3d BatchNorm1d BatchNorm2d
        BatchNorm3d BCELoss BCEWithLogitsLoss Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d
        ConvTranspose3d CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss CTCLoss Dropout Dropout1d Dropout2d
        Dropout3d ELU Embedding EmbeddingBag Flatten Fold GELU GLU GroupNorm GRU GRUCell Hardtanh HuberLoss Identity
        InstanceNorm1d InstanceNorm2d KLDivLoss L1Loss LayerNorm LeakyReLU Linear LogSigmoid LogSoftmax LSTM LSTMCell
        MarginRankingLoss MaxPool1d MaxPool2d MaxPool3d MaxUnpool2d Module ModuleDict ModuleList MSELoss
        MultiheadAttention NLLLoss PairwiseDistance ParameterDict ParameterList PixelShuffle PoissonNLLLoss PReLU
        ReflectionPad2d ReLU ReLU6 RMSNorm RNN RNNCell SELU Sequential Sigmoid SiLU SmoothL1Loss Softmax Softplus Softsign
        Tanh TripletMarginLoss Unflatten Unfold Upsample ZeroPad2d
    """,
    "torch.optim": "Adadelta Adagrad Adam Adamax AdamW ASGD LBFGS NAdam RAdam RMSprop Rprop SGD SparseAdam",
    "torch.optim.lr_scheduler": """
        CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR ExponentialLR LambdaLR LinearLR MultiStepLR OneCycleLR
        ReduceLROnPlateau StepLR
    """,
    "torch.nn.utils": "clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters",
    "torch.utils.data": "ConcatDataset IterableDataset Subset random_split",
    "torch.distributions": "Categorical MultivariateNormal kl_divergence",
    "torch.nn.functional": """
        binary_cross_entropy binary_cross_entropy_with_logits cross_entropy log_softmax mse_loss nll_loss one_hot
        smooth_l1_loss
    """,
    "torch.autograd": "grad",
    "torch.autograd.functional": "hessian jacobian",
    "torch": "no_grad tensor",
}

#: The module that each of the names is imported from. One in small letters counts only where it is called.
MODULE_OF = {name: module for module, names in _OF_MODULE.items() for name in names.split()}
