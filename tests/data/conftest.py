from tests.training.conftest import data_folder, own_cache

__all__ = ["data_folder", "own_cache"]
