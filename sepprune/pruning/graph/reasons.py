"""Why operations have no rule, by kind.

Together with the rules this covers every operation of ATen that maps tensors to tensors; a test walks the list.
"""

from __future__ import annotations

import re

#: what is said of an operation that neither has a rule nor is of one of the kinds below
UNKNOWN = "no rule says what this operation does to channels"

#: names of operations, as words or regular expressions, by the reason that users read
_KINDS = {
    "its result depends on all channels of a matrix at once": (
        "linalg_.* _linalg_.* cholesky.* _cholesky.* det logdet slogdet geqrf orgqr ormqr qr svd inverse pinverse "
        "matrix_exp matrix_power lu_.* _lu_.* triangular_solve trace cov corrcoef kron cross combinations "
        "cartesian_prod chain_matmul vander _compute_linear_combination gradient _euclidean_dist pdist _pdist.* "
        "_cdist.* renorm_.* _trilinear addbmm addr dist"
    ),
    "it takes channels by their position": (
        "as_strided.* diag diag_embed diagflat diagonal.* fill_diagonal block_diag take put "
        "masked_scatter slice_inverse resize.* _resize.* set unflatten_dense_tensors flatten_dense_tensors narrow_copy "
        "sum_to_size _grad_sum_to_size _chunk_cat pad_sequence affine_grid_generator _shape_as_tensor _dim_arange "
        "_unsafe_masked_index.* _ncf_.*"
    ),
    "the size of its result depends on values": (
        "nonzero.* argwhere masked_select unique.* _unique.* repeat_interleave segment_reduce"
    ),
    "a transform takes windows of its input": "stft istft",
    "it counts or orders values": (
        "histc histogram.* _histogram.* bincount searchsorted quantile nanquantile isin one_hot hash_tensor"
    ),
    "random numbers change with the number of channels": (
        "bernoulli binomial cauchy exponential geometric log_normal multinomial normal.* poisson rand.* uniform "
        "_standard_gamma.* _sample_dirichlet _dirichlet_grad _philox.* _sobol.* _no_grad_.* rrelu_with_noise.* "
        "native_dropout feature_alpha_dropout _fill_mem_eff_dropout_mask _masked_scale fractional_max_pool.* "
    ),
    "it is a loss": (".*_loss.* ctc_loss binary_cross_entropy.* kl_div _ctc_loss.* cosine_embedding_loss"),
    "it normalises by statistics of a training batch": (
        "batch_norm_.* _batch_norm.* _native_batch_norm_legit.* native_norm native_layer_norm native_group_norm"
    ),
    "a packed sequence has no dimension for time": ("_pack_sequence _nested.* nested_.* .*jagged.* to_padded_tensor"),
    "numbers of fewer bits are not followed": (
        ".*quantiz.* fake_quant.* _fake_quant.* .*int4.* .*int8.* _int_mm int_repr fbgemm_.* q_.* _dyn_quant.* "
        "choose_qparams.* _scaled.*mm.* _saturate_weight_to_fp16 fused_moving_avg.* _rowwise_prune _cslt.*"
    ),
    "sparse tensors are not followed": (
        ".*sparse.* _?to_dense .*coalesce.* .*indices.* .*values.* hspmm smm sspaddmm _spdiags _spsolve _convert_.*"
    ),
    "it reads numbers of Python, or dictionaries and lists": (
        "dict items keys popitem sorted data grad as_tensor is.* _is_.* dequantize"
    ),
    "it is internal to torch and appears in no exported graph": (
        "_?cudnn.* _?mkldnn.* _?miopen.* _?mps.* _.*_mps _nnpack.* _xpu.* .*backward.* _foreach.* _amp.* _fused.* "
        "_test.* _foobar _functional.* _autocast.* _fw_primal.* _make_.* _unpack_dual _add_batch_dim _remove_batch_dim "
        "_.*attention.* _transform.* _thnn.* thnn.* slow_conv.* _slow_conv.* _conv_depthwise.* conv_depthwise3d "
        "conv_tbc to_mkldnn _convolution.* convolution_overrideable _addmm_activation _add_relu "
        "_grouped_mm _batch_norm_impl_index "
        "_copy_from.* _indices _pin_memory _reshape_.* _stack __.* _to_cpu _masked_softmax _lstm.* .*_jvp _aminmax "
        "_embedding_bag.* embedding_bag embedding_renorm _neg_view.* _new_zeros.* new_empty_strided _grid_sampler.* "
        "_sparse.* _wrapped.* _mixed.* _triton.* log_sigmoid_forward _logcumsumexp.* special_.* linspace logspace "
        "lift_fresh.* full_like.* _weight.* amp.*"
    ),
}

_PATTERNS = [(re.compile("|".join(f"(?:{word})" for word in words.split())), why) for why, words in _KINDS.items()]


def reason_for(name: str) -> str:
    """Why an operation without a rule freezes the channels that reach it."""
    return next((why for pattern, why in _PATTERNS if pattern.fullmatch(name)), UNKNOWN)
