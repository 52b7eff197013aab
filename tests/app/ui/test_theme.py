import numpy as np
import pytest
from PyQt6.QtGui import QColor, QPalette

from app.ui.theme import DARK, LIGHT, PURE, colour_table, style_sheet, system_theme


def luminance(colour):
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("role", ["text", "muted", "mixture", "voice1", "voice2", "compute", "miss", "transition"])
def test_text_can_be_read_on_cards_and_plots(theme, role):
    assert min(contrast(getattr(theme, role), ground) for ground in (theme.card, theme.well, theme.window)) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colour_tables_go_from_the_ground_through_the_colour_in_one_direction(theme):
    table = colour_table(theme, theme.voice1)
    lightness = [luminance(f"#{entry & 0xFFFFFF:06x}") for entry in table.tolist()]
    assert table.dtype == np.uint32 and f"#{table[0] & 0xFFFFFF:06x}" == theme.well
    assert f"#{table[PURE] & 0xFFFFFF:06x}" == theme.voice1
    steps = np.diff(lightness)
    assert (steps > -1e-3).all() if theme.dark else (steps < 1e-3).all()


def test_where_the_desktop_says_nothing_its_palette_decides(qapp):
    before = QPalette(qapp.palette())
    try:
        for ground, theme in (("#202020", DARK), ("#f0f0f0", LIGHT)):
            qapp.setPalette(QPalette(QColor(ground), QColor(ground)))
            assert system_theme(qapp) == theme
    finally:
        qapp.setPalette(before)


def test_larger_text_reaches_the_style_sheet():
    assert "13.0pt" in style_sheet(LIGHT.with_points(13.0))
