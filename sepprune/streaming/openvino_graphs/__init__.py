"""A level as OpenVINO graphs, written operation by operation from its stored weights. Torch is not needed.

:func:`~sepprune.streaming.openvino_graphs.graphs.build_graphs` is the entry. Importing a module of this package
imports OpenVINO.
"""
