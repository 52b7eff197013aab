from tests.streaming.ladders import converted_levels, skim_ladder, tcn_ladder

__all__ = ["converted_levels", "skim_ladder", "tcn_ladder"]
