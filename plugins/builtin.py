"""The first-party components, offered through the same hooks as anyone's; the one file that names the blocks."""

from __future__ import annotations

from pathlib import Path

from blockrun.plugins.hooks import hookimpl

Names = dict[str, str]


@hookimpl
def blockrun_blocks() -> Names:
    """A family a paragraph: the name of each block, and its class in the file of the family."""
    return {
        **_family(
            "arithmetic.broadcasting", add="Add", subtract="Subtract", multiply="Multiply", divide="Divide",
            maximum="Maximum", minimum="Minimum", scale_shift="ScaleShift",
        ),
        **_family(
            "arithmetic.elementwise", negate="Negate", abs="Abs", square="Square", sqrt="Sqrt", power="Power",
            reciprocal="Reciprocal", exp="Exp", log="Log", sin="Sin", cos="Cos", clip="Clip",
        ),
        **_family("arithmetic.products", dot="Dot", einsum="Einsum"),
        **_family("linear.products", linear="Linear", matmul="Matmul", bilinear="Bilinear"),
        **_family("linear.tables", embedding="Embedding", positions="Positions", one_hot="OneHot"),
        **_family("activation.rectified", relu="Relu", leaky_relu="LeakyRelu", prelu="Prelu", elu="Elu", selu="Selu"),
        **_family(
            "activation.sigmoidal", sigmoid="Sigmoid", hard_sigmoid="HardSigmoid", tanh="Tanh", softplus="Softplus",
            log_sigmoid="LogSigmoid",
        ),
        **_family(
            "activation.gated", silu="Silu", hard_swish="HardSwish", gelu="Gelu", glu="Glu", swiglu="Swiglu",
        ),
        **_family("activation.over_axis", softmax="Softmax", log_softmax="LogSoftmax", maxout="Maxout"),
        **_family("convolution.conv", conv1d="Conv1d", conv2d="Conv2d", conv3d="Conv3d"),
        **_family("convolution.transpose", conv_transpose2d="ConvTranspose2d"),
        **_family("convolution.border", pad="Pad", crop="Crop"),
        **_family("convolution.patches", unfold="Unfold"),
        **_family("convolution.resample", upsample="Upsample", pixel_shuffle="PixelShuffle"),
        **_family("convolution.sampler", affine_grid="AffineGrid", bilinear_sampler="BilinearSampler"),
        **_family("pooling.maximum", max_pool1d="MaxPool1d", max_pool2d="MaxPool2d", max_pool3d="MaxPool3d"),
        **_family(
            "pooling.average", average_pool1d="AveragePool1d", average_pool2d="AveragePool2d",
            average_pool3d="AveragePool3d",
        ),
        **_family("pooling.norm", lp_pool2d="LpPool2d"),
        **_family("pooling.regions", roi_pool="RoiPool"),
        **_family("pooling.whole", global_average_pool="GlobalAveragePool", global_max_pool="GlobalMaxPool"),
        **_family("normalisation.batch", batch_norm="BatchNorm"),
        **_family(
            "normalisation.example", layer_norm="LayerNorm", group_norm="GroupNorm", instance_norm="InstanceNorm",
            rms_norm="RmsNorm",
        ),
        **_family(
            "normalisation.local", local_response_norm="LocalResponseNorm", lp_normalize="LpNormalize",
            spatial_norm="SpatialNorm",
        ),
        **_family("recurrent.rnn", rnn_cell="RnnCell", rnn="Rnn"),
        **_family("recurrent.lstm", lstm_cell="LstmCell", lstm="Lstm"),
        **_family("recurrent.gru", gru_cell="GruCell", gru="Gru"),
        **_family("attention.dot_product", scaled_dot_product_attention="ScaledDotProductAttention"),
        **_family("attention.multi_head", multi_head_attention="MultiHeadAttention"),
        **_family("attention.rotary", rotary="Rotary"),
        **_family(
            "structure.shape", flatten="Flatten", reshape="Reshape", squeeze="Squeeze", expand="Expand",
            transpose="Transpose", flip="Flip",
        ),
        **_family("structure.joining", concat="Concat", stack="Stack", unstack="Unstack", split="Split"),
        **_family("structure.choosing", slice="Slice", gather="Gather", where="Where", argmax="Argmax"),
        **_family("structure.copying", tile="Tile", broadcast="Broadcast"),
        **_family(
            "structure.reducing", reduce_sum="ReduceSum", reduce_mean="ReduceMean", reduce_max="ReduceMax",
            logsumexp="Logsumexp",
        ),
        **_family(
            "structure.ends", identity="Identity", stop_gradient="StopGradient", zeros="Zeros", parameter="Parameter",
        ),
        **_family(
            "noise", dropout="Dropout", spatial_dropout="SpatialDropout", drop_path="DropPath",
            gaussian_noise="GaussianNoise",
        ),
        **_family(
            "loss.regression", sum_of_squares="SumOfSquares", mean_squared_error="MeanSquaredError",
            mean_absolute_error="MeanAbsoluteError", huber="Huber",
        ),
        **_family(
            "loss.classification", softmax_cross_entropy="SoftmaxCrossEntropy",
            sigmoid_cross_entropy="SigmoidCrossEntropy", nll="Nll", kl_divergence="KlDivergence",
        ),
        **_family("loss.margin", hinge="Hinge"),
        **_family(
            "loss.embedding", pairwise_distance="PairwiseDistance", contrastive="Contrastive", triplet="Triplet",
        ),
        **_family(
            "metric.classification", accuracy="Accuracy", top_k_accuracy="TopKAccuracy", precision="Precision",
            recall="Recall", f1="F1", confusion_matrix="ConfusionMatrix",
        ),
        **_family("metric.regression", squared_error="SquaredError", absolute_error="AbsoluteError", r2="R2"),
        **_family("metric.text", perplexity="Perplexity", bits_per_character="BitsPerCharacter"),
    }  # fmt: skip


def _family(module: str, **classes: str) -> Names:
    return {name: f"blockrun.blocks.{module}:{cls}" for name, cls in classes.items()}


@hookimpl
def blockrun_inits() -> Names:
    return {
        "zeros": "blockrun.plugins.training.inits:Zeros",
        "ones": "blockrun.plugins.training.inits:Ones",
        "constant": "blockrun.plugins.training.inits:Constant",
        "uniform": "blockrun.plugins.training.inits:Uniform",
        "normal": "blockrun.plugins.training.inits:Normal",
        "truncated_normal": "blockrun.plugins.training.inits:TruncatedNormal",
        "glorot": "blockrun.plugins.training.inits:Glorot",
        "he": "blockrun.plugins.training.inits:He",
        "lecun": "blockrun.plugins.training.inits:Lecun",
        "orthogonal": "blockrun.plugins.training.shaped_inits:Orthogonal",
        "identity": "blockrun.plugins.training.shaped_inits:Identity",
        "bilinear": "blockrun.plugins.training.shaped_inits:Bilinear",
        "from_file": "blockrun.plugins.training.file_init:FromFile",
        "parts": "blockrun.plugins.training.shaped_inits:Parts",
    }


@hookimpl
def blockrun_sources() -> Names:
    return {
        "digits": "blockrun.plugins.data.digits:Digits",
        "npz": "blockrun.plugins.data.npz:Npz",
        "npy": "blockrun.plugins.data.npy:Npy",
        "csv": "blockrun.plugins.data.csv:Csv",
        "idx": "blockrun.plugins.data.idx:Idx",
        "cifar": "blockrun.plugins.data.cifar:Cifar",
        "image_folder": "blockrun.plugins.data.image_folder:ImageFolder",
        "text": "blockrun.plugins.data.text:Text",
        "sequences": "blockrun.plugins.data.sequences:Sequences",
        "ragged": "blockrun.plugins.data.ragged:Ragged",
        "ts": "blockrun.plugins.data.ts:Ts",
        "synthetic": "blockrun.plugins.data.synthetic:Synthetic",
    }


@hookimpl
def blockrun_transforms() -> Names:
    return {
        "normalise": "blockrun.plugins.data.transforms.normalise:Normalise",
        "flip": "blockrun.plugins.data.transforms.images:Flip",
        "crop": "blockrun.plugins.data.transforms.images:Crop",
        "rotate": "blockrun.plugins.data.transforms.images:Rotate",
        "cutout": "blockrun.plugins.data.transforms.images:Cutout",
        "mixup": "blockrun.plugins.data.transforms.mixup:Mixup",
    }


@hookimpl
def blockrun_optimizers() -> Names:
    return {
        "sgd": "blockrun.plugins.training.sgd:Sgd",
        "adagrad": "blockrun.plugins.training.adaptive:Adagrad",
        "adadelta": "blockrun.plugins.training.adaptive:Adadelta",
        "rmsprop": "blockrun.plugins.training.adaptive:Rmsprop",
        "adam": "blockrun.plugins.training.adam:Adam",
        "adamw": "blockrun.plugins.training.adam:Adamw",
        "amsgrad": "blockrun.plugins.training.adam:Amsgrad",
        "lion": "blockrun.plugins.training.lion:Lion",
    }


@hookimpl
def blockrun_schedules() -> Names:
    return {
        "constant": "blockrun.plugins.training.schedules:ConstantRate",
        "step": "blockrun.plugins.training.schedules:Step",
        "multi_step": "blockrun.plugins.training.schedules:MultiStep",
        "exponential": "blockrun.plugins.training.schedules:Exponential",
        "polynomial": "blockrun.plugins.training.schedules:Polynomial",
        "inverse": "blockrun.plugins.training.schedules:Inverse",
        "cosine": "blockrun.plugins.training.schedules:Cosine",
        "cosine_restarts": "blockrun.plugins.training.schedules:CosineRestarts",
        "one_cycle": "blockrun.plugins.training.schedules:OneCycle",
        "plateau": "blockrun.plugins.training.plateau:Plateau",
    }


@hookimpl
def blockrun_callbacks() -> Names:
    return {
        "early_stop": "blockrun.plugins.training.callbacks:EarlyStop",
        "time_limit": "blockrun.plugins.training.callbacks:TimeLimit",
        "keep_best": "blockrun.plugins.training.callbacks:KeepBest",
        "keep_every": "blockrun.plugins.training.callbacks:KeepEvery",
        "lr_log": "blockrun.plugins.training.callbacks:LrLog",
    }


@hookimpl
def blockrun_exporters() -> Names:
    return {
        "safetensors": "blockrun.plugins.export.arrays:Safetensors",
        "npz": "blockrun.plugins.export.arrays:Npz",
        "python": "blockrun.plugins.export.standalone:Python",
    }


@hookimpl
def blockrun_commands() -> Names:
    return {
        "train": "blockrun.plugins.commands.train:train",
        "eval": "blockrun.plugins.commands.evaluate:evaluate",
        "predict": "blockrun.plugins.commands.predict:predict",
        "resume": "blockrun.plugins.commands.resume:resume",
        "check": "blockrun.plugins.commands.check:check",
        "summary": "blockrun.plugins.commands.summary:summary",
        "graph": "blockrun.plugins.commands.graph:graph",
        "show": "blockrun.plugins.commands.show:show",
        "runs": "blockrun.plugins.commands.runs:runs",
        "report": "blockrun.plugins.commands.report:report",
        "export": "blockrun.plugins.commands.export:export",
        "diff": "blockrun.plugins.commands.diff:diff",
        "trace": "blockrun.plugins.commands.trace:trace",
        "profile": "blockrun.plugins.commands.profile:profile",
        "explain": "blockrun.plugins.commands.explain:explain",
        "schema": "blockrun.plugins.commands.schema:schema",
        "test": "blockrun.plugins.commands.test:test",
        "blocks": "blockrun.plugins.commands.blocks:blocks",
        "plugins": "blockrun.plugins.commands.plugins:plugins",
        "init": "blockrun.plugins.commands.init:init",
        "new": "blockrun.plugins.commands.new:new",
    }


@hookimpl
def blockrun_templates() -> dict[str, Path]:
    folder = Path(__file__).resolve().parents[1] / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
