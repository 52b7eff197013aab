"""SepPrune compared with every rival method, on one trained separator, with equal budgets and equal fine-tuning."""

from .experiment import compare
from .settings import ComparisonSettings, load_comparison_settings

__all__ = ["ComparisonSettings", "compare", "load_comparison_settings"]
