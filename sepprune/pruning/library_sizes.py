"""Attributes of torch's own layers that state sizes of their parameters, such as ``Linear.out_features``."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from .graph.sizes import Place


def library_sizes(pruned: nn.Module, known: Mapping[Place, int]) -> dict[Place, int]:
    """Sizes that torch's own layers state about their parameters, read from the parameters after the cut.

    Args:
        pruned: the module after the cut, with the sizes from before.
        known: new sizes that the graph tells, such as the number of groups of a convolution.
    """
    sizes: dict[Place, int] = {}
    for name, part in pruned.named_modules():
        for attribute, value in _stated(part, known.get((name, "groups", ()))).items():
            if hasattr(part, attribute) and value is not None:
                sizes[name, attribute, ()] = value
    return sizes


def _stated(part: nn.Module, groups: int | None) -> dict[str, int | None]:
    """Sizes that a layer of torch states, by attribute; ``None`` where no parameter tells.

    Args:
        part: the layer.
        groups: its new number of groups, if it is known and the layer is a convolution.
    """
    weight = getattr(part, "weight", None)
    shape = tuple(weight.shape) if isinstance(weight, Tensor) else ()
    if isinstance(part, nn.modules.conv._ConvNd):
        # a depthwise layer's groups follow its rows
        depthwise = part.groups == part.in_channels and part.groups > 1
        outputs, inputs = (shape[1], shape[0]) if part.transposed else (shape[0], shape[1])
        if depthwise:
            width = part.out_channels // part.groups
            inputs = shape[0] if part.transposed else shape[0] // width
            return {"in_channels": inputs, "groups": inputs, "out_channels": inputs * width}
        groups = groups or part.groups
        if part.transposed:
            return {"in_channels": inputs, "out_channels": outputs * groups}
        return {"in_channels": inputs * groups, "out_channels": outputs}
    if isinstance(part, nn.Linear):
        return {"in_features": shape[1], "out_features": shape[0]}
    if isinstance(part, nn.modules.batchnorm._NormBase):
        norm = weight if isinstance(weight, Tensor) else part.running_mean
        return {"num_features": len(norm) if isinstance(norm, Tensor) else None}
    if isinstance(part, nn.GroupNorm):
        return {"num_channels": shape[0] if shape else None}
    if isinstance(part, nn.PReLU):
        return {"num_parameters": shape[0]}
    if isinstance(part, nn.RNNBase):
        return _recurrent_sizes(part)
    if isinstance(part, nn.RNNCellBase):
        return {"input_size": int(part.weight_ih.shape[1]), "hidden_size": int(part.weight_hh.shape[1])}
    if isinstance(part, nn.MultiheadAttention) and part.in_proj_weight is not None:
        width = part.in_proj_weight.shape[1]
        return {"embed_dim": width, "kdim": width, "vdim": width, "head_dim": width // part.num_heads}
    if isinstance(part, nn.Embedding):
        return {"num_embeddings": shape[0], "embedding_dim": shape[1]}
    return {}


def _recurrent_sizes(part: nn.RNNBase) -> dict[str, int | None]:
    parameters = dict(part.named_parameters(recurse=False))
    inputs, back = (parameters[name].shape[1] for name in ("weight_ih_l0", "weight_hh_l0"))
    if not part.proj_size:
        return {"input_size": inputs, "hidden_size": back}
    return {"input_size": inputs, "hidden_size": parameters["weight_hr_l0"].shape[1], "proj_size": back}
